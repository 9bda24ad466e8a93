"""STOMP without a network: bytes go in and frames come out, and the other way round.

The time is linear in the bytes, however they are split: each line of a header is looked at once, and a body is searched
only from where the last search ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

VERSIONS = ("1.0", "1.1", "1.2")


class StompError(Exception):
    """The broker has refused something, or it cannot be asked; `frame` is its ERROR frame, if there is one."""

    def __init__(self, message: str, frame: StompFrame | None = None) -> None:
        super().__init__(message)
        self.frame = frame


class StompProtocolError(StompError):
    """What has come is not STOMP, or more than the limits allow."""


@dataclass
class StompFrame:
    """A command, its headers (of a name that is repeated, the first) and its body."""

    command: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


_COMMAND = re.compile(r"[A-Z]+", re.ASCII)
_LENGTH = re.compile(r" *([0-9]{1,18}) *", re.ASCII)
_EOLS = re.compile(rb"(?:\r?\n)*")
# 1.2, "Value Encoding"; 1.1 lacks the carriage return, and 1.0 knows no escapes.
_ESCAPES = {
    "1.0": {},
    "1.1": {"\\": "\\\\", "\n": "\\n", ":": "\\c"},
    "1.2": {"\\": "\\\\", "\n": "\\n", ":": "\\c", "\r": "\\r"},
}
_UNESCAPES = {version: {escape: char for char, escape in table.items()} for version, table in _ESCAPES.items()}
_TABLES = {version: str.maketrans(table) for version, table in _ESCAPES.items()}
_ESCAPE = re.compile(r"\\.?", re.DOTALL)


def _escapes_of(command: str, version: str) -> str:
    # Those two are the same in all versions, since they come before one is agreed upon (1.2, "Value Encoding").
    return "1.0" if command in ("CONNECT", "CONNECTED") else version


def encodeFrame(frame: StompFrame, version: str = "1.2") -> bytes:
    """The bytes of a frame. A body gets a content-length, if the headers have none.

    Raises ValueError if the version cannot express it: a line feed in a header of 1.0, say.
    """
    if not _COMMAND.fullmatch(frame.command):
        raise ValueError(f"a command is capital letters, not {frame.command!r}")
    escapes = _escapes_of(frame.command, version)
    table = _TABLES[escapes]
    lines = [frame.command]
    headers = frame.headers
    length = headers.get("content-length")
    if length is None:
        if frame.body:
            headers = {**headers, "content-length": str(len(frame.body))}
    elif length != str(len(frame.body)):
        raise ValueError(f"content-length is {length!r}, but the body has {len(frame.body)} bytes")
    for name, value in headers.items():
        name_, value_ = name.translate(table), value.translate(table)
        # A carriage return at the end would be taken for the end of the line by those who take both ends.
        if not name or ":" in name_ or "\n" in name_ + value_ or "\0" in name_ + value_ or "\r" in name_ + value_:
            raise ValueError(f"a header of {frame.command} in STOMP {version} cannot be {name!r}: {value!r}")
        lines.append(f"{name_}:{value_}")
    return "\n".join([*lines, "", ""]).encode() + frame.body + b"\0"


class StompDecoder:
    """Cuts a stream into frames: `feed` it with what comes, and ask for the `nextFrame` until there is none.

    :param maxHeaders: headers of a frame.
    :param maxLine: bytes of a header, and of a command.
    :param maxBody: bytes of a body.

    Attribute `version`: set it when it is agreed upon; the escapes of headers are those of 1.2 before.
    """

    def __init__(self, maxHeaders: int = 100, maxLine: int = 16384, maxBody: int = 16 << 20) -> None:
        self.version = "1.2"
        self.maxHeaders = maxHeaders
        self.maxLine = maxLine
        self.maxBody = maxBody
        self._buffer = bytearray()
        self._offset = 0  # before this, all is handed out
        self._searched = 0  # between the two is no end of what is looked for
        self._frame: StompFrame | None = None  # whose headers come in, or whose body
        self._count = 0
        self._in_body = False
        self._length: int | None = None

    def feed(self, data: bytes) -> None:
        """Take what has come."""
        if self._offset:
            del self._buffer[: self._offset]
            self._searched -= self._offset
            self._offset = 0
        self._buffer += data

    def nextFrame(self) -> StompFrame | None:
        """The next frame, None if it is not all there. Raises StompProtocolError; the stream is of no use after that."""
        while not self._in_body:
            if self._frame is None:
                end_of_eols = _EOLS.match(self._buffer, self._offset)
                assert end_of_eols is not None
                self._offset = end_of_eols.end()
            self._searched = max(self._searched, self._offset)
            line = self._line()
            if line is None:
                return None
            self._take_line(line)
        return self._body()

    def _line(self) -> str | None:
        end = self._buffer.find(b"\n", self._searched)
        length = (len(self._buffer) if end < 0 else end) - self._offset
        if length > self.maxLine:
            raise StompProtocolError(f"a line of a header has more than {self.maxLine} bytes")
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[self._offset : end])
        self._offset = self._searched = end + 1
        if self.version == "1.2" and line.endswith(b"\r"):
            line = line[:-1]
        try:
            return line.decode()
        except UnicodeDecodeError:
            raise StompProtocolError(f"a header is not UTF-8: {line[:80]!r}") from None

    def _take_line(self, line: str) -> None:
        frame = self._frame
        if frame is None:
            if not _COMMAND.fullmatch(line):
                raise StompProtocolError(f"no command of STOMP: {line[:80]!r}")
            self._frame = StompFrame(line)
            self._count = 0
        elif line:
            self._count += 1
            if self._count > self.maxHeaders:
                raise StompProtocolError(f"a frame has more than {self.maxHeaders} headers")
            name, colon, value = line.partition(":")
            if not colon or not name or "\0" in line:
                raise StompProtocolError(f"no header of STOMP: {line[:80]!r}")
            frame.headers.setdefault(self._unescape(name), self._unescape(value))
        else:
            self._in_body = True
            self._length = self._announced(frame)

    def _unescape(self, text: str) -> str:
        assert self._frame is not None
        version = _escapes_of(self._frame.command, self.version)
        if version == "1.0" or "\\" not in text:
            return text
        table = _UNESCAPES[version]
        try:
            return _ESCAPE.sub(lambda match: table[match[0]], text)
        except KeyError as error:
            raise StompProtocolError(f"STOMP {version} has no escape {error} in a header") from None

    def _announced(self, frame: StompFrame) -> int | None:
        text = frame.headers.get("content-length")
        if text is None:
            return None
        number = _LENGTH.fullmatch(text)
        if number is None:
            raise StompProtocolError(f"content-length is no length: {text[:80]!r}")
        if int(number[1]) > self.maxBody:
            raise StompProtocolError(f"a body has more than {self.maxBody} bytes")
        return int(number[1])

    def _body(self) -> StompFrame | None:
        if self._length is None:
            end = self._buffer.find(b"\0", self._searched)
            self._searched = len(self._buffer)
            if (end if end >= 0 else len(self._buffer)) - self._offset > self.maxBody:
                raise StompProtocolError(f"a body has more than {self.maxBody} bytes")
            if end < 0:
                return None
        else:
            end = self._offset + self._length
            if len(self._buffer) <= end:
                return None
            if self._buffer[end]:
                raise StompProtocolError("there is no NUL where content-length says that the body ends")
        frame = self._frame
        assert frame is not None
        frame.body = bytes(self._buffer[self._offset : end])
        self._offset = self._searched = end + 1
        self._frame = None
        self._in_body = False
        return frame
