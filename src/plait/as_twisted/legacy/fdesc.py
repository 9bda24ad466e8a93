"""What `twisted.internet.fdesc` is: reading and writing file descriptors that do not wait."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

from plait.as_twisted.legacy.main import CONNECTION_DONE, CONNECTION_LOST

__all__ = ["CONNECTION_DONE", "CONNECTION_LOST", "readFromFD", "setBlocking", "setNonBlocking", "writeToFD"]

_READ_SIZE = 8192
"""How much is read at once, in bytes; other protocols rely on chunks no larger than that."""


def setNonBlocking(fd: int) -> None:
    """From now on, who reads or writes it does not wait."""
    os.set_blocking(fd, False)


def setBlocking(fd: int) -> None:
    """From now on, who reads or writes it waits."""
    os.set_blocking(fd, True)


def _setCloseOnExec(fd: int) -> None:
    os.set_inheritable(fd, False)


def _unsetCloseOnExec(fd: int) -> None:
    os.set_inheritable(fd, True)


def readFromFD(fd: int, callback: Callable[[bytes], object]) -> Exception | None:
    """Read what is there, once, and call back with it.

    The answer is `CONNECTION_DONE` at the end, `CONNECTION_LOST` after an error, else None, also where there is
    nothing at the moment.
    """
    try:
        output = os.read(fd, _READ_SIZE)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return CONNECTION_LOST
    if not output:
        return CONNECTION_DONE
    callback(output)
    return None


def writeToFD(fd: int, data: bytes) -> int | Exception:
    """Write what can be written at once: how many bytes, or `CONNECTION_LOST` after an error."""
    try:
        return os.write(fd, data)
    except OSError as error:
        waits = isinstance(error, BlockingIOError | InterruptedError) or error.errno in (errno.EAGAIN, errno.EINTR)
        return 0 if waits else CONNECTION_LOST
