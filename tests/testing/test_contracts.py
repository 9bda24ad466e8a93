"""The contracts that one thing alone has to keep: each is kept by ours, and each check can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plait.interfaces import IAddress, IConsumer, IPullProducer, IPushProducer, implementer
from plait.protocol import LineReceiver, Protocol
from plait.task import Clock, LoopingCall
from plait.testing import (
    ContractError,
    FakeTransport,
    NonStreamingProducer,
    StringTransport,
    StringTransportWithDisconnection,
    checkAddress,
    checkConsumer,
    checkProtocol,
    checkPullProducer,
    checkPushProducer,
    checkTransport,
)
from plait.transport import HostnameAddress, IPv4Address, IPv6Address
from plait.transport.address import ProcessAddress, UNIXAddress


def breaks(promised: str) -> Any:
    return pytest.raises(ContractError, match=promised)


def test_the_error_says_what_was_promised_and_what_came() -> None:
    with breaks("promised: two addresses(?s:.)*found: <tests") as caught:
        checkAddress(lambda: but(object, IAddress)())
    assert caught.value.promised == "two addresses that are made alike are equal"
    assert "are not" in caught.value.found


def but(base: type, *interfaces: Any, **attributes: Any) -> Any:
    """A class that does something in another way."""
    return implementer(*interfaces)(type("object", (base,), attributes))


# -- addresses


@pytest.mark.parametrize(
    "make",
    [
        lambda: IPv4Address("TCP", "127.0.0.1", 80),
        lambda: IPv6Address("TCP", "::1", 80),
        lambda: UNIXAddress("/run/nothing"),
        lambda: HostnameAddress(b"example.com", 80),
        ProcessAddress,
    ],
)
def test_our_addresses(make: Callable[[], Any]) -> None:
    checkAddress(make, IPv4Address("UDP", "127.0.0.1", 80))


def test_bad_addresses() -> None:
    with breaks("provides IAddress"):
        checkAddress(object)
    with breaks("made alike are equal"):
        checkAddress(but(object, IAddress))
    with breaks("key of a dict"):
        checkAddress(but(object, IAddress, __eq__=lambda self, other: True, __ne__=lambda *_: False))
    with breaks("one hash"):
        checkAddress(but(object, IAddress, __eq__=lambda s, o: type(o) is type(s), __hash__=lambda self: id(self)))
    with breaks("no other thing"):
        checkAddress(lambda: IPv4Address("TCP", "h", 1), IPv4Address("TCP", "h", 1))


# -- consumers and transports


@pytest.mark.parametrize("make", [StringTransport, StringTransportWithDisconnection, lambda: FakeTransport(Protocol())])
def test_our_transports(make: Callable[[], Any]) -> None:
    transport = make()
    transport.protocol = Protocol()
    checkConsumer(transport)
    checkTransport(transport)


class Greedy(StringTransport):
    """Takes any number of producers, and does as it pleases with them."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer


def test_bad_consumers() -> None:
    with breaks("a consumer has registerProducer"):
        checkConsumer(object())
    with breaks("provides IConsumer"):
        checkConsumer(type("object", (), dict.fromkeys(("registerProducer", "unregisterProducer", "write"), print))())
    with breaks("RuntimeError if there is a producer already"):
        checkConsumer(Greedy())
    with breaks("begins by itself"):
        checkConsumer(but(Greedy, IConsumer, registerProducer=lambda self, p, s: p.resumeProducing())())
    with breaks("another can be registered"):
        checkConsumer(but(StringTransport, IConsumer, unregisterProducer=lambda self: None)())
    with breaks("does not stop"):
        checkConsumer(but(StringTransport, IConsumer, unregisterProducer=stopping)())


def stopping(self: Any) -> None:
    producer, self.producer = self.producer, None
    producer.stopProducing()


def test_bad_transports() -> None:
    def transport(**attributes: Any) -> Any:
        return type("Bad", (StringTransport,), attributes)()

    with breaks("provides ITransport"):
        checkTransport(object())
    with breaks("provides IAddress"):
        checkTransport(transport(getPeer=lambda self: "127.0.0.1"))
    with breaks("write raises TypeError for 'text'"):
        checkTransport(transport(write=lambda self, data: None))
    with breaks("whole and in parts"):
        checkTransport(transport(writeSequence=lambda self, iovec: iovec[0]))
    with breaks("false until loseConnection"):
        checkTransport(transport(__init__=begins_closing))
    with breaks("true after loseConnection"):
        checkTransport(transport(loseConnection=lambda self: None))
    with breaks("asked twice to close"):
        checkTransport(transport(loseConnection=once))
    with breaks("dropped without an error"):
        checkTransport(transport(write=refuses))


def begins_closing(self: Any) -> None:
    StringTransport.__init__(self)
    self.disconnecting = True


def once(self: Any) -> None:
    if self.disconnecting:
        raise RuntimeError("closed")
    self.disconnecting = True


def refuses(self: Any, data: Any) -> None:
    if self.disconnecting:
        raise RuntimeError("closed")
    StringTransport.write(self, data)


# -- producers


@implementer(IPushProducer)
class Ticker:
    """Writes a byte each second."""

    def __init__(self, consumer: Any, clock: Clock) -> None:
        self.consumer = consumer
        self.paused = False
        self.loop = LoopingCall(self.tick)
        self.loop.clock = clock
        self.loop.start(1)

    def tick(self) -> None:
        if not self.paused:
            self.consumer.write(b".")

    def pauseProducing(self) -> None:
        self.paused = True

    def resumeProducing(self) -> None:
        self.paused = False

    def stopProducing(self) -> None:
        self.loop.stop()


def push(**attributes: Any) -> None:
    clock = Clock()
    cls: Any = type("Bad", (Ticker,), attributes)
    checkPushProducer(lambda consumer: cls(consumer, clock), lambda: clock.advance(1))


def test_push_producers() -> None:
    push()
    with breaks("writes by itself"):
        push(tick=lambda self: None)
    with breaks("twice too"):
        push(pauseProducing=lambda self: self.__delattr__("paused"))
    with breaks("while it is paused"):
        push(pauseProducing=lambda self: None)
    with breaks("goes on after resumeProducing"):
        push(resumeProducing=lambda self: None)
    with breaks("nothing after stopProducing"):
        push(stopProducing=lambda self: None)
    with breaks("writes bytes"):
        push(tick=lambda self: self.consumer.write("text"))
    with breaks("provides IPushProducer"):
        checkPushProducer(NonStreamingProducer, lambda: None)


def pull(**attributes: Any) -> None:
    checkPullProducer(type("Bad", (NonStreamingProducer,), attributes))


def writes_twice(self: Any) -> None:
    self.consumer.write(b"a")
    self.consumer.write(b"b")


def leaves_twice(self: Any) -> None:
    self.consumer.unregisterProducer()
    self.consumer.unregisterProducer()


def test_pull_producers() -> None:
    pull()
    with breaks("when it is asked"):
        pull(__init__=lambda self, consumer: consumer.write(b"early"))
    with breaks("each time that it is asked"):
        pull(resumeProducing=lambda self: None)
    with breaks("one piece at a time"):
        pull(resumeProducing=writes_twice)
    with breaks("at its end"):
        pull(resumeProducing=lambda self: self.consumer.write(b"more"))
    with breaks("unregisters itself once"):
        pull(resumeProducing=leaves_twice)
    with breaks("nothing after stopProducing"):
        pull(stopProducing=lambda self: self.consumer is not None and self.consumer.write(b"last"))
    with breaks("writes bytes"):
        pull(resumeProducing=lambda self: self.consumer.write("text"))
    with breaks("provides IPullProducer"):
        checkPullProducer(lambda consumer: Ticker(consumer, Clock()))
    assert IPullProducer.implementedBy(NonStreamingProducer)  # type: ignore[attr-defined]


# -- protocols


class Shouter(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        if line == b"quit":
            self.sendLine(b"bye")
            self.transport.loseConnection()
        else:
            self.sendLine(line.upper())


def protocol(received: bytes = b"a\r\nb\r\n", sent: bytes | None = None, **attributes: Any) -> bytes:
    return checkProtocol(type("Bad", (Shouter,), attributes), received, sent)


def test_protocols() -> None:
    assert protocol(b"hello\r\n", b"HELLO\r\n") == b"HELLO\r\n"
    assert protocol(b"a\r\nquit\r\nnever\r\n") == b"A\r\nbye\r\n"
    with breaks("sends b'hello"):
        protocol(b"hello\r\n", b"hello\r\n")
    with breaks("where the network cuts"):
        protocol(dataReceived=lambda self, data: self.transport.write(b"[" + data + b"]"))
    with breaks("takes a connection"):
        protocol(connectionMade=lambda self: 1 / 0)
    with breaks("makeConnection sets"):
        protocol(makeConnection=lambda self, transport: None)
    with breaks("bears what it is sent"):
        protocol(lineReceived=lambda self, line: 1 / 0)
    with breaks("bears the loss"):
        protocol(connectionLost=lambda self, reason: 1 / 0)
    with breaks("writes nothing when"):
        protocol(connectionLost=lambda self, reason: self.sendLine(b"bye"))
    with breaks("provides IProtocol"):
        checkProtocol(object, b"")
