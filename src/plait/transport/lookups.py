"""The threads that ask the system's resolver (`socket.getaddrinfo`), which knows no other way than to block.

They are nobody else's: a name that no server answers for holds up neither the pool of the program's threads nor what
the event loop does in its own, and no end waits for them. One room serves all event loops of the process, for what is
slow for one is slow for all.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from asyncio import AbstractEventLoop
from collections import OrderedDict
from contextvars import copy_context
from typing import Any

from plait.deferred import Deferred, fail, succeed
from plait.failure import Failure
from plait.log import Logger

_log = Logger("plait.transport")

# What getaddrinfo gives: (family, type, protocol, canonical name, socket address) of each address.
Answer = list[tuple[Any, ...]]
Key = tuple[str, int, int]

# Many more than there are dead names in a program by accident; as few as a process can have without anybody's notice.
LIMIT = 32

# How far that may be exceeded where all of them are stuck, one thread each PATIENCE seconds.
HARD_LIMIT = 64

# Seconds without an answer until threads count as stuck: as long as glibc waits for one name server (resolv.conf(5)).
PATIENCE = 5.0

# Seconds that a thread waits for more to do: the next name of a page or a mail comes sooner.
IDLE = 30.0


class _Asker:
    """Who waits for an answer, and where it is to be told."""

    __slots__ = ("_context", "_found", "_port", "loop")

    def __init__(self, loop: AbstractEventLoop, port: int, found: Deferred[Answer]) -> None:
        self.loop = loop
        self._context = copy_context()
        self._port = port
        self._found = found

    def tell(self, answer: Answer | Failure) -> None:
        """In a thread: hand the answer to the loop."""
        try:
            self.loop.call_soon_threadsafe(self._take, answer, context=self._context)
        except RuntimeError:
            pass  # the loop has been closed meanwhile

    def _take(self, answer: Answer | Failure) -> None:
        if not self._found.called:
            self._found.callback(answer if isinstance(answer, Failure) else _at_port(answer, self._port))


class _Lookup:
    """One question to the system, and all who want to know."""

    __slots__ = ("_context", "askers", "key")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.askers: dict[_Asker, None] = {}
        self._context = copy_context()

    def answer(self) -> Answer | Failure:
        """In a thread: ask the system."""
        host, family, kind = self.key
        try:
            # a copy: after a fork, the parent's thread counts as still being in the first
            return self._context.copy().run(socket.getaddrinfo, host, 0, family, kind)
        except BaseException as e:
            return Failure(e)


class Lookups:
    """Threads that look names up. They are made when there is something to do, and wait a while for more.

    :param limit: how many threads there may be; further questions wait for their turn.
    :param hard_limit: how many there may be if all are stuck.
    :param patience: seconds without an answer until they count as stuck.
    :param idle: seconds after which a thread without work ends.
    """

    def __init__(
        self, limit: int = LIMIT, hard_limit: int = HARD_LIMIT, patience: float = PATIENCE, idle: float = IDLE
    ) -> None:
        self._limit = limit
        self._hard_limit = hard_limit
        self._patience = patience
        self._idle = idle
        self._known: dict[Key, _Lookup] = {}  # all that have no answer yet
        self._begin()

    def _begin(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._queue = OrderedDict(self._known)  # those that no thread has taken
        self.threads = 0
        self._free = 0  # threads that ask nothing at the moment
        self._moved = 0.0  # when the queue was last seen to move
        self._told = False  # that all are stuck

    def begin_anew(self) -> None:
        """In a process that was forked, where there are no threads: ask again for loops that will run here."""
        self._known = {
            key: lookup
            for key, lookup in self._known.items()
            if not all(asker.loop.is_running() for asker in lookup.askers)  # one that ran is the parent's
        }
        self._begin()
        with self._changed:
            for _ in range(min(len(self._queue), self._limit)):
                self._make_thread()

    def ask(
        self, loop: AbstractEventLoop, host: str, port: int, family: int = 0, kind: int = socket.SOCK_STREAM
    ) -> Deferred[Answer]:
        """Look `host` up. To be called in the loop's thread, where the Deferred fires, in the context of this call.

        It fails with what `socket.getaddrinfo` raises. An address needs no thread. Who cancels it leaves the queue.
        """
        try:
            known = numeric(host, 0, family, kind)
        except OSError as e:
            return fail(e)
        if known:
            return succeed(_at_port(known, port))
        key = host, int(family), int(kind)
        with self._changed:
            lookup = self._known.get(key)
            if lookup is None:
                lookup = self._known[key] = self._queue[key] = _Lookup(key)
                if not self._find_thread():
                    del self._known[key], self._queue[key]
                    return fail(OSError(errno.EAGAIN, "the system has no thread to look the name up"))
                if len(self._queue) > self._free:
                    loop.call_later(self._patience, self._relieve, loop, lookup)
            found = Deferred[Answer](lambda _: self._leave(lookup, asker))
            asker = _Asker(loop, port, found)
            lookup.askers[asker] = None
        return found

    def _leave(self, lookup: _Lookup, asker: _Asker) -> None:
        with self._changed:
            lookup.askers.pop(asker, None)
            if not lookup.askers and self._queue.get(lookup.key) is lookup:
                del self._known[lookup.key], self._queue[lookup.key]

    # -- threads; each of these is called with the lock held

    def _find_thread(self) -> bool:
        """See to it that the newest question is taken, now or in its turn; False if there is nobody to do it."""
        if len(self._queue) <= self._free:
            self._changed.notify()
        elif self.threads < self._limit:
            self._make_thread()
        return self.threads > 0

    def _make_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name="plait-lookup", daemon=True).start()
        except RuntimeError:
            return  # the system allows no more
        self.threads += 1
        self._free += 1
        self._moved = time.monotonic()

    def _take(self) -> _Lookup | None:
        """Wait for a question; None if none comes."""
        if not self._queue:
            self._told = False
            self._changed.wait_for(lambda: self._queue, self._idle)
        self._free -= 1
        if not self._queue:
            self.threads -= 1
            return None
        self._moved = time.monotonic()
        return self._queue.popitem(last=False)[1]

    # -- in a thread

    def _work(self) -> None:
        while True:
            with self._changed:
                lookup = self._take()
            if lookup is None:
                return
            answer = lookup.answer()
            with self._changed:
                self._free += 1
                del self._known[lookup.key]
                askers = list(lookup.askers)
            for asker in askers:
                asker.tell(answer)

    # -- in a loop's thread

    def _relieve(self, loop: AbstractEventLoop, lookup: _Lookup) -> None:
        """`lookup` has waited for a while: if all threads are stuck, give one of them up, and make another."""
        with self._changed:
            if self._queue.get(lookup.key) is not lookup:
                return
            tell = False
            if time.monotonic() - self._moved >= self._patience:
                tell, self._told = not self._told, True
                if self.threads < self._hard_limit:
                    self._make_thread()
        if tell:
            _log.warn(
                "the system's resolver has not answered for {patience:g} s, in any of {count} threads: names wait for their "
                "turn (does this host reach its name servers?)",
                patience=self._patience,
                count=self._limit,
            )
        loop.call_later(self._patience, self._relieve, loop, lookup)


def numeric(host: str, port: int, family: int = 0, kind: int = socket.SOCK_STREAM) -> Answer:
    """What getaddrinfo gives, if `host` is a literal address; else an empty list. It does not ask the network.

    :raises socket.gaierror: if it is an address of another family.
    """
    try:
        return socket.getaddrinfo(host, port, family, kind, 0, socket.AI_NUMERICHOST)
    except UnicodeError:
        return []
    except socket.gaierror as e:
        if e.errno == socket.EAI_NONAME:
            return []
        raise


def _at_port(answer: Answer, port: int) -> Answer:
    """An answer that was asked for without a port. Each who asked gets one of his own."""
    return [(*what, (where[0], port, *where[2:])) for *what, where in answer]


_system = Lookups()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_system.begin_anew)

look_up = _system.ask
