"""What `twisted.python.win32` is: arguments and errors as Windows has them. All of it works on other systems too."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["cmdLineQuote", "formatError", "quoteArguments"]

# numbers of the system's errors, from winerror.h
ERROR_FILE_NOT_FOUND = 2
ERROR_PATH_NOT_FOUND = 3
ERROR_INVALID_NAME = 123
ERROR_DIRECTORY = 267

O_BINARY = getattr(os, "O_BINARY", 0)


class FakeWindowsError(OSError):
    """What stands for ``WindowsError`` where there is none."""


WindowsError: type[OSError] = OSError
"""What Windows raises, by now a name of `OSError`."""


def cmdLineQuote(s: str) -> str:
    """One argument as ``CommandLineToArgvW`` reads it back: in quotation marks if it is empty or has spaces or such marks."""
    if s and not re.search(r'[\s"]', s):
        return s
    # Backslashes count as such only where a quotation mark follows; there each of them is doubled.
    return '"' + re.sub(r'(\\*)"', r'\1\1\\"', re.sub(r"(\\+)$", r"\1\1", s)) + '"'


def quoteArguments(arguments: Iterable[str]) -> str:
    """The command line of these arguments."""
    return " ".join(map(cmdLineQuote, arguments))


class _ErrorFormatter:
    """The text of an error number, from the best source that there is; each of them may be None."""

    def __init__(
        self,
        WinError: Callable[[int], OSError] | None,
        FormatMessage: Callable[[int], str] | None,
        errorTab: Mapping[int, str] | None,
    ) -> None:
        self.winError = WinError
        self.formatMessage = FormatMessage
        self.errorTab = errorTab

    @classmethod
    def fromEnvironment(cls) -> _ErrorFormatter:
        """With the sources that this system has."""
        import ctypes

        win_error: Any = getattr(ctypes, "WinError", None)
        return cls(win_error, getattr(ctypes, "FormatError", None), getattr(socket, "errorTab", None))

    def formatError(self, errorcode: int) -> str:
        """The text for a number."""
        if self.winError is not None:
            return str(self.winError(errorcode).strerror)
        if self.formatMessage is not None:
            return self.formatMessage(errorcode)
        return (self.errorTab or {}).get(errorcode) or os.strerror(errorcode)


formatError = _ErrorFormatter.fromEnvironment().formatError
