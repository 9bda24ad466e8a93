"""Lines for a person at a terminal: in colour where it can show that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from plait.log._file import FileLogObserver, Writable, lineMaker
from plait.log._format import TIME_FORMAT
from plait.log._levels import LogLevel

_PLAIN = "\x1b[0m"
_DIM = "\x1b[2m"
_COLOURS = {
    LogLevel.debug: "\x1b[2m",
    LogLevel.info: "\x1b[32m",
    LogLevel.warn: "\x1b[33m",
    LogLevel.error: "\x1b[31m",
    LogLevel.critical: "\x1b[1;31m",
}


def wantsColour(stream: Any, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to write to a stream in colour: it is a terminal that can, and nobody has said otherwise.

    ``NO_COLOR`` forbids it, ``FORCE_COLOR`` orders it (not empty, in both cases; the first one wins).
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    try:
        return bool(stream.isatty()) and environ.get("TERM") != "dumb"
    except (AttributeError, ValueError, OSError):
        return False


def terminalLogObserver(
    outFile: Writable,
    timeFormat: str | None = TIME_FORMAT,
    colour: bool | None = None,
    fullTracebacks: bool | None = None,
) -> FileLogObserver:
    """`plait.log.textFileLogObserver`, with the level in colour and a traceback's lines dimmed.

    :param colour: whether to; None: as `wantsColour` finds.
    """
    coloured = wantsColour(outFile) if colour is None else colour
    plain = lineMaker(timeFormat, fullTracebacks)

    def line(event: Mapping[str, Any]) -> str | None:
        text = plain(event)
        if text is None or not coloured:
            return text
        return _in_colour(text, event.get("log_level"))

    return FileLogObserver(outFile, line)


def _in_colour(text: str, level: object) -> str:
    """All control characters in `text` are escaped already, so that none of these can be undone by what it says."""
    first, newline, rest = text.partition("\n")
    time, _, message = first.partition(" ")
    system, bracket, message = message.partition("] ")
    colour = _COLOURS.get(level, "") if isinstance(level, LogLevel) else ""
    line = f"{_DIM}{time}{_PLAIN} {colour}{system}{bracket}{_PLAIN}{message}{newline}"
    return f"{line}{_DIM}{rest[:-1]}{_PLAIN}\n" if rest else line
