"""Which reactor is the current one.

The engine registers itself here, so that what stands below it (timers in `plait.task`, services, tests) can ask for a
reactor without importing the room that makes one.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_find: Callable[[], Any] | None = None


_substitute: Any = None


def substituteReactor(reactor: Any) -> None:
    """Let `getReactor` give this object, whatever loop runs; None takes it back. For programs that bring a reactor of their
    own, and for tests that put a fake one in its place.
    """
    global _substitute
    _substitute = reactor


def registerEngine(find: Callable[[], Any]) -> None:
    """Make `find` the function that answers `getReactor`. The engine calls this once, when it is imported."""
    global _find
    _find = find


def getReactor() -> Any:
    """The reactor of the event loop that runs in this thread; if none runs, the default reactor, made at first use."""
    if _substitute is not None:
        return _substitute
    if _find is None:
        import_module("plait.engine")
        assert _find is not None, "plait.engine registers itself when it is imported"
    return _find()
