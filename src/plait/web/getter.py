"""One connection that fetches one page: writes the request, reads the response, and tells the factory.

`HTTPPageGetter` is the protocol of `plait.web.page.HTTPClientFactory`, `HTTPPageDownloader` that of
`plait.web.download.HTTPDownloader`. What is to be done with a status is one method each, ``handleStatus_404`` for 404, with
`handleStatusDefault` for those that have none; a subclass may add to them.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from plait import errors
from plait.failure import Failure
from plait.protocol import Protocol
from plait.web.error import Error, PageTooLarge, PartialDownloadError, RedirectWithNoLocation
from plait.web.response import MAX_HEADER_BYTES, MAX_HEADERS, Broken, Data, End, Event, Head, ResponseParser

if TYPE_CHECKING:
    from plait.web.download import HTTPDownloader
    from plait.web.page import HTTPClientFactory

__all__ = ["HTTPPageDownloader", "HTTPPageGetter"]


class HTTPPageGetter(Protocol):
    """Fetches the factory's page into memory and hands it to `HTTPClientFactory.page`.

    :cvar maxHeaderBytes: bound on the response's status line and headers.
    :cvar maxHeaders: bound on their number.
    :cvar maxErrorBody: how much of the body of an error's page is kept for `Error.response`; when there is more, the rest is
        not waited for.
    """

    maxHeaderBytes: int = MAX_HEADER_BYTES
    maxHeaders: int = MAX_HEADERS
    maxErrorBody: int = 65536

    factory: HTTPClientFactory

    def __init__(self) -> None:
        self.failed: bool = False
        self.status: bytes = b""
        self.message: bytes = b""
        self.headers: dict[bytes, list[bytes]] = {}
        self._parser: ResponseParser | None = None  # None before the request and after the result
        self._body = BytesIO()

    # The connection.

    def connectionMade(self) -> None:
        """Write the request."""
        factory = self.factory
        if not factory.waiting:
            self.quit()
            return
        try:
            data = factory.buildRequest()
            self._parser = ResponseParser(
                factory.method, maxHeaderBytes=self.maxHeaderBytes, maxHeaders=self.maxHeaders
            )
        except Exception:
            self.fail(Failure())
            return
        self.transport.write(data)

    def dataReceived(self, data: bytes) -> None:
        """Read what of the response has come; the rest of what comes is dropped when there is a result already."""
        if self._parser is not None:
            self._handle(self._parser.feed(data))

    def connectionLost(self, reason: Failure) -> None:
        """Fail, if the end of the connection is not the end of the page. Only a clean end can be that."""
        if self._parser is None:
            return
        if reason.check(errors.SSLError):
            self.fail(reason)  # who does not get through the handshake has not been asked
            return
        events = self._parser.end(clean=reason.check(errors.ConnectionDone) is not None)
        for event in events:
            if isinstance(event, Broken):
                event.error.__cause__ = reason.value
        self._handle(events)

    def quit(self, abort: bool = True) -> None:
        """Take no notice of this connection any more, and close it: at once, or as TCP and TLS would have it."""
        self._parser = None
        if self.transport is None:
            return
        if abort:
            self.transport.abortConnection()
        else:
            self.transport.loseConnection()

    def fail(self, reason: Failure) -> None:
        """Close the connection; there is no page because of `reason`."""
        self.quit()
        self.factory.noPage(reason)

    def _handle(self, events: list[Event]) -> None:
        # What the user overrides is called from here, and only from here: what it raises is the page's failure.
        try:
            for event in events:
                match event:
                    case Data(data):
                        self.handleResponsePart(data)
                    case Head():
                        self._handle_head(event)
                    case End():
                        self.handleResponseEnd()
                    case Broken(error):
                        self.handleBroken(error)
                if not self.factory.waiting and self._parser is not None:
                    self.quit()  # a hook has called noPage, say
                if self._parser is None:
                    return
        except Exception:
            self.fail(Failure())

    # The response.

    def _handle_head(self, head: Head) -> None:
        self.status, self.message, self.headers = head.status, head.message, head.headers
        self.factory.gotStatus(head.version, head.status, head.message)
        self.factory.gotHeaders(head.headers)
        if not self.factory.waiting:
            return
        status = head.status.decode("ascii")
        handler = getattr(self, f"handleStatus_{status}", None)
        if handler is not None:
            handler()
        elif status.startswith("2"):
            self.handleStatus_200()
        else:
            self.handleStatusDefault()

    def handleStatus_200(self) -> None:
        """A page; also for every other 2xx that has no method of its own."""

    def handleStatusDefault(self) -> None:
        """Not a page: fail with `Error` when its body has come."""
        self.failed = True

    def handleStatus_301(self) -> None:
        """Moved: ask again there. A POST stays one, unless the factory's `afterFoundGet` says otherwise."""
        self._redirect(self.factory.afterFoundGet and self.factory.method == b"POST")

    handleStatus_302 = handleStatus_301

    def handleStatus_303(self) -> None:
        """See other: ask there with GET (RFC 9110, 15.4.4)."""
        self._redirect(self.factory.method != b"HEAD")

    def handleStatus_307(self) -> None:
        """Moved: ask again there, with the same method and body (RFC 9110, 15.4.8)."""
        self._redirect(False)

    handleStatus_308 = handleStatus_307

    def _redirect(self, with_get: bool) -> None:
        factory = self.factory
        locations = self.headers.get(b"location")
        if not locations or not locations[0]:
            self.fail(Failure(RedirectWithNoLocation(self.status, self.message, factory.url)))
            return
        self.quit()
        factory.redirect(self.status, self.message, locations[0], with_get)

    def handleResponsePart(self, data: bytes) -> None:
        """A piece of the body."""
        self._body.write(data)
        if self.failed:
            if self._body.tell() > self.maxErrorBody:
                self._body.truncate(self.maxErrorBody)
                self._fail_with_status()
        elif self.factory.maxSize is not None and self._body.tell() > self.factory.maxSize:
            self.fail(Failure(PageTooLarge(self.status, self.message, self.factory.maxSize)))

    def handleResponseEnd(self) -> None:
        """The body is complete."""
        if self.failed:
            self._fail_with_status()
        else:
            self.quit(abort=False)
            self.factory.page(self._body.getvalue())

    def handleBroken(self, error: Exception) -> None:
        """The response cannot be read to its end."""
        if self.failed:
            # That there is no page is known; the status says more about why than the rest of its body could.
            self._fail_with_status()
            return
        if isinstance(error, PartialDownloadError):
            error.response = self._body.getvalue()
        self.fail(Failure(error))

    def _fail_with_status(self) -> None:
        self.fail(Failure(Error(self.status, self.message, self._body.getvalue())))


class HTTPPageDownloader(HTTPPageGetter):
    """Hands the page to `HTTPDownloader.pagePart` as it comes; keeps none of it."""

    factory: HTTPDownloader
    transmittingPage: bool = False

    def handleStatus_200(self) -> None:
        """The whole page, also where only the rest was asked for."""
        self._start(partial=False)

    def handleStatus_206(self) -> None:
        """The rest of the page (RFC 9110, 15.3.7), if it begins where ours ends."""
        if self.factory.checkRange(self.headers):
            self._start(partial=bool(self.factory.requestedPartial))
        else:
            self.handleStatusDefault()

    def handleStatus_416(self) -> None:
        """There is no rest (RFC 9110, 15.5.17): good if we have all of the page, and an error if the page is shorter."""
        if self.factory.isComplete(self.headers):
            self._start(partial=True)
            self.transmittingPage = False
            self.quit()
            self.factory.pageEnd()
        else:
            self.handleStatusDefault()

    def _start(self, partial: bool) -> None:
        self.transmittingPage = True
        self.factory.pageStart(partial)

    def handleResponsePart(self, data: bytes) -> None:
        """Pass a piece of the page on."""
        if self.transmittingPage:
            self.factory.pagePart(data)
        else:
            super().handleResponsePart(data)

    def handleResponseEnd(self) -> None:
        """End the file, if there is one."""
        if not self.transmittingPage:
            super().handleResponseEnd()
            return
        missing = self.factory.missing()
        if missing is not None:
            self.fail(Failure(missing))
            return
        self.quit(abort=False)
        self.factory.pageEnd()
