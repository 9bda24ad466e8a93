"""Long work in small steps: iterators that take turns with everything else that the reactor does.

A `Cooperator` takes one step of one iterator after another, for as long as its terminator allows (a hundredth of a
second), and then lets the reactor go on. An iterator that yields a Deferred is left out until that has fired.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakSet

from plait import current
from plait.deferred import Deferred
from plait.failure import Failure

# How long a turn may take, in seconds, and how long the reactor has until the next: short enough for nobody to notice.
_TURN = 0.01
_PAUSE = 0.00000001


class SchedulerError(Exception):
    """Something was asked of a cooperator that it cannot do now."""


class SchedulerStopped(SchedulerError):
    """The cooperator has been stopped, and its tasks with it."""


class TaskFinished(Exception):
    """Something was asked of a task that has ended."""


class TaskDone(TaskFinished):
    """The task's iterator has come to its end."""


class TaskStopped(TaskFinished):
    """The task has been stopped by `CooperativeTask.stop`."""


class TaskFailed(TaskFinished):
    """The task's iterator, or a Deferred that it yielded, has failed."""


class NotPaused(Exception):
    """A task was resumed more often than it was paused."""


class CooperativeTask:
    """One iterator that a cooperator works through: `pause` and `resume` it, `stop` it, or wait for its end."""

    def __init__(self, iterator: Iterator[Any], cooperator: Cooperator) -> None:
        self._iterator = iterator
        self._cooperator = cooperator
        self._waiting: list[Deferred[Iterator[Any]]] = []
        self._pauseCount = 0
        self._outcome: Any = None
        self._ended: Exception | None = None
        cooperator._add(self)

    def whenDone(self) -> Deferred[Iterator[Any]]:
        """A Deferred that fires with the iterator when it has come to its end.

        It fails with what the iterator raised, with `TaskStopped`, or with `SchedulerStopped`.
        """
        d: Deferred[Iterator[Any]] = Deferred()
        if self._ended is None:
            self._waiting.append(d)
        else:
            d.callback(self._outcome)
        return d

    def pause(self) -> None:
        """Take no more steps until `resume` has been called as often.

        :raises TaskFinished: if the task has ended.
        """
        self._check()
        self._pauseCount += 1
        if self._pauseCount == 1:
            self._cooperator._pause(self)

    def resume(self) -> None:
        """Take back one `pause`.

        :raises NotPaused: if there is none.
        """
        if not self._pauseCount:
            raise NotPaused("the task is not paused")
        self._pauseCount -= 1
        if not self._pauseCount and self._ended is None:
            self._cooperator._add(self)

    def stop(self) -> None:
        """End the task; `whenDone` fails with `TaskStopped`.

        :raises TaskFinished: if it has ended.
        """
        self._check()
        self._end(TaskStopped(), Failure(TaskStopped()))

    def _check(self) -> None:
        if self._ended is not None:
            raise self._ended

    def _end(self, state: Exception, outcome: Any) -> None:
        self._ended = state
        self._outcome = outcome
        self._cooperator._remove(self)
        waiting, self._waiting = self._waiting, []
        for d in waiting:
            d.callback(outcome)

    def _step(self) -> None:
        """Take one step."""
        try:
            result = next(self._iterator)
        except StopIteration:
            self._end(TaskDone(), self._iterator)
        except BaseException:
            self._end(TaskFailed(), Failure())
        else:
            if isinstance(result, Deferred):
                self.pause()

                def failed(failure: Failure) -> None:
                    if self._ended is None:
                        self._end(TaskFailed(), failure)

                result.addCallbacks(lambda _: self.resume(), failed)


class _Timer:
    """The usual terminator: true when a turn has taken long enough."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + _TURN

    def __call__(self) -> bool:
        return time.perf_counter() >= self._end


def _later(function: Callable[[], None]) -> Any:
    return current.getReactor().callLater(_PAUSE, function)


class Cooperator:
    """Lets iterators take turns.

    :param terminationPredicateFactory: called at the beginning of each turn; what it gives is called after each step, and
        ends the turn by giving True.
    :param scheduler: called with a function that is to be called soon; gives something with ``cancel()``.
    :param started: whether to begin at once; else at `start`.
    """

    def __init__(
        self,
        terminationPredicateFactory: Callable[[], Callable[[], bool]] = _Timer,
        scheduler: Callable[[Callable[[], None]], Any] = _later,
        started: bool = True,
    ) -> None:
        self._terminator = terminationPredicateFactory
        self._scheduler = scheduler
        # those that go on, in the order in which their turns come; and those that wait
        self._tasks: OrderedDict[CooperativeTask, None] = OrderedDict()
        self._paused: WeakSet[CooperativeTask] = WeakSet()
        self._delayedCall: Any = None
        self._started = started
        self._stopped = False

    def cooperate(self, iterator: Iterator[Any]) -> CooperativeTask:
        """Begin to work through `iterator`; gives the task."""
        return CooperativeTask(iterator, self)

    def coiterate(
        self, iterator: Iterator[Any], doneDeferred: Deferred[Iterator[Any]] | None = None
    ) -> Deferred[Iterator[Any]]:
        """Begin to work through `iterator`; gives a Deferred (`doneDeferred`, if given) of its end."""
        done = CooperativeTask(iterator, self).whenDone()
        if doneDeferred is None:
            return done
        done.chainDeferred(doneDeferred)
        return doneDeferred

    def start(self) -> None:
        """Begin to work, also after `stop`."""
        self._stopped = False
        self._started = True
        self._schedule()

    def stop(self) -> None:
        """End all tasks, also those that wait; and those that are given to it until `start`.

        Whoever waits for their end gets `SchedulerStopped`.
        """
        self._stopped = True
        self._started = False
        for task in [*self._tasks, *self._paused]:
            if task._ended is None:  # it may have been stopped by the end of another
                self._refuse(task)

    @property
    def running(self) -> bool:
        """Whether it has been started and not stopped."""
        return self._started

    def _add(self, task: CooperativeTask) -> None:
        if self._stopped:
            self._refuse(task)
            return
        self._paused.discard(task)
        self._tasks[task] = None
        self._schedule()

    def _refuse(self, task: CooperativeTask) -> None:
        task._end(SchedulerStopped(), Failure(SchedulerStopped()))

    def _pause(self, task: CooperativeTask) -> None:
        self._remove(task)
        self._paused.add(task)

    def _remove(self, task: CooperativeTask) -> None:
        self._tasks.pop(task, None)
        self._paused.discard(task)
        if not self._tasks and self._delayedCall is not None:
            self._delayedCall.cancel()
            self._delayedCall = None

    def _schedule(self) -> None:
        if self._started and self._delayedCall is None and self._tasks:
            self._delayedCall = self._scheduler(self._tick)

    def _tick(self) -> None:
        """Let the tasks take one step after another, in turn, until the time is up."""
        self._delayedCall = None
        over = self._terminator()
        while self._tasks:
            task = next(iter(self._tasks))
            self._tasks.move_to_end(task)
            task._step()
            if over():
                break
        self._schedule()


_cooperator = Cooperator()


def cooperate(iterator: Iterator[Any]) -> CooperativeTask:
    """Work through `iterator` in small steps beside everything else; gives the task."""
    return _cooperator.cooperate(iterator)


def coiterate(iterator: Iterator[Any]) -> Deferred[Iterator[Any]]:
    """Work through `iterator` in small steps beside everything else; gives a Deferred of its end."""
    return _cooperator.coiterate(iterator)
