"""Fetching a page into a file: `HTTPDownloader`.

The body goes to the file as it arrives, and writing blocks; so no more of it is in memory than one read from the socket, and
a server that is faster than the disk is held back by TCP.
"""

from __future__ import annotations

import os
import re
from typing import Any, BinaryIO

from plait.failure import Failure
from plait.web.error import PartialDownloadError
from plait.web.getter import HTTPPageDownloader
from plait.web.outgoing import Header, HeaderDict
from plait.web.page import HTTPClientFactory

__all__ = ["HTTPDownloader"]

# Content-Range, RFC 9110, 14.4: what of how much, either of which may be "*"
_CONTENT_RANGE = re.compile(rb"bytes +(?:([0-9]{1,19})-([0-9]{1,19})|\*)/(?:([0-9]{1,19})|\*)", re.IGNORECASE)


class HTTPDownloader(HTTPClientFactory):
    """Fetches a page into a file, following redirects.

    A subclass may override `gotStatus`, `gotHeaders`, `pageStart`, `pagePart`, `pageEnd` and `noPage`, and calls the overridden
    method for what it is not to replace. What one of them raises ends the download, and is the Deferred's failure.

    :ivar deferred: fires with `value` (None, unless a subclass sets it) when the file is complete and closed; fails as that of
        `HTTPClientFactory`. A file that a failed download has begun stays as it is, short.
    :ivar requestedPartial: how many bytes were in the file already; 0 if the whole page is asked for.

    :param fileOrName: a path, or a binary file that is open for writing. It is closed in the end either way.
    :param supportPartial: if there is something in the file of that name already, ask for the rest only, and append it.
        Whether the page has changed in between cannot be seen; an ``If-Range`` header (RFC 9110, 13.1.5) makes the server
        look.

    The other parameters are those of `HTTPClientFactory`.
    """

    protocol = HTTPPageDownloader
    value: Any = None

    def __init__(
        self,
        url: bytes | str,
        fileOrName: str | bytes | os.PathLike[str] | BinaryIO,
        method: Header = b"GET",
        postdata: bytes | None = None,
        headers: HeaderDict | None = None,
        agent: Header = b"Plait client",
        supportPartial: bool = False,
        timeout: float = 0,
        cookies: dict[Any, Any] | None = None,
        followRedirect: bool = True,
        redirectLimit: int = 20,
        afterFoundGet: bool = False,
    ) -> None:
        self.requestedPartial: int = 0
        self.fileName: str | bytes | os.PathLike[str] | None = None
        self.file: BinaryIO | None = None
        headers = dict(headers or {})
        if isinstance(fileOrName, (str, bytes, os.PathLike)):
            self.fileName = fileOrName
            if supportPartial and os.path.exists(fileOrName):
                self.requestedPartial = os.path.getsize(fileOrName)
            if self.requestedPartial:
                headers[b"range"] = b"bytes=%d-" % self.requestedPartial
        else:
            self.file = fileOrName
        self._missing_from: tuple[int, int] | None = None
        super().__init__(
            url,
            method=method,
            postdata=postdata,
            headers=headers,
            agent=agent,
            timeout=timeout,
            cookies=cookies,
            followRedirect=followRedirect,
            redirectLimit=redirectLimit,
            afterFoundGet=afterFoundGet,
        )

    # What a subclass overrides.

    def pageStart(self, partialContent: bool) -> None:
        """The page begins; open the file. `partialContent`: to append to what is in it."""
        if self.file is None:
            self.file = self.openFile(partialContent)

    def openFile(self, partialContent: bool) -> BinaryIO:
        """The file of that name, open for writing."""
        assert self.fileName is not None
        file = open(self.fileName, "r+b" if partialContent else "wb")  # noqa: SIM115 - closed when the page ends
        if partialContent:
            file.seek(self.requestedPartial)
        return file

    def pagePart(self, data: bytes) -> None:
        """A piece of the page; write it to the file."""
        if self.file is not None:
            self.file.write(data)

    def pageEnd(self) -> None:
        """The page is complete; close the file and fire the Deferred."""
        if self.waiting:
            self._close_file()
            self._done()
            self.deferred.callback(self.value)

    def noPage(self, reason: Failure | BaseException) -> None:
        """The page is not complete; close the file and fire the Deferred with the failure."""
        if self.waiting:
            try:
                self._close_file()
            except OSError:
                pass  # one reason is enough, and the first is the better one
            super().noPage(reason)

    def _close_file(self) -> None:
        file, self.file = self.file, None
        if file is not None:
            file.close()

    # What the connection asks about parts.

    def checkRange(self, headers: dict[bytes, list[bytes]]) -> bool:
        """Whether the part of the page that these headers announce is one that we can take."""
        if not self.requestedPartial:
            return b"range" in self.headers  # the caller's own wish
        match = _range(headers)
        if match is None or match[1] is None or int(match[1]) != self.requestedPartial:
            return False
        if match[3] is not None:
            self._missing_from = int(match[2]) + 1, int(match[3])
        return True

    def isComplete(self, headers: dict[bytes, list[bytes]]) -> bool:
        """Whether these headers of a 416 say that the page is exactly as long as what we have."""
        match = _range(headers)
        return bool(self.requestedPartial and match and match[3] and int(match[3]) == self.requestedPartial)

    def missing(self) -> PartialDownloadError | None:
        """An error if the part that has come, as a whole, was not all of the rest."""
        if self._missing_from is None or self._missing_from[0] == self._missing_from[1]:
            return None
        received, expected = self._missing_from
        return PartialDownloadError(self.status or b"206", self.message, received=received, expected=expected)


def _range(headers: dict[bytes, list[bytes]]) -> re.Match[bytes] | None:
    values = headers.get(b"content-range", [])
    return _CONTENT_RANGE.fullmatch(values[0]) if len(values) == 1 else None
