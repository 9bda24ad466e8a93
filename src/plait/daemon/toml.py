"""A TOML file, and on which line each of its keys stands: so that a mistake can be told as ``FILE:LINE: what is wrong``."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from plait.daemon.errors import StartError, reason

Path = tuple[str, ...]

_WORD = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*=")
_HEADER = re.compile(rf"\s*\[\[?\s*({_WORD}(?:\s*\.\s*{_WORD})*)\s*\]")
_PART = re.compile(_WORD)
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class Table:
    """The file at `path`; messages call it `name`. StartError if it cannot be read, or is no TOML."""

    def __init__(self, path: str, name: str) -> None:
        self.name = name
        try:
            with open(path, "rb") as file:
                text = file.read().decode()
        except FileNotFoundError:
            raise StartError(f"there is no file {name}") from None
        except OSError as error:
            raise StartError(f"cannot read {name}: {reason(error)}") from error
        except UnicodeDecodeError as error:
            raise StartError(f"{name} is not a TOML file: it is not UTF-8 ({error.reason})") from error
        try:
            self.content: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            message = str(error)
            place = _PLACE.search(message)
            line = int(place[1]) if place is not None and place[1] else text.count("\n") + 1
            raise StartError(f"{name}:{line}: {_PLACE.sub('', message)}") from error
        self._lines = _find_lines(text)

    def error(self, path: Path, message: str) -> StartError:
        """The error that says what is wrong with the key at `path`, and on which line."""
        while path and path not in self._lines:
            path = path[:-1]
        return StartError(f"{self.name}:{self._lines.get(path, 1)}: {message}")


def _find_lines(text: str) -> dict[Path, int]:
    """The line of each table and key that begins one. `text` is known to be good TOML."""
    found: dict[Path, int] = {}
    table: Path = ()
    quotes = ""  # of the string of several lines that we are in
    for number, line in enumerate(text.split("\n"), 1):
        if not quotes:
            if (header := _HEADER.match(line)) is not None:
                table = _parts(header[1])
                _note(found, (), table, number)
            elif (key := _KEY.match(line)) is not None:
                _note(found, table, _parts(key[1]), number)
        for mark in re.findall(r"\"\"\"|'''", line):
            if not quotes:
                quotes = mark
            elif mark == quotes:
                quotes = ""
    return found


def _note(found: dict[Path, int], table: Path, parts: Path, number: int) -> None:
    for length in range(1, len(parts) + 1):
        found.setdefault(table + parts[:length], number)


def _parts(dotted: str) -> Path:
    return tuple(_unquoted(part) for part in _PART.findall(dotted))


def _unquoted(part: str) -> str:
    return str(tomllib.loads(f"x = {part}")["x"]) if part[0] in "\"'" else part
