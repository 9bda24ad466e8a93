"""System events ("startup", "shutdown", "persist" and any other name), in three phases: before, during, after.

What is called in the phase before may return a Deferred; the other phases wait for it. An error is logged and stops nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import CoroutineType
from typing import Any

from plait.deferred import Deferred, DeferredList, ensureDeferred
from plait.failure import Failure
from plait.log import Logger

_log = Logger("plait.engine")

PHASES = ("before", "during", "after")

Trigger = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
PhaseTrigger = tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]
TriggerID = tuple[str, PhaseTrigger]


class ThreePhaseEvent:
    """The triggers of one event; each is called once.

    Attributes: `before`, `during`, `after` (what is still to be called), `state` ("BEFORE" while the triggers of that phase are
    called, else "BASE"), `finishedBefore` (those of that phase that have been called, as long as the state is "BEFORE").
    """

    def __init__(self) -> None:
        self.before: list[Trigger] = []
        self.during: list[Trigger] = []
        self.after: list[Trigger] = []
        self.finishedBefore: list[Trigger] = []
        self.state = "BASE"

    def _of(self, phase: str) -> list[Trigger]:
        if phase not in PHASES:
            raise KeyError(f"invalid phase {phase!r}: it must be one of {', '.join(PHASES)}")
        triggers: list[Trigger] = getattr(self, phase)
        return triggers

    def addTrigger(self, phase: str, callable: Callable[..., Any], *args: Any, **kw: Any) -> PhaseTrigger:
        """Call a function in a phase of the event. Gives an id for `removeTrigger`.

        :raises KeyError: for another phase.
        """
        self._of(phase).append((callable, args, kw))
        return phase, callable, args, kw

    def removeTrigger(self, handle: PhaseTrigger) -> None:
        """Take a trigger back.

        :raises ValueError: if there is no such trigger (any more).
        :raises KeyError: for another phase.
        """
        if not isinstance(handle, tuple) or len(handle) != 4:
            raise ValueError(f"not a trigger's id: {handle!r}")
        phase, *rest = handle
        triggers = self._of(phase)
        trigger: Any = tuple(rest)
        if trigger in triggers:
            triggers.remove(trigger)
        elif phase == "before" and trigger in self.finishedBefore:
            # a trigger takes back another one of the phase that runs, which has had its turn: no harm is done
            warnings.warn(
                "this trigger has been called already, and cannot be taken back", DeprecationWarning, stacklevel=2
            )
        else:
            raise ValueError(f"there is no such trigger (any more): {handle!r}")

    def fireEvent(self, then: Callable[[], object] | None = None) -> None:
        """Run the phases, and at last call `then`."""
        waits_for: list[Deferred[Any]] = []
        self.state = "BEFORE"
        # a trigger may add or remove others: take them one by one
        while self.before:
            trigger = self.before.pop(0)
            self.finishedBefore.append(trigger)
            result = _call(trigger)
            if isinstance(result, Deferred):
                waits_for.append(result.addErrback(_logged, trigger[0]))

        def rest(_: object) -> None:
            self.state = "BASE"
            self.finishedBefore = []
            for triggers in (self.during, self.after):
                while triggers:
                    _call(triggers.pop(0))
            if then is not None:
                then()

        DeferredList(waits_for).addCallback(rest)


class SystemEvents:
    """The events of one reactor, by name."""

    def __init__(self) -> None:
        self._events: dict[str, ThreePhaseEvent] = {}

    def add(
        self, phase: str, event: str, function: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
    ) -> TriggerID:
        if not callable(function):
            raise TypeError(f"a trigger must be callable, not {function!r}")
        return event, self._events.setdefault(event, ThreePhaseEvent()).addTrigger(phase, function, *args, **kw)

    def add_first(self, phase: str, event: str, function: Callable[[], object]) -> None:
        """Call a function in a phase of an event, ahead of what is there."""
        triggers = self._events.setdefault(event, ThreePhaseEvent())
        triggers._of(phase).insert(0, (function, (), {}))

    def remove(self, trigger_id: TriggerID) -> None:
        if not isinstance(trigger_id, tuple) or len(trigger_id) != 2:
            raise TypeError(f"not a trigger's id: {trigger_id!r}")
        event, handle = trigger_id
        if event not in self._events:
            raise KeyError(f"no trigger of {event!r} has been added")
        self._events[event].removeTrigger(handle)

    def fire(self, event: str, then: Callable[[], object] | None = None) -> None:
        """Run the phases of `event`, and at last call `then`."""
        triggers = self._events.get(event)
        if triggers is not None:
            triggers.fireEvent(then)
        elif then is not None:
            then()


def _call(trigger: Trigger) -> Any:
    function, args, kw = trigger
    try:
        result = function(*args, **kw)
    except BaseException as e:
        _logged(Failure(e), function)
        return None
    return ensureDeferred(result) if type(result) is CoroutineType else result


def _logged(failure: Failure, function: Callable[..., Any]) -> None:
    _log.failure("Unhandled error in a system event trigger, {trigger!r}", failure, trigger=function)
