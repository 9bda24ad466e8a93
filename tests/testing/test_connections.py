"""The contract of a connection: our transports keep it over real sockets, and each promise can be broken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from plait import reactor
from plait.deferred import Deferred, DeferredList
from plait.errors import ConnectionLost
from plait.failure import Failure
from plait.interfaces import directlyProvides
from plait.protocol import ClientFactory, Factory, Protocol
from plait.testing import ContractError, checkConnection, connections


class Seam(Protocol):
    """Stands between a transport and an end under test, where a promise can be broken."""

    def __init__(self, inner: Any, alter: Callable[[Any], Any]) -> None:
        self.inner = inner
        self.alter = alter
        self.made: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.inner.makeConnection(self.alter(self.transport))
        self.made.callback(None)

    def dataReceived(self, data: bytes) -> None:
        self.inner.dataReceived(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.inner.connectionLost(reason)


async def join(client: Seam, server: Seam) -> None:
    listening = Factory()
    listening.buildProtocol = lambda addr: server  # type: ignore[assignment, method-assign, return-value]
    calling = ClientFactory()
    calling.noisy = listening.noisy = False
    calling.buildProtocol = lambda addr: client  # type: ignore[assignment, method-assign, return-value]
    port = reactor.listenTCP(0, listening, interface="127.0.0.1")
    reactor.connectTCP("127.0.0.1", port.getHost().port, calling)
    await DeferredList([client.made, server.made])
    await port.stopListening()


def tcp(alter: Callable[[Any], Any] = lambda transport: transport, seam: Any = Seam) -> Callable[[Any, Any], Any]:
    def connect(client: Any, server: Any) -> Awaitable[None]:
        return join(seam(client, alter), seam(server, alter))

    return connect


async def test_tcp_keeps_it() -> None:
    await checkConnection(tcp())


class Other:
    """A transport with something of its own."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # zope.interface would find there what the real one provides
        return getattr(self.real, name)


def altered(**attributes: Any) -> Callable[[Any], Any]:
    from zope.interface import providedBy  # type: ignore[import-untyped]

    def alter(real: Any) -> Any:
        other = type("Bad", (Other,), attributes)(real)
        directlyProvides(other, *providedBy(real))
        return other

    return alter


class Loses(Seam):
    """Loses the first byte of what comes."""

    def dataReceived(self, data: bytes) -> None:
        self.inner.dataReceived(b"x" + data[1:])


class LosesTwice(Seam):
    def connectionLost(self, reason: Any = None) -> None:
        self.inner.connectionLost(reason)
        self.inner.connectionLost(reason)


class SpeaksLate(Seam):
    def connectionLost(self, reason: Any = None) -> None:
        self.inner.connectionLost(reason)
        self.inner.dataReceived(b"late")


class NeverLost(Seam):
    def connectionLost(self, reason: Any = None) -> None:
        pass


class KnowsNoReason(Seam):
    """Calls each end of a connection an orderly one."""

    def connectionLost(self, reason: Any = None) -> None:
        self.inner.connectionLost()


class CallsItAnError(Seam):
    """Calls each end of a connection a failure."""

    def connectionLost(self, reason: Any = None) -> None:
        self.inner.connectionLost(Failure(ConnectionLost()))


BAD = {
    "in the order in which": tcp(seam=Loses),
    "connectionLost is called once": tcp(seam=LosesTwice),
    "nothing comes after connectionLost": tcp(seam=SpeaksLate),
    "connectionLost is called at the end": tcp(seam=NeverLost),
    "told of an error where": tcp(seam=KnowsNoReason),
    "sends what was written before": tcp(
        altered(loseConnection=lambda self: self.write(b"x") or self.real.loseConnection())
    ),
    "nothing comes while reading is paused": tcp(altered(pauseProducing=lambda self: None)),
    "comes with resumeProducing": tcp(altered(resumeProducing=lambda self: None)),
    "told to pause when more is written": tcp(altered(registerProducer=lambda self, producer, streaming: None)),
    "write raises TypeError": tcp(altered(write=lambda self, data: self.real.write(bytes(data or b"")))),
    "provides IPushProducer": tcp(Other),
    "closed in good order": tcp(seam=CallsItAnError),
}


@pytest.mark.parametrize("promised", BAD)
async def test_each_promise_can_be_broken(promised: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_PATIENCE", 0.3)
    with pytest.raises(ContractError) as caught:
        await checkConnection(BAD[promised])
    assert promised in caught.value.promised, str(caught.value)


async def test_ends_that_are_not_joined() -> None:
    async def connect(client: Any, server: Any) -> None:
        pass

    with pytest.raises(ContractError, match="both ends have a transport"):
        await checkConnection(connect)
