"""How a program of `twisted.application.runner` ends: a status with a name, and a last word to the user.

The numbers are those of ``sysexits.h``, where the system has them.
"""

from __future__ import annotations

import os
from sys import exit as sysexit
from sys import stderr, stdout

from plait.as_twisted.legacy.constants import ValueConstant, Values

__all__ = ["ExitStatus", "exit"]


class ExitStatus(Values):  # type: ignore[misc]
    """What a status says of how it went."""

    EX_OK = ValueConstant(0)
    EX_USAGE = ValueConstant(getattr(os, "EX_USAGE", 64))
    EX_DATAERR = ValueConstant(getattr(os, "EX_DATAERR", 65))
    EX_NOINPUT = ValueConstant(getattr(os, "EX_NOINPUT", 66))
    EX_NOUSER = ValueConstant(getattr(os, "EX_NOUSER", 67))
    EX_NOHOST = ValueConstant(getattr(os, "EX_NOHOST", 68))
    EX_UNAVAILABLE = ValueConstant(getattr(os, "EX_UNAVAILABLE", 69))
    EX_SOFTWARE = ValueConstant(getattr(os, "EX_SOFTWARE", 70))
    EX_OSERR = ValueConstant(getattr(os, "EX_OSERR", 71))
    EX_OSFILE = ValueConstant(getattr(os, "EX_OSFILE", 72))
    EX_CANTCREAT = ValueConstant(getattr(os, "EX_CANTCREAT", 73))
    EX_IOERR = ValueConstant(getattr(os, "EX_IOERR", 74))
    EX_TEMPFAIL = ValueConstant(getattr(os, "EX_TEMPFAIL", 75))
    EX_PROTOCOL = ValueConstant(getattr(os, "EX_PROTOCOL", 76))
    EX_NOPERM = ValueConstant(getattr(os, "EX_NOPERM", 77))
    EX_CONFIG = ValueConstant(getattr(os, "EX_CONFIG", 78))


def exit(status: int | ValueConstant, message: str | None = None) -> None:
    """End the program with a status; a message goes to the standard output if all is well, else to the standard error.

    :raises SystemExit: always.
    """
    code: int = status if isinstance(status, int) else status.value
    if message:
        print(message, file=stderr if code else stdout)
    sysexit(code)
