"""A client of SHOUTcast: MP3 over something like HTTP, with the title of the song between the bytes."""

from __future__ import annotations

import re
from typing import Any

from plait.log import Logger
from plait.protocol import LineReceiver

_log = Logger("plait.as_twisted")

_ENTRY = re.compile(r"(\w+)='(.*?)';", re.DOTALL)


class ShoutcastClient(LineReceiver):
    """Asks for a stream, and tells it apart: `gotMP3Data` and `gotMetaData`. Override both."""

    delimiter = b"\r\n"
    userAgent = b"Plait Shoutcast client"

    def __init__(self, path: str | bytes = "/") -> None:
        self.path = path.encode("ascii") if isinstance(path, str) else path
        self.got_metadata = False
        self.metaint: int | None = None
        self._headers: dict[str, str] | None = None
        self._left = 0  # bytes until what is read now ends
        self._meta: bytes | None = None  # while the title is read

    def connectionMade(self) -> None:
        """Ask."""
        self.sendLine(b"GET " + self.path + b" HTTP/1.0")
        self.sendLine(b"User-Agent: " + self.userAgent)
        self.sendLine(b"Icy-MetaData: 1")
        self.sendLine(b"")

    def lineReceived(self, line: bytes) -> None:
        """The head of the answer."""
        if self._headers is None:
            words = line.split(None, 2)
            if len(words) < 2 or words[1] != b"200":
                _log.warn("The SHOUTcast server says no: {line!r}", line=line)
                self.transport.loseConnection()
            self._headers = {}
            return
        if line:
            name, _, value = line.partition(b":")
            self._headers[name.decode("latin-1").strip().lower()] = value.decode("latin-1").strip()
            return
        interval = self._headers.get("icy-metaint", "")
        self.metaint = int(interval) if interval.isdigit() and int(interval) else None
        self._left = self.metaint or 0
        self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        """Tell music from titles."""
        if self.metaint is None:
            self.gotMP3Data(data)
            return
        start = 0
        while start < len(data):
            if self._meta is None and self._left == 0:
                self._left, self._meta = data[start] * 16, b""  # the length of the title, in units of 16 bytes
                start += 1
            piece = data[start : start + self._left]
            start += len(piece)
            self._left -= len(piece)
            if self._meta is None:
                if piece:
                    self.gotMP3Data(piece)
                continue
            self._meta += piece
            if self._left == 0:
                if self._meta:
                    text = self._meta.rstrip(b"\0").decode("utf-8", "replace")
                    self.gotMetaData(_ENTRY.findall(text))
                self._meta, self._left = None, self.metaint

    def gotMetaData(self, metadata: list[tuple[str, str]]) -> Any:
        """Called with (name, value) pairs, such as the StreamTitle. Override it."""
        raise NotImplementedError(f"{type(self).__name__} must override gotMetaData")

    def gotMP3Data(self, data: bytes) -> Any:
        """Called with music. Override it."""
        raise NotImplementedError(f"{type(self).__name__} must override gotMP3Data")
