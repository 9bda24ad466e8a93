"""A supervisor: a collection of services that are started again when they fail, as in Erlang's OTP.

A child fails by calling `Service.reportFailure`, or by failing to start. The supervisor stops it, and with it those that
cannot do without it (the *strategy*); waits a little, longer each time (the *back-off*); and starts them again, in order.
If that happens too often, starting again is no cure: the supervisor stops all its children and fails itself. The
supervisor above it does the same one floor up, and if there is none, the program ends.

One thing is done after the other: nothing is started while something is being stopped, and a child is never started
before it has stopped. What happens meanwhile waits for its turn.

Source: the Erlang/OTP Design Principles, "Supervisor Behaviour". What differs: there is a back-off, and a child that had
done its work is not started again because a sibling failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, Literal, get_args

from plait.current import getReactor
from plait.deferred import Deferred, ensureDeferred, maybeDeferred, succeed
from plait.errors import ReactorNotRunning
from plait.failure import Failure
from plait.log import Logger, LogLevel
from plait.service.backoff import backoff
from plait.service.base import (
    MultiService,
    Service,
    all_started,
    begin,
    describe,
    has_privileged_part,
    stop,
    tell_supervisor,
)
from plait.service.interfaces import IService
from plait.service.jobs import Job
from plait.service.processes import ProcessService

_log = Logger(namespace="plait.service")

Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]
Restart = Literal["permanent", "transient", "temporary"]

_RUNS = frozenset(("starting", "running"))
_TO_STOP = _RUNS | {"broken"}


class TooManyRestartsError(Exception):
    """A supervisor has had to start children again more often than it may. `__cause__` is the last failure."""


class StopTimeoutError(Exception):
    """A service has not stopped in its time, so it cannot be started again."""


@dataclass(eq=False)
class Child:
    """What a supervisor knows of one of its services: read it, for a page of status, say."""

    service: IService
    restart: Restart
    stopTimeout: float
    """Seconds that it has for stopping."""

    state: Literal["idle", "due", "starting", "running", "broken", "stopping", "done"] = "idle"
    """`due`: it will be started, at the latest after the back-off. `done`: it has ended and is not started again."""

    restarts: int = 0
    """How often it has been started again since the supervisor was started."""

    lastFailure: Failure | None = None

    opened: bool = field(default=False, repr=False)  # its privileged part has been done, so it has to be stopped
    attempts: int = field(default=0, repr=False)
    due_at: float = field(default=0.0, repr=False)
    started_at: float = field(default=0.0, repr=False)
    pending_start: Deferred[Any] | None = field(default=None, repr=False)
    pending_stop: Deferred[None] | None = field(default=None, repr=False)

    def rest(self) -> None:
        """Nothing is to be done with it, but for a stop that has not come to its end."""
        self.state = "idle" if self.pending_stop is None else "stopping"

    def must_stop(self) -> bool:
        """Whether there is anything to stop, or a stop that has not come to its end."""
        return self.opened or self.state in _TO_STOP or self.pending_stop is not None


class Supervisor(MultiService):
    """Services that are started again when they fail.

    :param strategy: what else is started again when a child fails. ``one_for_one``: nothing. ``one_for_all``: all
        children. ``rest_for_one``: those that were added after it.
    :param maxRestarts: how often within `period` seconds that may happen before the supervisor fails itself. None: for ever.
    :param backoffPolicy: gives the seconds to wait after the nth failure of a child in a row, as `backoff` makes it. A
        child that has run for `period` seconds begins anew.
    :param reactor: whose time it is; the current reactor if none is given.

    A child that is added with `setServiceParent` is permanent; `addChild` says more.
    """

    gaveUp: Failure | None = None
    """Why the supervisor has failed, or None. A new start sets it back."""

    def __init__(
        self,
        strategy: Strategy = "one_for_one",
        maxRestarts: int | None = 3,
        period: float = 5.0,
        backoffPolicy: Callable[[int], float] | None = None,
        reactor: Any = None,
    ) -> None:
        super().__init__()
        _one_of("strategy", strategy, get_args(Strategy))
        self.strategy = strategy
        self.maxRestarts = maxRestarts
        self.period = period
        self.backoffPolicy = backoff() if backoffPolicy is None else backoffPolicy
        self.reactor = reactor
        self.children: list[Child] = []
        self._broken: deque[Child] = deque()
        self._times: deque[float] = deque()
        self._work: Deferred[None] | None = None  # fires when nothing is left to do
        self._stopping: Deferred[None] | None = None  # fires when the stop has ended
        self._alarm: Deferred[None] | None = None
        self._first_start = False
        self._first_failure: Failure | None = None

    # -- children

    def addChild(
        self,
        child: Any,
        name: str | None = None,
        restart: Restart = "permanent",
        stopTimeout: float = 10.0,
    ) -> Any:
        """Take in a service and return it.

        An ``async def`` function without arguments becomes a `Job`, a list of str (a program, its arguments) a `ProcessService`.

        :param restart: ``permanent``: started again whenever it ends. ``transient``: if it fails. ``temporary``: never,
            and forgotten when it ends.
        :param stopTimeout: seconds that it has for stopping. A service that takes longer than that while it is to be
            started again makes the supervisor fail, for it must not run twice.
        """
        _one_of("restart", restart, get_args(Restart))
        service = child
        if isinstance(child, (list, tuple)):
            service = ProcessService(child, reactor=self.reactor)
        elif not hasattr(child, "setServiceParent"):
            service = Job(child)
        if name is not None:
            service.setName(name)
        entry = Child(service, restart, stopTimeout)
        self.children.append(entry)
        try:
            service.setServiceParent(self)
        except BaseException:
            if entry in self.children:
                self.children.remove(entry)
            raise
        return service

    def addService(self, service: IService) -> None:
        """Take in a permanent child; it is started if the supervisor runs. Call its `setServiceParent` instead."""
        self._remember(service)
        child = self._find(service)
        if child is None:
            child = Child(service, "permanent", 10.0)
            self.children.append(child)
        if not self.running:
            return
        try:
            self._watch(service, begin(service, service.privilegedStartService))
            child.opened = has_privileged_part(service)
            self._start_at_once([child])
        except BaseException:
            if child in self.children:
                self.removeService(service)
            raise

    def removeService(self, service: IService) -> Deferred[Any] | None:
        """Let a child go; stop it if it runs. Call its `disownServiceParent` instead."""
        child = self._find(service)
        self._forget(service)
        if child is None:
            return None
        self.children.remove(child)
        return ensureDeferred(self._stop(child)) if child.must_stop() else None

    def childEnded(self, service: IService, failure: Failure | None = None) -> None:
        """A child has ended: failed, or (without a failure) done its work. Of a child that is being stopped that is no news."""
        child = self._find(service)
        if child is None or child.state not in _RUNS:
            return
        child.state = "broken"
        child.lastFailure = failure
        self._broken.append(child)
        if child.pending_start is not None:
            child.pending_start.cancel()
        self._go_on()

    # -- starting and stopping all of it

    def privilegedStartService(self) -> Deferred[None] | None:
        """Let each child do what needs rights; stop at the first that fails, with its exception."""
        Service.privilegedStartService(self)
        starts: list[tuple[IService, Deferred[None]]] = []
        for child in list(self.children):
            if has_privileged_part(child.service):
                try:
                    start = begin(child.service, child.service.privilegedStartService)
                except BaseException:
                    if isinstance(child.service, MultiService):
                        child.opened = True  # it knows which of its own services had begun
                    raise
                child.opened = True
                if start is not None:
                    starts.append((child.service, start))
        self._under_way += starts
        return all_started(starts, self._over)

    def startService(self) -> Deferred[None] | None:
        """Start each child in turn, the next one when the one before it has started.

        The first that fails to start at once fails this start with its exception, and nothing is started again. One whose
        start fails later has failed like one that ran: the Deferred waits for it to be started again, and fails if the
        supervisor gives up over that.
        """
        if self.running or self._stopping is not None:
            raise RuntimeError(
                f"{describe(self)} {'runs already' if self.running else 'still stops: wait for its stopService'}"
            )
        Service.startService(self)
        self.gaveUp = None
        self._times.clear()
        for child in self.children:
            child.restarts = child.attempts = 0
        self._start_at_once(self.children)
        if self._work is None:
            return None
        started: Deferred[None] = Deferred()

        def settled(_: object) -> None:
            if self.gaveUp is None or not started.callbacks:
                started.callback(None)  # it has been logged that it gave up
            else:
                started.errback(self.gaveUp)

        self._work.addCallback(settled)
        return started

    def stopService(self) -> Deferred[Any]:
        """Stop all children, the last one first. The Deferred fires when all have stopped, or have had their time."""
        Service.stopService(self)
        for _, start in list(self._under_way):
            start.cancel()
        for child in self.children:
            if child.pending_start is not None:
                child.pending_start.cancel()
        self._wake()
        if self._stopping is None:
            self._stopping = Deferred()
            ensureDeferred(self._stop_all()).addBoth(self._all_stopped)
        return _end_of(self._stopping) if self._stopping is not None else succeed(None)

    def _all_stopped(self, result: Any) -> None:
        stopping, self._stopping = self._stopping, None
        if stopping is not None:
            stopping.callback(None)

    async def _stop_all(self) -> None:
        if self._work is not None:
            await _end_of(self._work)
        for child in reversed(self.children):
            await self._stop(child)
        self._broken.clear()
        for child in self.children:
            child.rest()

    def _start_at_once(self, children: Iterable[Child]) -> None:
        now = self._now()
        for child in children:
            child.state, child.due_at = "due", now
        self._first_start, self._first_failure = True, None
        try:
            self._go_on()
        finally:
            self._first_start = False
        failure, self._first_failure = self._first_failure, None
        if failure is not None:
            failure.raiseException()

    # -- one thing after the other

    def _go_on(self) -> None:
        """Do what there is to do, or have it done when what is under way has been done."""
        if self._work is not None:
            self._wake()
            return
        work: Deferred[None] = Deferred()
        self._work = work

        def done(result: Any) -> None:
            self._work = None
            if isinstance(result, Failure):
                _log.failure("{service} has an error of its own", result, service=describe(self))
            work.callback(None)

        ensureDeferred(self._mend()).addBoth(done)

    async def _mend(self) -> None:
        while self.running and self._first_failure is None:
            if self._broken:
                await self._take_down(self._broken.popleft())
                continue
            due = [child for child in self.children if child.state == "due"]
            if not due:
                return
            if self.strategy != "one_for_one":
                del due[1:]  # the others need it
            now = self._now()
            ready = next((child for child in due if child.due_at <= now), None)
            if ready is not None:
                await self._start(ready)
            else:
                await self._sleep(min(child.due_at for child in due) - now)

    async def _start(self, child: Child) -> None:
        service = child.service
        child.state = "starting"
        child.started_at = self._now()
        try:
            if child.pending_stop is not None:
                raise StopTimeoutError(f"{describe(service)} still stops: it cannot be started again")
            result: Any = service.startService()
            if isawaitable(result):
                child.pending_start = maybeDeferred(lambda: result)
                await child.pending_start
        except Exception:
            failure = Failure()
            child.pending_start = None
            if child.state != "starting":
                return  # it has said so itself, or is being stopped
            if self._first_start:
                self._first_failure = failure
                child.rest()
                if isinstance(service, MultiService):
                    child.state = "broken"  # some of its own services may have begun
                for other in self.children:
                    if other.state == "due":
                        other.rest()
                return
            self.childEnded(service, failure)
        else:
            child.pending_start = None
            if child.state == "starting":
                child.state = "running"

    async def _take_down(self, child: Child) -> None:
        """Stop a child that has ended and those that go with it, and say when they are to be started again."""
        if child.state != "broken" or child not in self.children:
            return
        failure, name, now = child.lastFailure, describe(child.service), self._now()
        if child.restart == "temporary" or (child.restart == "transient" and failure is None):
            if failure is not None:
                _log.failure("{child} failed. It is not started again.", failure, child=name)
            await self._stop(child)
            child.state = "done"
            if child.restart == "temporary":
                self._drop(child)
            return
        child.attempts = 1 if now - child.started_at >= self.period else child.attempts + 1
        too_many = self._too_many_restarts(now)
        group = self._group(child)
        in_time = all([await self._stop(other) for other in reversed(group)])
        if not self.running:
            return
        if too_many or not in_time:
            await self._give_up(name, failure, in_time)
            return
        delay = self.backoffPolicy(child.attempts)
        _log_restart(name, failure, len(group), delay)
        for other in group:
            if other.restart == "temporary":
                self._drop(other)
            else:
                other.restarts += 1
                other.state, other.due_at = "due", self._now() + delay

    def _group(self, child: Child) -> list[Child]:
        """The children that are started again if `child` is, in the order of their starts."""
        if self.strategy == "one_for_one":
            return [child]
        first = 0 if self.strategy == "one_for_all" else self.children.index(child)
        return [other for other in self.children[first:] if other.state != "done"]

    def _too_many_restarts(self, now: float) -> bool:
        if self.maxRestarts is None:
            return False
        self._times.append(now)
        while now - self._times[0] > self.period:
            self._times.popleft()
        return len(self._times) > self.maxRestarts

    async def _give_up(self, name: str, failure: Failure | None, in_time: bool) -> None:
        for child in reversed(self.children):
            await self._stop(child)
        if not self.running:
            return  # somebody else has stopped it meanwhile
        Service.stopService(self)
        self._broken.clear()
        for child in self.children:
            child.rest()
        error: Exception
        if in_time:
            error = TooManyRestartsError(
                f"{describe(self)} had to start services again more than {self.maxRestarts} times within "
                f"{self.period:g} s, the last time because {name} {'ended' if failure is None else 'failed'}"
            )
        else:
            error = StopTimeoutError(f"{name} cannot be started again: a service has not stopped in its time")
        error.__cause__ = None if failure is None else failure.value
        self.gaveUp = Failure(error)
        if tell_supervisor(self, self.gaveUp):
            return
        _log.failure("{service} gives up, and ends the program", self.gaveUp, service=describe(self))
        reactor = self._clock()
        try:
            reactor.stop()
        except ReactorNotRunning:
            reactor.callWhenRunning(reactor.stop)  # it is still being started

    async def _stop(self, child: Child) -> bool:
        """Stop a child, if there is anything to stop. Returns whether it has stopped in its time."""
        if not child.must_stop():
            return True
        child.opened = False
        child.state = "stopping"
        if child.pending_stop is None:
            child.pending_stop = Deferred()
            stop(child.service).addBoth(lambda _: self._stopped(child))
        if child.pending_stop is None:
            return True  # it was done at once
        stopped: Deferred[bool] = _end_of(child.pending_stop).addCallback(lambda _: True)
        in_time: bool = await stopped.addTimeout(child.stopTimeout, self._clock(), lambda *_: False)
        if not in_time:
            _log.error("{child} has not stopped within {s:g} s.", child=describe(child.service), s=child.stopTimeout)
        return in_time

    def _stopped(self, child: Child) -> None:
        """`child` has stopped, in its time or not."""
        waiting, child.pending_stop = child.pending_stop, None
        if child.state == "stopping":
            child.state = "idle"
        if waiting is not None:
            waiting.callback(None)

    def _drop(self, child: Child) -> None:
        if child in self.children:
            self.children.remove(child)
            self._forget(child.service)
            child.service.parent = None

    # -- time

    def _clock(self) -> Any:
        return self.reactor or getReactor()

    def _now(self) -> float:
        return float(self._clock().seconds())

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until there is something new."""
        self._alarm = Deferred()
        await self._alarm.addTimeout(seconds, self._clock(), lambda *_: None)
        self._alarm = None

    def _wake(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.callback(None)

    def _find(self, service: IService) -> Child | None:
        return next((child for child in self.children if child.service is service), None)


def _log_restart(name: str, failure: Failure | None, count: int, delay: float) -> None:
    what = "it" if count == 1 else f"{count} services"
    if failure is None:
        _log.warn("{child} ended; starting {what} again in {delay:.3g} s.", child=name, what=what, delay=delay)
    else:
        text = "{child} failed; starting {what} again in {delay:.3g} s."
        _log.failure(text, failure, LogLevel.warn, child=name, what=what, delay=delay)


def _end_of(work: Deferred[None]) -> Deferred[None]:
    """A Deferred of one's own that fires when `work` does."""
    end: Deferred[None] = Deferred()
    work.addCallback(end.callback)
    return end


def _one_of(what: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"unknown {what} {value!r}: one of {', '.join(known)}")
