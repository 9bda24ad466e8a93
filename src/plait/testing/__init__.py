"""Tests of programs that use Plait: a pytest plugin, and fakes that stand in for the network.

In reading order: `plait.testing.pytest_plugin` (tests that return a Deferred or are coroutines; loaded by pytest
itself), `plait.testing.running` and `plait.testing.logged` (what it is made of), `plait.testing.transports` (a
transport that is a bytes buffer), `plait.testing.reactors` (a reactor that only notes what it is asked),
`plait.testing.peers` (ready-made protocols and producers, and waiting for them), `plait.testing.pumps` (two protocols
joined without a network), `plait.testing.contracts` and `plait.testing.connections` (whether your own transports,
protocols, producers and addresses keep their promises), `plait.testing.asserts`, `plait.testing.marks`, `plait.testing.steps` and
`plait.testing.case` (tests in classes, as trial has them), `plait.testing.runner` (the command that runs them).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.testing.case import (
        DirtyReactorAggregateError,
        FailTest,
        SkipTest,
        SynchronousTestCase,
        TestCase,
        Todo,
        makeTodo,
    )
    from plait.testing.connections import checkConnection
    from plait.testing.contracts import (
        ContractError,
        checkAddress,
        checkConsumer,
        checkProtocol,
        checkPullProducer,
        checkPushProducer,
        checkTransport,
    )
    from plait.testing.logged import EventLoggingObserver, LoggedErrors
    from plait.testing.marks import suppress
    from plait.testing.peers import LineSendingProtocol, NonStreamingProducer, waitUntilAllDisconnected
    from plait.testing.pumps import FakeTransport, IOPump, connect, connectedServerAndClient
    from plait.testing.reactors import MemoryReactor, MemoryReactorClock, RaisingMemoryReactor
    from plait.testing.running import runToEnd
    from plait.testing.transports import (
        AccumulatingProtocol,
        FakeDatagramTransport,
        StringIOWithoutClosing,
        StringTransport,
        StringTransportWithDisconnection,
    )

# Loaded when named: pytest imports this package in every session, also where nothing of Plait is tested.
_NAMES = {
    "AccumulatingProtocol": "plait.testing.transports",
    "DirtyReactorAggregateError": "plait.testing.case",
    "EventLoggingObserver": "plait.testing.logged",
    "FailTest": "plait.testing.case",
    "FakeDatagramTransport": "plait.testing.transports",
    "FakeTransport": "plait.testing.pumps",
    "IOPump": "plait.testing.pumps",
    "LineSendingProtocol": "plait.testing.peers",
    "LoggedErrors": "plait.testing.logged",
    "MemoryReactor": "plait.testing.reactors",
    "MemoryReactorClock": "plait.testing.reactors",
    "NonStreamingProducer": "plait.testing.peers",
    "RaisingMemoryReactor": "plait.testing.reactors",
    "SkipTest": "plait.testing.case",
    "StringIOWithoutClosing": "plait.testing.transports",
    "StringTransport": "plait.testing.transports",
    "StringTransportWithDisconnection": "plait.testing.transports",
    "SynchronousTestCase": "plait.testing.case",
    "TestCase": "plait.testing.case",
    "Todo": "plait.testing.case",
    "ContractError": "plait.testing.contracts",
    "checkAddress": "plait.testing.contracts",
    "checkConsumer": "plait.testing.contracts",
    "checkProtocol": "plait.testing.contracts",
    "checkPullProducer": "plait.testing.contracts",
    "checkPushProducer": "plait.testing.contracts",
    "checkTransport": "plait.testing.contracts",
    "checkConnection": "plait.testing.connections",
    "connect": "plait.testing.pumps",
    "connectedServerAndClient": "plait.testing.pumps",
    "makeTodo": "plait.testing.case",
    "runToEnd": "plait.testing.running",
    "suppress": "plait.testing.marks",
    "waitUntilAllDisconnected": "plait.testing.peers",
}

__all__ = [
    "AccumulatingProtocol",
    "ContractError",
    "DirtyReactorAggregateError",
    "EventLoggingObserver",
    "FailTest",
    "FakeDatagramTransport",
    "FakeTransport",
    "IOPump",
    "LineSendingProtocol",
    "LoggedErrors",
    "MemoryReactor",
    "MemoryReactorClock",
    "NonStreamingProducer",
    "RaisingMemoryReactor",
    "SkipTest",
    "StringIOWithoutClosing",
    "StringTransport",
    "StringTransportWithDisconnection",
    "SynchronousTestCase",
    "TestCase",
    "Todo",
    "checkAddress",
    "checkConnection",
    "checkConsumer",
    "checkProtocol",
    "checkPullProducer",
    "checkPushProducer",
    "checkTransport",
    "connect",
    "connectedServerAndClient",
    "makeTodo",
    "runToEnd",
    "suppress",
    "waitUntilAllDisconnected",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'plait.testing' has no attribute {name!r}")
    return getattr(import_module(_NAMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
