"""The names of twisted.internet and twisted.protocols that several published programs use: each is there under the alias.

The programs are web frameworks and clients, crawlers, RPC and WebSocket libraries, clients of databases and queues, build farms,
chat servers and more, 38 in all; what two of them or more import or take from what they have imported stands here. TLS
has its own tests, and a protocol suite that is not there yet is left out.
"""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter

import pytest

USED = {
    "twisted.internet": "",
    "twisted.internet.abstract": "isIPAddress isIPv6Address",
    "twisted.internet.address": "HostnameAddress IPv4Address IPv6Address UNIXAddress",
    "twisted.internet.asyncioreactor": "AsyncioSelectorReactor install",
    "twisted.internet.base": "DelayedCall ReactorBase",
    "twisted.internet.defer": """
        CancelledError Deferred Deferred.debug Deferred.fromCoroutine Deferred.fromFuture DeferredList
        DeferredLock DeferredQueue Failure FirstError TimeoutError ensureDeferred execute fail gatherResults
        inlineCallbacks maybeDeferred returnValue succeed
    """,
    "twisted.internet.endpoints": """
        AdoptedStreamServerEndpoint HostnameEndpoint SSL4ClientEndpoint SSL4ServerEndpoint
        TCP4ClientEndpoint TCP4ServerEndpoint TCP6ClientEndpoint UNIXClientEndpoint clientFromString
        serverFromString wrapClientTLS
    """,
    "twisted.internet.epollreactor": "",
    "twisted.internet.error": """
        AlreadyCalled AlreadyCancelled CannotListenError ConnectError ConnectingCancelledError
        ConnectionClosed ConnectionDone ConnectionLost ConnectionRefusedError DNSLookupError ProcessDone
        ProcessExitedAlready ProcessTerminated ReactorAlreadyInstalledError ReactorNotRunning TimeoutError
    """,
    "twisted.internet.interfaces": """
        IAddress IConnector IConsumer IConsumer.providedBy IDelayedCall IHalfCloseableProtocol
        IHandshakeListener IHostResolution IHostnameResolver IListeningPort IListeningPort.providedBy
        IOpenSSLClientConnectionCreator IProcessTransport IProducer IProtocol IProtocolFactory
        IProtocolNegotiationFactory IPullProducer IPushProducer IReactorCore IReactorFromThreads
        IReactorPluggableNameResolver IReactorProcess IReactorTCP IReactorThreads IReactorTime
        IResolutionReceiver IResolverSimple ISSLTransport ISSLTransport.providedBy IStreamClientEndpoint
        IStreamClientEndpoint.providedBy IStreamClientEndpointStringParserWithReactor IStreamServerEndpoint
        IStreamServerEndpoint.providedBy IStreamServerEndpointStringParser ITCPTransport ITransport
        ITransport.providedBy
    """,
    "twisted.internet.main": "CONNECTION_LOST",
    "twisted.internet.process": "Process",
    "twisted.internet.protocol": """
        ClientCreator ClientFactory DatagramProtocol Factory Factory.forProtocol FileWrapper
        FileWrapper.__init__ ProcessProtocol Protocol Protocol.connectionLost ReconnectingClientFactory
        ServerFactory ServerFactory.buildProtocol connectionDone
    """,
    "twisted.internet.reactor": """
        __class__ addReader addSystemEventTrigger callFromThread callInThread callLater callWhenRunning
        connectSSL connectTCP connectUNIX getDelayedCalls getReaders getThreadPool iterate listenSSL
        listenTCP listenUDP removeReader run runUntilCurrent running seconds spawnProcess stop
    """,
    "twisted.internet.selectreactor": "",
    "twisted.internet.serialport": """
        EIGHTBITS FIVEBITS PARITY_EVEN PARITY_NONE PARITY_ODD SEVENBITS SIXBITS STOPBITS_ONE STOPBITS_TWO SerialPort
    """,
    "twisted.internet.stdio": "StandardIO",
    "twisted.internet.task": """
        Clock Clock.__init__ Cooperator LoopingCall TaskStopped deferLater react
    """,
    "twisted.internet.tcp": "Port",
    "twisted.internet.testing": "MemoryReactor MemoryReactorClock StringTransport",
    "twisted.internet.threads": "blockingCallFromThread deferToThread deferToThreadPool",
    "twisted.internet.utils": "getProcessOutput getProcessOutputAndValue",
    "twisted.protocols.basic": """
        FileSender Int32StringReceiver LineOnlyReceiver LineReceiver NetstringReceiver _PauseableMixin
    """,
    "twisted.protocols.policies": "ProtocolWrapper TimeoutMixin",
}


@pytest.mark.parametrize("module", USED)
def test_what_programs_use_is_there(alias: None, module: str) -> None:
    found = import_module(module)
    missing = []
    for name in USED[module].split():
        try:
            attrgetter(name)(found)
        except AttributeError:
            missing.append(name)
    assert missing == []


def test_the_reactor_is_what_programs_take_it_for(alias: None) -> None:
    base, reactor = import_module("twisted.internet.base"), import_module("twisted.internet.reactor")
    assert isinstance(reactor, base.ReactorBase)
