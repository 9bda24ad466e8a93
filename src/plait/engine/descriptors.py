"""File descriptors of the program's own, watched by the loop: `addReader`, `addWriter` and their kin (`IReactorFDSet`).

The loop tells us that a descriptor is ready; what is watched reads or writes by itself, in `doRead` and `doWrite`. A
descriptor that is closed without being removed first is looked for, because no system tells of it (epoll(7), questions 6
and 8): its number may be another file's soon, and that one's events are none of its business. The loop watches a copy of
each descriptor (dup), which stays valid when that happens: libuv aborts the program otherwise. What has an error is watched
anew where the loop would not do it (`plait.transport.watching`).
"""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.errors import ConnectionDone, ConnectionFdescWentAway, ConnectionLost
from plait.failure import Failure
from plait.interfaces import IHalfCloseableDescriptor, IReadDescriptor, IWriteDescriptor, adapt
from plait.log import Logger
from plait.transport.stdio import watch
from plait.transport.watching import ErrorPoll, ends_at_errors

_log = Logger("plait.engine")

# Seconds between two looks at whether what is watched is still open: only mistakes make it necessary, so it may be rare.
LOOK_EVERY = 1.0


class Watched:
    """What is watched in one direction. `add` and `remove` are the loop's; `method` is what is called."""

    def __init__(self, loop: AbstractEventLoop, add: Any, remove: Callable[[int], object], method: str) -> None:
        self._loop = loop
        self._add = add
        self._remove = remove
        self._method = method
        self._ready_always: set[Any] = set()  # regular files, which no loop can watch
        self._copies: dict[Any, int] = {}
        self._errors: dict[Any, ErrorPoll] = {}
        self.numbers: dict[Any, int] = {}
        self.lost: Callable[[Any, Exception, bool], None]
        self.has_error: Callable[[Any], None]

    def add(self, descriptor: Any) -> None:
        if descriptor in self.numbers:
            return
        number = descriptor.fileno()
        if number < 0:
            raise ValueError(f"{descriptor!r} has no descriptor to watch: its fileno() gives {number}")
        copy = os.dup(number)
        try:
            watch(self._add, copy, lambda: self._ready(descriptor, number))
        except PermissionError:
            os.close(copy)
            self._ready_always.add(descriptor)
            self._loop.call_soon(self._again, descriptor, number)
        except BaseException:
            os.close(copy)
            raise
        else:
            self._copies[descriptor] = copy
            if ends_at_errors(self._loop):
                self._errors[descriptor] = ErrorPoll(copy)
        self.numbers[descriptor] = number

    def remove(self, descriptor: Any) -> None:
        if self.numbers.pop(descriptor, None) is None:
            return
        self._ready_always.discard(descriptor)
        self._errors.pop(descriptor, None)
        copy = self._copies.pop(descriptor, None)
        if copy is not None:
            self._remove(copy)
            os.close(copy)

    def watch_again(self, descriptor: Any) -> None:
        """The loop may have ceased to watch it."""
        copy = self._copies.get(descriptor)
        if copy is not None:
            number = self.numbers[descriptor]
            self._remove(copy)
            watch(self._add, copy, lambda: self._ready(descriptor, number))

    def _again(self, descriptor: Any, number: int) -> None:
        if descriptor in self._ready_always:
            self._ready(descriptor, number)
            self._loop.call_soon(self._again, descriptor, number)

    def _ready(self, descriptor: Any, number: int) -> None:
        if self.numbers.get(descriptor) != number or not self.check(descriptor, number):
            return
        errors = self._errors.get(descriptor)
        if errors is not None and errors.has_error():  # asked now: what is called next may take it
            self.has_error(descriptor)
        try:
            why = getattr(descriptor, self._method)()
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as e:
            _log.failure("Unhandled error in {method} of {descriptor!r}", method=self._method, descriptor=descriptor)
            why = e
        if why is not None:
            self.lost(descriptor, why, self._method == "doRead")
        elif self.numbers.get(descriptor) == number:
            self.check(descriptor, number)

    def check(self, descriptor: Any, number: int) -> bool:
        """Whether `descriptor` is still what it was; it is told if it is not."""
        try:
            if descriptor.fileno() == number:
                return True
            why: Exception = ConnectionFdescWentAway("it was closed, and not removed from the reactor first")
        except Exception as e:
            why = e
        self.lost(descriptor, why, self._method == "doRead")
        return False


class Descriptors:
    """All that one loop watches for the program."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._look: TimerHandle | None = None
        self.readers = Watched(loop, loop.add_reader, loop.remove_reader, "doRead")
        self.writers = Watched(loop, loop.add_writer, loop.remove_writer, "doWrite")
        self.readers.lost = self.writers.lost = self._lost
        self.readers.has_error = self.writers.has_error = self._has_error

    def add(self, watched: Watched, descriptor: Any) -> None:
        watched.add(descriptor)
        if self._look is None:
            self._look = self._loop.call_later(LOOK_EVERY, self._look_at_all)

    def _has_error(self, descriptor: Any) -> None:
        # both: whoever comes first takes the error, and the other one cannot see it any more
        for watched in (self.readers, self.writers):
            self._loop.call_soon(watched.watch_again, descriptor)

    def _look_at_all(self) -> None:
        for watched in (self.readers, self.writers):
            for descriptor, number in list(watched.numbers.items()):
                if watched.numbers.get(descriptor) == number:
                    watched.check(descriptor, number)
        more = self.readers.numbers or self.writers.numbers
        self._look = self._loop.call_later(LOOK_EVERY, self._look_at_all) if more else None

    def _lost(self, descriptor: Any, why: Exception, reading: bool) -> None:
        """`descriptor` is at its end, or one direction of it."""
        self.readers.remove(descriptor) if reading else self.writers.remove(descriptor)
        half = adapt(IHalfCloseableDescriptor, descriptor, None)
        if half is not None and reading and type(why) is ConnectionDone:
            self._tell(half.readConnectionLost, why)
        elif half is not None and not reading and type(why) is ConnectionLost:
            self._tell(half.writeConnectionLost, why)
        else:
            self.end(descriptor, why)

    def end(self, descriptor: Any, why: Exception) -> None:
        """Watch it no more, and tell it why."""
        self.readers.remove(descriptor)
        self.writers.remove(descriptor)
        self._tell(descriptor.connectionLost, why)

    def _tell(self, hook: Callable[[Failure], object], why: Exception) -> None:
        try:
            hook(Failure(why))
        except Exception:
            _log.failure("Unhandled error in {hook!r}", hook=hook)

    def remove_all(self) -> list[Any]:
        """Watch nothing more; gives what was watched."""
        everything = list(dict.fromkeys([*self.readers.numbers, *self.writers.numbers]))
        for descriptor in everything:
            self.readers.remove(descriptor)
            self.writers.remove(descriptor)
        if self._look is not None:
            self._look.cancel()
            self._look = None
        return everything

    def close_all(self) -> None:
        """The reactor stops: that is the end of all of them."""
        for descriptor in self.remove_all():
            self.end(descriptor, ConnectionLost("the reactor stops"))


class WatchesDescriptors:
    """The reactor's methods for descriptors of the program's own (`IReactorFDSet`)."""

    if TYPE_CHECKING:

        @property
        def _watching(self) -> Descriptors: ...

    def addReader(self, reader: IReadDescriptor) -> None:
        """Call ``reader.doRead()`` whenever its descriptor has something to read, until `removeReader`.

        What it returns or raises, if anything, ends it: `connectionLost` is called with that. It is ended with
        `ConnectionFdescWentAway` too if its `fileno` gives another number than before.

        :raises ValueError: if its `fileno` is negative.
        """
        self._watching.add(self._watching.readers, reader)

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """Call ``writer.doWrite()`` whenever its descriptor takes something, until `removeWriter`; ends as `addReader` says."""
        self._watching.add(self._watching.writers, writer)

    def removeReader(self, reader: IReadDescriptor) -> None:
        """Call its `doRead` no more."""
        self._watching.readers.remove(reader)

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """Call its `doWrite` no more."""
        self._watching.writers.remove(writer)

    def getReaders(self) -> list[IReadDescriptor]:
        """What is watched for reading."""
        return list(self._watching.readers.numbers)

    def getWriters(self) -> list[IWriteDescriptor]:
        """What is watched for writing."""
        return list(self._watching.writers.numbers)
