"""Watching a descriptor for reading, on any loop.

libuv (uvloop, winloop) watches a descriptor no more when it has an error (POLLERR): it calls back once, and if that takes
what had come before the error, nobody ever hears of the error, nor of anything after it. asyncio's own loops go on calling.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Any


def ends_at_errors(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `loop` is one that watches a descriptor no more when it has an error."""
    return type(loop).__module__.partition(".")[0] in ("uvloop", "winloop") and hasattr(select, "poll")


class ErrorPoll:
    """Tells whether a descriptor has an error, at the cost of one system call."""

    __slots__ = ("_poll",)

    def __init__(self, fd: int) -> None:
        poll = select.poll()
        poll.register(fd, 0)
        self._poll = poll.poll

    def has_error(self) -> bool:
        """Whether there is an error that has not been taken."""
        found = self._poll(0)
        return bool(found) and bool(found[0][1] & select.POLLERR)


def watch_again(loop: asyncio.AbstractEventLoop, descriptor: Any, ready: Callable[[], object]) -> None:
    """Begin to watch anew what the loop may have ceased to watch. Not within the callback: the loop ends the watch after it."""
    loop.remove_reader(descriptor)
    loop.add_reader(descriptor, ready)
