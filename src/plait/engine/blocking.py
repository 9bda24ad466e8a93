"""What blocks the event loop: a thread that looks on, and logs where the loop is when it does not come back.

A callback that computes, or waits for a file, a lock or a database, keeps every other connection waiting, and nothing in the
loop can tell who it was. So a timer of the loop's (`plait.engine.heartbeat`) says that it turns, and a thread looks whether it
does.
A loop that sleeps because there is nothing to do is woken by that timer, and is not blocked.

Three cases look alike from here, and are told apart by what the watching thread saw of itself:

- Python code computes or waits: the thread runs in time, and reads the stack.
- C code keeps the interpreter's lock: the thread comes late, and has asked for the lock all the time. It tells afterwards.
- The process was suspended, or the machine had no time for it: the thread comes late and has done nothing meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import sys
import threading
import time
from collections import deque
from types import FrameType
from typing import Any

from plait.engine.heartbeat import Heartbeat, Lag
from plait.failure import MACHINERY, SHOW_MACHINERY, Failure
from plait.log import Logger, LogLevel
from plait.tracebacks import standInTraceback

_log = Logger("plait.engine")

# How much sooner than the loop is blocked its timer beats, and the bounds of that in seconds: a block is told so much later than
# it might be. A beat costs microseconds.
_BEATS = 8
_SHORTEST, _LONGEST = 0.01, 0.25

# Seconds that a loop has which is awake, but was not asked yet: it has just been woken together with us.
_GRACE = 0.05

# Blocks that have ended and are not told yet: more come only while the log itself is blocked.
_MOST = 16

# Seconds to wait for the thread's end: it may be waiting for a log that is blocked.
_PATIENCE = 1.0

# What lies between the loop and the program: nobody's fault.
_CARRIERS = (*MACHINERY, os.path.dirname(asyncio.__file__) + os.sep, selectors.__file__)


class LoopBlocked(Exception):
    """The event loop did not turn. It is only logged, with the traceback of what it did instead."""


class BlockWatch:
    """Logs what blocks a reactor's loop for `after` seconds, with its stack, and at the end how long it took.

    Events are logged by a thread of its own, once for each block and once for its end, as warnings in the namespace
    ``plait.engine``. Needs no more than a timer and a thread that both sleep.

    :param after: seconds.
    :raises ValueError: if `after` is not more than 0.

        watch = BlockWatch(reactor, 0.5)
        watch.start()

    Attributes: `after`, `lag` (`plait.engine.heartbeat.Lag`: how late the loop came to its timers).
    """

    def __init__(self, reactor: Any, after: float = 1.0) -> None:
        if not 0 < after < float("inf"):
            raise ValueError(f"the loop cannot be blocked for {after!r} s: it has to be more than 0")
        self.after = after
        self._heart = Heartbeat(reactor, min(max(after / _BEATS, _SHORTEST), _LONGEST), after, self._came_late)
        self._wake = threading.Event()
        self._ended: deque[float] = deque(maxlen=_MOST)
        self._thread: threading.Thread | None = None
        self._told = False  # the block that goes on

    @property
    def lag(self) -> Lag:
        """How late the loop came to its timers."""
        return self._heart.lag

    def start(self) -> None:
        """Begin to watch, in the reactor's thread, or before it runs. Does nothing if it has begun."""
        if self._thread is None:
            self._heart.start()
            self._told = False
            thread = threading.Thread(target=self._watch, name="plait: watches the loop", daemon=True)
            self._thread = thread
            thread.start()

    def stop(self) -> None:
        """Watch no more, in the reactor's thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._heart.stop()
            self._wake.set()
            thread.join(_PATIENCE)

    # -- in the loop's thread

    def _came_late(self, seconds: float) -> None:
        self._ended.append(seconds)
        self._wake.set()

    # -- in ours

    def _watch(self) -> None:
        heart = self._heart
        watching = threading.current_thread()
        while self._thread is watching:
            begun = _Moment()
            if heart.resting or self._told:
                due = None  # until it beats
            else:
                due = max(heart.due + self.after, begun.time + heart.interval)
            self._wake.wait(None if due is None else due - begun.time)
            self._wake.clear()
            if self._thread is not watching:
                return
            overslept = 0.0 if due is None else max(0.0, time.monotonic() - due)
            self._tell_ended(begun, overslept)
            if not heart.resting and not self._told and time.monotonic() >= heart.due + self.after:
                self._look(begun, overslept)

    def _tell_ended(self, begun: _Moment, overslept: float) -> None:
        """Blocks that are over."""
        while self._ended:
            seconds = self._ended.popleft()
            told, self._told = self._told, False
            if not seconds:
                continue  # the loop has begun to run
            if told:
                _log.warn("The event loop turns again: it was blocked for {seconds:.1f} s.", seconds=seconds)
            elif begun.asked_for_the_interpreter(overslept):
                _log.warn(
                    "The event loop was blocked for {seconds:.1f} s, by C code that let no other thread run meanwhile.",
                    seconds=seconds,
                )
            else:
                self._tell_suspended(seconds)

    def _tell_suspended(self, seconds: float) -> None:
        _log.info(
            "The event loop came {seconds:.1f} s late: the process was suspended, or the machine was too busy.",
            seconds=seconds,
        )

    def _look(self, begun: _Moment, overslept: float) -> None:
        """The loop should have been there long ago."""
        heart = self._heart
        stack = stackOf(heart.thread)
        if not heart.runs():
            heart.resting = True  # it has ended, or is between two runs
            return
        suspended = overslept > _GRACE and not begun.asked_for_the_interpreter(overslept)
        if (suspended or not stack) and self._wake.wait(min(_GRACE, heart.interval)):
            return  # it was woken when we were
        now = time.monotonic()
        seconds = now - heart.due
        if suspended:
            heart.due = now  # what it does from here on counts
            self._tell_suspended(seconds)
            return
        self._told = True
        _log.failure(
            "The event loop is blocked{where}",
            Failure(LoopBlocked(f"for {seconds:.1f} s until now"), exc_tb=standInTraceback(stack)),  # type: ignore[arg-type]
            level=LogLevel.warn,
            where=", by:" if stack else ", and no code of the program runs in it: another thread keeps the interpreter",
            seconds=seconds,
        )


def stackOf(thread: int | None) -> list[tuple[str, str, int, None, None]]:
    """Where a thread is, from the program's first frame on: function, file, line, and no variables; the outermost first.

    Empty if it is in the event loop's own code, or has ended. With ``PLAIT_DEBUG=1`` all frames are there.
    """
    frame: FrameType | None = sys._current_frames().get(thread or 0)
    frames = []
    while frame is not None:
        frames.append((frame.f_code.co_name, frame.f_code.co_filename, frame.f_lineno or 0, None, None))
        frame = frame.f_back
    frames.reverse()
    if not SHOW_MACHINERY:
        carriers = [i for i, (_, file, *_) in enumerate(frames) if file.startswith(_CARRIERS)]
        del frames[: carriers[0] if carriers else 0]  # who has called run()
        while frames and frames[0][1].startswith(_CARRIERS):
            del frames[0]
    return frames


class _Moment:
    """A moment in the watching thread's life: when, and what it had done until then."""

    __slots__ = ("_done", "time")

    def __init__(self) -> None:
        self._done = _done()
        self.time = time.monotonic()

    def asked_for_the_interpreter(self, seconds: float) -> bool:
        """Whether the thread has done something in that many seconds by which it overslept, since this moment."""
        if _COUNTS_SWITCHES:
            # A thread that waits for the interpreter's lock wakes at each switch interval, to ask for it.
            return _done() - self._done > max(2.0, seconds / sys.getswitchinterval() / 4)
        return seconds > _GRACE and _done() - self._done > seconds / 2


try:
    from resource import RUSAGE_THREAD, getrusage
except ImportError:
    _COUNTS_SWITCHES = False
else:
    _COUNTS_SWITCHES = sys.implementation.name == "cpython"


def _done() -> float:
    """How often this thread has gone to sleep; where the system does not count that, the processor time of the process."""
    return getrusage(RUSAGE_THREAD).ru_nvcsw if _COUNTS_SWITCHES else time.process_time()
