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
    IDatagramProtocol,
    IDelayedCall,
    IListeningPort,
    ILoggingContext,
    IMulticastTransport,
    INegotiated,
    IProcessTransport,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IReactorCore,
    IReactorFDSet,
    IReactorFromThreads,
    IReactorInThreads,
    IReactorMulticast,
    IReactorProcess,
    IReactorSocket,
    IReactorSSL,
    IReactorTCP,
    IReactorThreads,
    IReactorTime,
    IReactorUDP,
    IReactorUNIX,
    IReactorUNIXDatagram,
    ISSLTransport,
    ITLSTransport,
    ITransport,
    IUDPTransport,
    IUNIXDatagramConnectedTransport,
    IUNIXDatagramTransport,
    IUNIXTransport,
    verifyClass,
)
from plait.protocol import (
    ClientFactory,
    DatagramProtocol,
    Factory,
    LineOnlyReceiver,
    LineReceiver,
    Protocol,
    ServerFactory,
)
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
from plait.transport.address import ProcessAddress, SerialAddress
from plait.transport.process import Process
from plait.transport.serial import SerialPort
from plait.transport.stdio import StandardIO
from plait.transport.udp import MulticastPort, UDPPort
from plait.transport.unix import UNIXConnector, UNIXPort
from plait.transport.unixdatagram import ConnectedUNIXDatagramPort, UNIXDatagramPort
from plait.transport.unixstream import UNIXConnection

PROMISES: list[tuple[type, list[Any]]] = [
    (Reactor, [IReactorCore, IReactorTime, IReactorTCP, IReactorSSL, IReactorFDSet, IReactorProcess]),
    (Reactor, [IReactorThreads, IReactorFromThreads, IReactorInThreads]),
    (DelayedCall, [IDelayedCall]),
    (Reactor, [IReactorUDP, IReactorMulticast, IReactorUNIX, IReactorUNIXDatagram, IReactorSocket]),
    *(
        (cls, [IListeningPort])
        for cls in (Port, UDPPort, MulticastPort, UNIXPort, UNIXDatagramPort, ConnectedUNIXDatagramPort)
    ),
    (UDPPort, [IUDPTransport]),
    (MulticastPort, [IMulticastTransport]),
    (UNIXDatagramPort, [IUNIXDatagramTransport]),
    (ConnectedUNIXDatagramPort, [IUNIXDatagramConnectedTransport]),
    (UNIXConnection, [IUNIXTransport, ITLSTransport, IConsumer, IPushProducer, ILoggingContext]),
    (DatagramProtocol, [IDatagramProtocol, ILoggingContext]),
    (Connector, [IConnector]),
    (UNIXConnector, [IConnector]),
    (Connection, [ITLSTransport, IConsumer, IPushProducer, ILoggingContext]),
    (SecureConnection, [INegotiated, ISSLTransport, ITLSTransport, IConsumer, IPushProducer, ILoggingContext]),
    (StandardIO, [ITransport, IConsumer]),
    (Process, [IProcessTransport, IConsumer, IPushProducer]),
    (SerialPort, [ITransport, IConsumer, IPushProducer, ILoggingContext]),
    *((cls, [IProtocol, ILoggingContext]) for cls in (Protocol, LineReceiver, LineOnlyReceiver)),
    *((cls, [IProtocolFactory, ILoggingContext]) for cls in (Factory, ServerFactory, ClientFactory)),
    (ClientFactory, [IClientFactory]),
    *(
        (cls, [IAddress])
        for cls in (IPv4Address, IPv6Address, UNIXAddress, HostnameAddress, ProcessAddress, SerialAddress)
    ),
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
