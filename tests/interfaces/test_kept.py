"""What Plait's own classes promise they keep: to zope.interface here, to mypy in `test_typing`."""

from __future__ import annotations

from typing import Any

import pytest

from plait.engine import Reactor
from plait.engine.timers import DelayedCall
from plait.interfaces import (
    IAddress,
    IClientFactory,
    IConnector,
    IConsumer,
    IDelayedCall,
    IListeningPort,
    ILoggingContext,
    INegotiated,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IReactorCore,
    IReactorFDSet,
    IReactorFromThreads,
    IReactorInThreads,
    IReactorSSL,
    IReactorTCP,
    IReactorThreads,
    IReactorTime,
    ISSLTransport,
    ITLSTransport,
    ITransport,
    verifyClass,
)
from plait.protocol import ClientFactory, Factory, LineOnlyReceiver, LineReceiver, Protocol, ServerFactory
from plait.transport import (
    Connection,
    Connector,
    HostnameAddress,
    IPv4Address,
    IPv6Address,
    Port,
    SecureConnection,
    UNIXAddress,
)
from plait.transport.address import ProcessAddress
from plait.transport.stdio import StandardIO

PROMISES: list[tuple[type, list[Any]]] = [
    (Reactor, [IReactorCore, IReactorTime, IReactorTCP, IReactorSSL, IReactorFDSet]),
    (Reactor, [IReactorThreads, IReactorFromThreads, IReactorInThreads]),
    (DelayedCall, [IDelayedCall]),
    (Port, [IListeningPort]),
    (Connector, [IConnector]),
    (Connection, [ITLSTransport, IConsumer, IPushProducer, ILoggingContext]),
    (SecureConnection, [INegotiated, ISSLTransport, ITLSTransport, IConsumer, IPushProducer, ILoggingContext]),
    (StandardIO, [ITransport, IConsumer]),
    *((cls, [IProtocol, ILoggingContext]) for cls in (Protocol, LineReceiver, LineOnlyReceiver)),
    *((cls, [IProtocolFactory, ILoggingContext]) for cls in (Factory, ServerFactory, ClientFactory)),
    (ClientFactory, [IClientFactory]),
    *((cls, [IAddress]) for cls in (IPv4Address, IPv6Address, UNIXAddress, HostnameAddress, ProcessAddress)),
]


@pytest.mark.parametrize(
    "cls, interface",
    [
        pytest.param(cls, interface, id=f"{cls.__name__} {interface.__name__}")
        for cls, interfaces in PROMISES
        for interface in interfaces
    ],
)
def test_what_is_promised_is_kept(cls: type, interface: Any) -> None:
    assert verifyClass(interface, cls)
