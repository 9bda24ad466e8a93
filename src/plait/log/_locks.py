"""Locks that a process which was forked finds free, whichever thread of its parent held them."""

from __future__ import annotations

import os
import threading
from typing import Any
from weakref import WeakSet

_locks: WeakSet[Any] = WeakSet()


def newLock() -> threading.RLock:
    """A lock that the thread that has it may take again: an event may be logged while another is, by an object that goes away,
    say. In a child the other threads are gone, and would never free it.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def _free_all() -> None:
    for lock in _locks:
        lock._at_fork_reinit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_all)
