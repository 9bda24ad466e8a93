"""What `twisted.python.text` is: lines wrapped, words in quotation marks kept together, and the like."""

from __future__ import annotations

import textwrap
from typing import Any, Protocol

__all__ = [
    "endsInNewline",
    "greedyWrap",
    "isMultiline",
    "removeLeadingBlanks",
    "removeLeadingTrailingBlanks",
    "splitQuoted",
    "strFile",
    "stringyString",
    "wordWrap",
]


class _Readable(Protocol):
    def read(self, size: int, /) -> str: ...


def isMultiline(s: str) -> bool:
    """Are there line ends in it?"""
    return "\n" in s


def endsInNewline(s: str) -> bool:
    """Is its last character a line end?"""
    return s.endswith("\n")


def stringyString(object: Any, indentation: str = "") -> str:
    """A list, tuple or dict with its elements as `str` shows them, those of lists and tuples one on a line."""
    if isinstance(object, dict):
        rows = [f"{key}: {stringyString(value, f'{indentation} ')}" for key, value in object.items()]
        return f"{{{', '.join(rows)}}}"
    if isinstance(object, list | tuple):
        begin, end = "()" if isinstance(object, tuple) else "[]"
        inner = f"{indentation} "
        rows = [stringyString(element, inner).rstrip("\n") + "," for element in object]
        return begin + f"\n{inner}".join(rows) + f"{end}\n"
    return str(object)


def greedyWrap(inString: str, width: int = 80) -> list[str]:
    """The lines of a text, none longer than that if its words allow; paragraphs have an empty line after each."""
    lines: list[str] = []
    for paragraph in inString.split("\n\n"):
        text = " ".join(paragraph.split())
        lines.extend(textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False))
        lines.append("")
    return lines


wordWrap = greedyWrap


def removeLeadingBlanks(lines: list[str]) -> list[str]:
    """The lines from the first on that has anything, the spaces at their ends taken away."""
    stripped = [line.rstrip() for line in lines]
    while stripped and not stripped[0]:
        del stripped[0]
    return stripped


def removeLeadingTrailingBlanks(s: str) -> str:
    """A text without the empty lines at its beginning and its end; it ends with a line end."""
    lines = removeLeadingBlanks(s.split("\n"))
    return "\n".join(removeLeadingBlanks(lines[::-1])[::-1]) + "\n"


def splitQuoted(s: str) -> list[str]:
    """The words of a text; what is between two quotation marks is one word."""
    words: list[str] = []
    for number, part in enumerate(s.split('"')):
        words.extend([part] if number % 2 else part.split())
    return words


def strFile(p: str, f: _Readable, caseSensitive: bool = True) -> bool:
    """Is the text anywhere in what a file holds?"""
    wanted = p if caseSensitive else p.lower()
    kept = ""  # the end of what was read, where the text may have begun
    while chunk := f.read(8192):
        here = kept + (chunk if caseSensitive else chunk.lower())
        if wanted in here:
            return True
        kept = here[len(here) - len(wanted) + 1 :] if len(wanted) > 1 else ""
    return not wanted
