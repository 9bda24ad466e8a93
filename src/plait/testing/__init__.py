"""Tests of programs that use Plait: a pytest plugin, and fakes that stand in for the network.

In reading order: `plait.testing.pytest_plugin` (tests that return a Deferred or are coroutines; loaded by pytest
itself), `plait.testing.running` and `plait.testing.logged` (what it is made of), `plait.testing.transports` (a
transport that is a bytes buffer), `plait.testing.reactors` (a reactor that only notes what it is asked).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.testing.logged import LoggedErrors
    from plait.testing.reactors import MemoryReactor, MemoryReactorClock
    from plait.testing.running import runToEnd
    from plait.testing.transports import AccumulatingProtocol, StringTransport, StringTransportWithDisconnection

# Loaded when named: pytest imports this package in every session, also where nothing of Plait is tested.
_NAMES = {
    "AccumulatingProtocol": "plait.testing.transports",
    "LoggedErrors": "plait.testing.logged",
    "MemoryReactor": "plait.testing.reactors",
    "MemoryReactorClock": "plait.testing.reactors",
    "StringTransport": "plait.testing.transports",
    "StringTransportWithDisconnection": "plait.testing.transports",
    "runToEnd": "plait.testing.running",
}

__all__ = [
    "AccumulatingProtocol",
    "LoggedErrors",
    "MemoryReactor",
    "MemoryReactorClock",
    "StringTransport",
    "StringTransportWithDisconnection",
    "runToEnd",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'plait.testing' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)
