"""The stream that reports are written to: colours where they can be seen, and writes that are not cut short."""

from __future__ import annotations

import os
from typing import Any

_COLOURS = {"black": 30, "red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "white": 37}


class SafeStream:
    """A stream whose writes are tried again when a signal has interrupted them."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def write(self, *args: Any, **kwargs: Any) -> Any:
        """Write to the original stream."""
        return _insist(self.original.write, *args, **kwargs)

    def flush(self) -> None:
        """Flush the original stream, if it can be."""
        if hasattr(self.original, "flush"):
            _insist(self.original.flush)


def _insist(function: Any, *args: Any, **kwargs: Any) -> Any:
    while True:
        try:
            return function(*args, **kwargs)
        except InterruptedError:
            continue


class PlainColorizer:
    """Writes without colours."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    @classmethod
    def supported(cls, stream: Any) -> bool:
        """Every stream takes text."""
        return True

    def write(self, text: str, color: str) -> None:
        """Write `text`."""
        self.stream.write(text)


class AnsiColorizer(PlainColorizer):
    """Writes in the colours of a terminal."""

    @classmethod
    def supported(cls, stream: Any) -> bool:
        """Whether `stream` is a terminal with colours, and ``NO_COLOR`` is not set."""
        if os.environ.get("NO_COLOR") or not (hasattr(stream, "isatty") and stream.isatty()):
            return False
        try:
            import curses
        except ImportError:
            return False
        try:
            try:
                return curses.tigetnum("colors") > 2
            except curses.error:
                curses.setupterm()
                return curses.tigetnum("colors") > 2
        except Exception:
            return False  # a terminal that nobody knows anything of

    def write(self, text: str, color: str) -> None:
        """Write `text` in `color`, such as "green"."""
        self.stream.write(f"\x1b[{_COLOURS[color]};1m{text}\x1b[0m")


def colorizer_for(stream: Any) -> PlainColorizer:
    """The best that `stream` can show."""
    return AnsiColorizer(stream) if AnsiColorizer.supported(stream) else PlainColorizer(stream)
