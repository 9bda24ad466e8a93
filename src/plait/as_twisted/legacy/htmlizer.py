"""What `twisted.python.htmlizer` is: a Python program as HTML, each word in a ``<span>`` that says what it is."""

from __future__ import annotations

import io
import keyword
import sys
import tokenize
from collections.abc import Callable
from html import escape
from typing import IO, Any

__all__ = ["HTMLWriter", "SmallerHTMLWriter", "TokenPrinter", "filter", "main"]


class TokenPrinter:
    """Hands tokens, and the space between them, to a function ``writer(text, kind)``."""

    def __init__(self, writer: Callable[..., object]) -> None:
        self.writer = writer
        self._line, self._column = 1, 0
        self._named: str | None = None

    def printtoken(
        self, type: int, token: bytes, sCoordinates: tuple[int, int], eCoordinates: tuple[int, int], line: bytes
    ) -> None:
        """Hand over one token, with the kinds of `tokenize` and the place where it begins and ends."""
        row, column = sCoordinates
        if row > self._line:
            self._column = 0
        if column > self._column:
            self.writer(line[self._column : column])
        self._line, self._column = eCoordinates
        self.writer(token, self._kind(type, token.decode()))

    def _kind(self, type: int, word: str) -> str:
        """What a token is; names are told apart by the word before and the one that is being defined."""
        if type != tokenize.NAME:
            kind = tokenize.tok_name[type].lower()
            self._named = None
            return kind
        before, self._named = self._named, word
        if keyword.iskeyword(word):
            return "keyword"
        return {"def": "identifier", "class": "identifier"}.get(before or "", "variable")


class HTMLWriter:
    """Writes each token as a ``<span class="py-src-KIND">``."""

    noSpan: tuple[str, ...] = ()
    """The kinds of tokens that are written without one."""

    def __init__(self, writer: Callable[[bytes], object]) -> None:
        self.writer = writer

    def write(self, token: bytes, type: str | None = None) -> None:
        """Write a token, or the space before it."""
        text = escape(token.decode(), quote=False).encode()
        if type is None or type in self.noSpan:
            self.writer(text)
        else:
            self.writer(b'<span class="py-src-%s">%s</span>' % (type.encode(), text))


class SmallerHTMLWriter(HTMLWriter):
    """Writes less: no ``<span>`` where there is nothing to show."""

    noSpan = ("endmarker", "indent", "dedent", "op", "newline", "nl")


def filter(inp: IO[bytes], out: IO[bytes], writer: Callable[[Any], Any] = HTMLWriter) -> None:
    """Read a program from one file and write it to another as HTML, in a ``<pre>``."""
    out.write(b"<pre>")
    printer = TokenPrinter(writer(out.write).write)
    source = inp.read()
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.ENCODING or (token.type == tokenize.NEWLINE and not token.string):
            continue
        printer.printtoken(token.type, token.string.encode(), token.start, token.end, token.line.encode())
    out.write(b"</pre>\n")


def main() -> None:
    """Write the program whose path is the first argument to standard output."""
    with open(sys.argv[1], "rb") as program:
        filter(program, sys.stdout.buffer)
