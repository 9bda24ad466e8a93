"""System events ("startup", "shutdown", "persist" and any other name), in three phases: before, during, after.

What is called in the phase before may return a Deferred; the other phases wait for it. An error is logged and stops nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType
from typing import Any

from plait.deferred import Deferred, DeferredList, ensureDeferred
from plait.failure import Failure
from plait.log import Logger

_log = Logger("plait.engine")

PHASES = ("before", "during", "after")

Trigger = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
TriggerID = tuple[str, str, Trigger]


class SystemEvents:
    """The triggers of one reactor, by event and phase."""

    def __init__(self) -> None:
        self._triggers: dict[str, dict[str, list[Trigger]]] = {}

    def add(
        self, phase: str, event: str, function: Callable[..., Any], args: tuple[Any, ...], kw: dict[str, Any]
    ) -> TriggerID:
        if phase not in PHASES:
            raise KeyError(f"invalid phase {phase!r}: it must be one of {', '.join(PHASES)}")
        if not callable(function):
            raise TypeError(f"a trigger must be callable, not {function!r}")
        trigger = (function, args, kw)
        self._triggers.setdefault(event, {p: [] for p in PHASES})[phase].append(trigger)
        return phase, event, trigger

    def remove(self, trigger_id: TriggerID) -> None:
        try:
            phase, event, trigger = trigger_id
            self._triggers[event][phase].remove(trigger)
        except (KeyError, TypeError) as e:
            raise ValueError(f"not a trigger's id: {trigger_id!r}") from e

    def fire(self, event: str, then: Callable[[], object] | None = None) -> None:
        """Run the phases of `event`, and at last call `then`."""
        triggers = self._triggers.get(event)
        if triggers is None:
            if then is not None:
                then()
            return
        waits_for: list[Deferred[Any]] = []
        # a trigger may add or remove others: take them one by one
        while triggers["before"]:
            trigger = triggers["before"].pop(0)
            result = _call(trigger)
            if isinstance(result, Deferred):
                waits_for.append(result.addErrback(_logged, trigger[0]))

        def rest(_: object) -> None:
            for phase in ("during", "after"):
                while triggers[phase]:
                    _call(triggers[phase].pop(0))
            if then is not None:
                then()

        DeferredList(waits_for).addCallback(rest)


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
