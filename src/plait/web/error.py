"""What can go wrong when a page is fetched or served.

`Error` and its children are answers of a server that are not the page that was asked for; the others say that there was no
proper answer at all. All of them arrive through the page's Deferred, except `InvalidURL`, which is raised at once when it is
the caller's own URL that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus

from plait import deferred, errors
from plait.web.status import RESPONSES

__all__ = [
    "BadResponse",
    "Error",
    "HTTPError",
    "HeadersTooLarge",
    "InfiniteRedirection",
    "InvalidURL",
    "NoResponse",
    "PageRedirect",
    "PageTimeout",
    "PageTooLarge",
    "PartialDownloadError",
    "RedirectWithNoLocation",
    "SchemeNotSupported",
    "StreamEnded",
    "UnsupportedMethod",
]


def phrase(status: bytes) -> bytes | None:
    """The reason phrase that the HTTP registry has for `status`; None where it has none."""
    try:
        return HTTPStatus(int(status)).phrase.encode("ascii")
    except ValueError:
        return None


def printable(data: bytes) -> str:
    """`data` as text for a message. What a server sent must not be able to steer the terminal that shows it."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class Error(Exception):
    """The server answered with a status that is not a success, such as ``404 Not Found``; or is to answer so.

    :ivar status: the status code as bytes, ``b"404"``.
    :ivar message: what the server called it, ``b"Not Found"``; the registered phrase (RFC 9110, section 15) where it called it
        nothing, and None where none is registered.
    :ivar response: the body that came with the status (at most `plait.web.getter.HTTPPageGetter.maxErrorBody` bytes of
        it), or None.
    """

    def __init__(
        self, code: int | bytes | str, message: bytes | str | None = None, response: bytes | None = None
    ) -> None:
        """:raises ValueError: `code` is not a number."""
        super().__init__(code, message, response)
        status = code if isinstance(code, bytes) else str(code).encode("ascii", "backslashreplace")
        if not status.isdigit():
            raise ValueError(f"{code!r} is not a status code; that is a number, such as 404.")
        if isinstance(message, str):
            message = message.encode("utf-8")
        self.status: bytes = status
        self.message: bytes | None = message or phrase(status)
        self.response: bytes | None = response

    def __str__(self) -> str:
        return printable(self.status + b" " + (self.message or b"")).strip()


class PageRedirect(Error):
    """The server said that the page is elsewhere, and following was switched off.

    :ivar location: the absolute URL that it pointed to.
    """

    def __init__(
        self,
        code: int | bytes | str,
        message: bytes | str | None = None,
        response: bytes | None = None,
        location: bytes | None = None,
    ) -> None:
        super().__init__(code, message, response)
        if location and self.message:
            self.message += b" to " + location
        self.location: bytes | None = location


class InfiniteRedirection(PageRedirect):
    """The server redirected more often than `redirectLimit` allows.

    :ivar location: the URL that was not followed any more.
    """


class RedirectWithNoLocation(Error):
    """The server said that the page is elsewhere, but not where.

    :ivar uri: the URL that was asked for.
    """

    def __init__(self, code: int | bytes | str, message: bytes | str | None, uri: bytes) -> None:
        super().__init__(code, message)
        if self.message:
            self.message += b" to " + uri
        self.uri: bytes = uri

    def __str__(self) -> str:
        return f"{super().__str__()} (there is no Location header)"


class PartialDownloadError(Error):
    """The connection ended before the page did. What had arrived is in `response` (a page) or in the file (a download).

    `status` and `message` are those of the response, so usually 200 and OK.

    :ivar received: how many bytes of the body had arrived.
    :ivar expected: how many there were to be, or None where the server did not say so.
    """

    def __init__(
        self,
        code: int | bytes | str,
        message: bytes | str | None = None,
        response: bytes | None = None,
        received: int = 0,
        expected: int | None = None,
    ) -> None:
        super().__init__(code, message, response)
        self.received: int = received
        self.expected: int | None = expected

    def __str__(self) -> str:
        of = "" if self.expected is None else f" of {self.expected}"
        return f"The connection was lost in the middle of the page, after {self.received}{of} bytes."


class PageTooLarge(Error):
    """The page is larger than the `maxSize` that `getPage` was given; the connection was closed.

    :ivar maxSize: that limit, in bytes.
    """

    def __init__(self, code: int | bytes | str, message: bytes | str | None, maxSize: int) -> None:
        super().__init__(code, message)
        self.maxSize: int = maxSize

    def __str__(self) -> str:
        return f"The page is larger than maxSize, {self.maxSize} bytes; raise it, or download to a file."


class BadResponse(Exception):
    """What the server sent is not HTTP/1 (RFC 9112), or is it in a way that could be read in two ways."""


class HeadersTooLarge(BadResponse):
    """The server's headers, or the trailers of a chunked body, pass the bound on their number or size."""


class NoResponse(errors.ConnectionLost):
    """The connection was closed before the headers of a response were complete.

    :ivar received: how many bytes had arrived.
    """

    def __init__(self, received: int = 0) -> None:
        super().__init__()
        self.received: int = received

    def __str__(self) -> str:
        if self.received:
            return f"The server closed the connection in its headers, after {self.received} bytes."
        return "The server closed the connection without an answer."


class PageTimeout(deferred.TimeoutError, errors.TimeoutError):
    """The page took longer than its `timeout`; it is the TimeoutError of both `plait.deferred` and `plait.errors`."""

    def __init__(self, message: str) -> None:
        Exception.__init__(self, message)

    def __str__(self) -> str:
        return str(self.args[0])


class SchemeNotSupported(Exception):
    """A URL has a scheme that the client does not speak."""


class UnsupportedMethod(Exception):
    """A resource has no answer to the request's method.

    :ivar allowedMethods: those that it answers, as bytes; what an ``Allow`` header lists.
    """

    def __init__(self, allowedMethods: Iterable[bytes], *args: object) -> None:
        """:raises TypeError: `allowedMethods` is a single method."""
        if isinstance(allowedMethods, (bytes, str)) or not isinstance(allowedMethods, Iterable):
            raise TypeError(f"The allowed methods are to be a list, not {allowedMethods!r}.")
        super().__init__(allowedMethods, *args)
        self.allowedMethods: Iterable[bytes] = allowedMethods

    def __str__(self) -> str:
        return f"Expected one of {self.allowedMethods!r}"


class HTTPError(Exception):
    """What whoever answers a request raises to answer with a status that is no success: ``raise HTTPError(404, "no such user")``.

    It is no error of the server's, and not logged. (`Error` is what another server has said, and nothing to pass on unseen.)

    :ivar code: the status, 400 to 599.
    :ivar headers: of the answer.
    """

    def __init__(self, code: int, message: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        """:param message: for the client; None is the status's phrase.

        :raises ValueError: if `code` is no status of an error.
        """
        if not (isinstance(code, int) and 400 <= code <= 599):
            raise ValueError(f"{code!r} is no status of an error; that is a number from 400 to 599.")
        super().__init__(RESPONSES.get(code, b"Error").decode() if message is None else message)
        self.code = code
        self.headers: Mapping[str, str] = headers or {}


class StreamEnded(Exception):
    """A stream of events has ended, so that nothing can be sent to it any more (`plait.web.events`)."""


class InvalidURL(ValueError):
    """A URL that cannot be fetched; the message names the part that is wrong."""
