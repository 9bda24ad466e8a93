"""Reading the response to one request: bytes in, events out (RFC 9112). No socket, no clock.

The grammar and the chunks are read by llhttp, through httptools. This chapter adds what a client of one request needs to know
beside them: where the message ends when the connection does (section 6.3; llhttp is not told of the end), that a response to
HEAD has no body, which framings are ambiguous and so refused, and bounds on what a server can make us keep.

`ResponseParser.feed` never raises for what a server sent: a `Broken` event is then the last one. However the bytes are cut
into pieces, the events are the same (but for where the `Data` is cut).
"""

from __future__ import annotations

from dataclasses import dataclass

from plait.web.error import BadResponse, HeadersTooLarge, NoResponse, PartialDownloadError, printable

try:
    import httptools
except ImportError as error:  # pragma: no cover - tests run it in a process of its own
    raise ImportError("plait.web needs httptools: pip install plait[web]") from error

__all__ = [
    "MAX_HEADERS",
    "MAX_HEADER_BYTES",
    "Broken",
    "Data",
    "End",
    "Event",
    "Head",
    "ResponseParser",
]

# Common servers refuse to send or receive more than 8 to 16 KiB; this leaves room for a pile of cookies.
MAX_HEADER_BYTES = 65536
MAX_HEADERS = 256


@dataclass(frozen=True, slots=True)
class Head:
    """Status line and headers of the final response; the interim ones (1xx) are skipped.

    :ivar version: ``b"HTTP/1.1"``.
    :ivar status: three digits, ``b"200"``.
    :ivar message: the reason phrase, often ``b"OK"``; may be empty.
    :ivar headers: the values for each lower-case name, in the order in which they came.
    """

    version: bytes
    status: bytes
    message: bytes
    headers: dict[bytes, list[bytes]]


@dataclass(frozen=True, slots=True)
class Data:
    """A piece of the body, chunks already taken apart."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The response is complete. What comes after it on the connection is not looked at."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The response cannot be read to its end, for the reason in `error`."""

    error: BadResponse | NoResponse | PartialDownloadError


Event = Head | Data | End | Broken


class ResponseParser:
    """Reads one response. The methods named ``on_…`` are for httptools.

    :param method: that of the request: the response to a HEAD has no body, whatever its headers say.
    :param maxHeaderBytes: bound on status line and headers, those of interim responses included.
    :param maxHeaders: bound on the number of headers, counted likewise.
    """

    def __init__(
        self, method: bytes = b"GET", *, maxHeaderBytes: int = MAX_HEADER_BYTES, maxHeaders: int = MAX_HEADERS
    ) -> None:
        self._bodiless = method == b"HEAD"
        self._maxHeaderBytes = maxHeaderBytes
        self._maxHeaders = maxHeaders
        self._llhttp: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._events: list[Event] = []
        self._head: Head | None = None
        self._message = b""
        self._headers: dict[bytes, list[bytes]] = {}
        self._header_count = 0
        self._header_bytes = 0
        self._quiet_bytes = 0  # since the last byte of the body: chunk sizes, their extensions, trailers
        self._received = 0
        self._expected: int | None = None
        self._until_close = False
        self._over = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data`, the next bytes of the connection, completes; none after an `End` or `Broken`."""
        view = memoryview(data)
        while view and self._llhttp is not None:
            view = self._feed_body(view) if self._head else self._feed_head(view)
            if self._over:
                self._llhttp = None  # and with it the cycle of references between us
        events, self._events = self._events, []
        return events

    def end(self, clean: bool = True) -> list[Event]:
        """The event that the end of the connection makes: a body without a length is complete if the end was `clean`,
        any other response is broken. No event after an `End` or `Broken`.
        """
        if not self._over:
            if self._head is None:
                self._break(NoResponse(self._header_bytes))
            elif self._until_close and clean:
                self._finish()
            else:
                self._break(
                    PartialDownloadError(
                        self._head.status, self._head.message, received=self._received, expected=self._expected
                    )
                )
            self._llhttp = None
        events, self._events = self._events, []
        return events

    def _feed_head(self, view: memoryview) -> memoryview:
        piece = view[: self._maxHeaderBytes - self._header_bytes]
        self._header_bytes += len(piece)
        self._feed_llhttp(piece)
        if self._head is None and not self._over and self._header_bytes >= self._maxHeaderBytes:
            self._break(HeadersTooLarge(f"The response's headers are larger than {self._maxHeaderBytes} bytes."))
        return view[len(piece) :]

    def _feed_body(self, view: memoryview) -> memoryview:
        # In pieces, because httptools gathers a trailer to its end, however long that is.
        piece = view[: self._maxHeaderBytes]
        received = self._received
        self._feed_llhttp(piece)
        self._quiet_bytes = self._quiet_bytes + len(piece) if received == self._received else 0
        if self._quiet_bytes > self._maxHeaderBytes and not self._over:
            self._break(HeadersTooLarge(f"Trailers or chunk extensions are larger than {self._maxHeaderBytes} bytes."))
        return view[len(piece) :]

    def _feed_llhttp(self, piece: memoryview) -> None:
        assert self._llhttp is not None
        try:
            self._llhttp.feed_data(piece)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # Past the end there may be anything, and llhttp may mind; we do not.
            if not self._over:
                self._break(BadResponse(f"The server's response is not HTTP/1: {error}."))

    def _finish(self) -> None:
        self._over = True
        self._events.append(End())

    def _break(self, error: BadResponse | NoResponse | PartialDownloadError) -> None:
        self._over = True
        self._events.append(Broken(error))

    # What httptools calls.

    def on_status(self, data: bytes) -> None:
        self._message += data

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._over or self._head is not None:  # then it is a trailer
            return
        self._header_count += 1
        if self._header_count > self._maxHeaders:
            self._break(HeadersTooLarge(f"The response has more than {self._maxHeaders} headers."))
            return
        self._headers.setdefault(name.lower(), []).append(value.rstrip(b" \t"))

    def on_headers_complete(self) -> None:
        if self._over:
            return
        assert self._llhttp is not None
        status = self._llhttp.get_status_code()
        version = self._llhttp.get_http_version()
        headers, self._headers = self._headers, {}
        message, self._message = self._message, b""
        if version not in ("1.0", "1.1"):
            return self._break(BadResponse(f"The server speaks HTTP/{version}, which was not asked for."))
        if status < 100 or status == 101:
            return self._break(BadResponse(f"The server answered {status}, which no request of ours allows."))
        if status < 200:
            return  # interim (RFC 9110, 15.2): the final response is still to come
        self._head = Head(b"HTTP/" + version.encode("ascii"), b"%d" % status, message, headers)
        self._bodiless = self._bodiless or status in (204, 304)
        if not self._bodiless and not self._frame(headers):
            return
        self._events.append(self._head)
        if self._bodiless:
            self._finish()

    def _frame(self, headers: dict[bytes, list[bytes]]) -> bool:
        """Learn where the body ends (RFC 9112, 6.3). llhttp has refused two lengths, and a length beside chunks."""
        codings = b",".join(headers.get(b"transfer-encoding", [])).lower()
        lengths = headers.get(b"content-length")
        if codings and codings != b"chunked":
            self._break(
                BadResponse(f"Transfer-Encoding {printable(codings)!r} was not asked for; only chunked is read.")
            )
            return False
        if lengths:
            self._expected = int(lengths[0])
        self._until_close = not codings and not lengths
        return True

    def on_body(self, data: bytes) -> None:
        if not self._over:
            self._received += len(data)
            self._events.append(Data(data))

    def on_message_complete(self) -> None:
        if not self._over and self._head is not None:
            self._finish()
