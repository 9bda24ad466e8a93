"""TLS as a protocol in front of a protocol: over transports in memory, and over sockets."""

from __future__ import annotations

import gc
import warnings
import weakref
from typing import Any

import pytest
from OpenSSL import SSL

from plait import Factory, reactor
from plait.as_twisted.legacy.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from plait.as_twisted.legacy.tlscertificates import PrivateCertificate
from plait.as_twisted.legacy.tlsclients import VerificationError, optionsForClientTLS
from plait.as_twisted.legacy.tlscontexts import ClientContextFactory
from plait.as_twisted.legacy.tlsfactories import LegacyContextFactoryWarning
from plait.as_twisted.legacy.tlsproducers import PullToPush
from plait.endpoints import TCP4ClientEndpoint
from plait.errors import ConnectionAborted, ConnectionDone, ConnectionLost, SSLError
from plait.failure import Failure
from plait.interfaces import INegotiated, IProtocolNegotiationFactory, implementer
from plait.task import Clock, TaskStopped
from plait.testing import StringTransport
from tests.as_twisted.legacy.tls_helpers import Authority, Ends, Noting


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("a root")


@pytest.fixture(scope="module")
def host(authority: Authority) -> PrivateCertificate:
    return authority.host("localhost")


@pytest.fixture
def asked(authority: Authority) -> Any:
    return optionsForClientTLS("localhost", authority.certificate)


class Greeting(Noting):
    greeting = b"hello"


class Pushing:
    """A push producer that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


class Pulled:
    """A pull producer of some pieces."""

    def __init__(self, consumer: Any, pieces: int) -> None:
        self.consumer, self.left, self.told = consumer, pieces, ""

    def resumeProducing(self) -> None:
        self.consumer.write(b"%d" % self.left)
        self.left -= 1
        if not self.left:
            self.consumer.unregisterProducer()

    def stopProducing(self) -> None:
        self.told = "stop"


def test_both_ways(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked, Greeting)
    assert INegotiated.providedBy(ends.near.transport)
    assert ends.client.getPeerCertificate() is None
    ends.pump()
    assert (ends.near.data, ends.far.data) == (b"hello", b"hello")
    assert ends.near.secured.called and ends.far.secured.called
    assert ends.client.getPeerCertificate().to_cryptography() == host.original.to_cryptography()
    ends.near.transport.writeSequence([b", ", bytearray(b"world")])
    ends.near.transport.write(b"!")
    ends.pump()
    assert ends.far.data == b"hello, world!"
    with pytest.raises(TypeError, match="encode text first"):
        ends.near.transport.write("text")
    ends.near.transport.loseConnection()
    ends.near.transport.write(b"too late")
    ends.pump()
    assert ends.near.reason.check(ConnectionDone) and ends.far.reason.check(ConnectionDone)
    assert ends.far.data == b"hello, world!"
    assert ends.client.getHandle() is None and ends.client.getPeerCertificate() is None
    assert ends.client.negotiatedProtocol is None


def test_what_is_written_in_one_turn_is_one_record(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.pump()
    for _ in range(10):
        ends.client.write(b"x")
    assert ends.client_wire.value() == b""
    ends.clock.advance(0)
    assert len(ends.client_wire.value()) < 60
    ends.client.write(b"y" * 70_000)  # more than is collected goes at once
    assert len(ends.client_wire.value()) > 70_000
    ends.pump()
    assert ends.far.data == b"x" * 10 + b"y" * 70_000


def test_who_is_not_believed(host: PrivateCertificate) -> None:
    ends = Ends(host.options(), optionsForClientTLS("localhost", Authority("another").certificate), Greeting)
    ends.pump()
    assert ends.near.reason.check(SSL.Error) and "certificate verify failed" in str(ends.near.reason.value)
    assert ends.far.data == b"" and not ends.near.secured.called


def test_another_name_is_refused_without_a_word(host: PrivateCertificate, authority: Authority) -> None:
    ends = Ends(host.options(), optionsForClientTLS("other.example", authority.certificate), Greeting)
    ends.pump()
    assert ends.near.reason.check(VerificationError)
    assert ends.far.reason.check(ConnectionLost) and ends.far.data == b""


def test_an_end_without_a_word(host: PrivateCertificate, asked: Any) -> None:
    for pumped in (False, True):
        ends = Ends(host.options(), asked)
        if pumped:
            ends.pump()
        ends.client_wire.loseConnection()
        assert ends.near.reason.check(ConnectionLost)


def test_what_is_no_tls(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.server.dataReceived(b"GET / HTTP/1.1\r\n\r\n")
    ends.pump()
    assert ends.far.reason.check(SSL.Error)
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.server.dataReceived(b"\x17\x03\x03\x00\x20" + b"?" * 32)
    ends.pump()
    assert ends.far.reason.check(SSL.Error) and ends.near.reason.check(SSL.Error)


def test_a_handshake_that_takes_too_long(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.clock.advance(61)
    assert ends.near.reason.check(SSLError) and "handshake took longer" in str(ends.near.reason.value)
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.client.write(b"much, for one who reads slowly")
    ends.client.loseConnection()
    ends.clock.advance(3600)
    assert ends.near.reason is None
    ends.pump()
    assert ends.far.data == b"much, for one who reads slowly" and ends.near.reason.check(ConnectionDone)


def test_an_answer_to_the_last_words_is_sent(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.far.dataReceived = lambda data: ends.server.write(b"answer to " + data)
    ends.client.write(b"question")
    ends.client.loseConnection()  # the two come in one piece
    ends.pump()
    assert ends.near.data == b"answer to question" and ends.far.reason.check(ConnectionDone)


def test_a_producer_does_not_keep_a_connection_that_is_over(host: PrivateCertificate, asked: Any) -> None:
    for end in ("garbage", "the peer's word"):
        ends = Ends(host.options(), asked)
        ends.pump()
        producer = Pushing()
        ends.server.registerProducer(producer, True)
        if end == "garbage":
            ends.server.dataReceived(b"?" * 100)
        else:
            ends.client.loseConnection()
        ends.pump()
        assert ends.far.reason is not None and ends.near.reason is not None
        assert producer.told == ["stop"] and ends.server_wire.producer is None


def test_the_handshake_goes_on_while_a_reader_pauses(host: PrivateCertificate, asked: Any) -> None:
    class Pausing(Greeting):
        def connectionMade(self) -> None:
            super().connectionMade()
            self.transport.pauseProducing()

    ends = Ends(host.options(), asked, Pausing)
    ends.pump()
    assert ends.near.secured.called and ends.far.secured.called and ends.far.data == b""
    assert ends.server_wire.producerState == "paused"
    ends.server.resumeProducing()
    ends.pump()
    assert ends.far.data == b"hello" and ends.near.data == b""


def test_closing_before_the_handshake_is_done(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.client.loseConnection()
    ends.client.loseConnection()
    assert ends.near.reason.check(ConnectionDone)
    ends = Ends(host.options(), asked)
    ends.client.write(b"the last word")
    ends.client.loseWriteConnection()
    ends.pump()
    assert ends.far.data == b"the last word" and ends.near.reason.check(ConnectionDone)


def test_aborting(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.client.write(b"never sent")
    ends.client.abortConnection()
    assert ends.client_wire.aborting and ends.near.reason is not None
    ends.pump()
    assert ends.far.data == b"" and ends.far.reason.check(ConnectionLost)
    assert not ends.clock.getDelayedCalls()


def test_what_still_comes_after_our_end_is_delivered(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.server.write(b"z" * 100_000)
    ends.client.loseConnection()
    ends.pump()
    assert ends.near.data == b"z" * 100_000 and ends.near.reason.check(ConnectionDone)


def test_a_reader_that_pauses_gets_nothing_more(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.far.dataReceived = lambda data: (got.append(data), ends.server.pauseProducing())
    got: list[bytes] = []
    ends.client.write(b"a" * 40_000)
    ends.pump()
    assert len(got) == 1 and ends.server_wire.producerState == "paused"
    before = len(got[0])
    ends.server.resumeProducing()
    assert len(got) == 1 and ends.server_wire.producerState == "producing"
    ends.pump()
    assert len(got) == 2 and before < 40_000
    ends.server.resumeProducing()
    ends.pump()
    assert b"".join(got) == b"a" * 40_000


def test_a_push_producer_waits_for_the_handshake(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    producer = Pushing()
    ends.client.registerProducer(producer, True)
    with pytest.raises(RuntimeError, match="never unregistered"):
        ends.client.registerProducer(Pushing(), True)
    assert producer.told == []
    ends.client.write(b"early")
    ends.clock.advance(0)
    assert producer.told == ["pause"]
    ends.pump()
    assert producer.told == ["pause", "resume"] and ends.far.data == b"early"
    ends.client_wire.producer.pauseProducing()
    ends.client_wire.producer.pauseProducing()
    ends.client_wire.producer.resumeProducing()
    assert producer.told == ["pause", "resume", "pause", "resume"]
    ends.client.loseConnection()
    ends.client.write(b", and the rest")
    ends.pump()
    assert ends.far.data == b"early, and the rest" and ends.near.reason is None
    ends.client.unregisterProducer()
    ends.client.unregisterProducer()
    ends.client.write(b"too late")
    ends.pump()
    assert ends.near.reason.check(ConnectionDone) and ends.far.data == b"early, and the rest"
    late = Pushing()
    ends.client.registerProducer(late, True)
    assert late.told == ["stop"]


def test_a_producer_is_told_when_it_comes_late_for_the_handshake(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.client.write(b"early")
    ends.clock.advance(0)
    producer = Pushing()
    ends.client.registerProducer(producer, True)
    assert producer.told == ["pause"]
    ends.client_wire.producer.stopProducing()
    assert producer.told == ["pause", "stop"]


async def test_a_pull_producer_is_asked_until_it_is_done() -> None:
    consumer = StringTransport()
    pulled = Pulled(consumer, 5)
    push = PullToPush(pulled, consumer)
    consumer.registerProducer(push, True)
    unregister = consumer.unregisterProducer
    consumer.unregisterProducer = lambda: (unregister(), push.stopStreaming())  # type: ignore[method-assign]
    push.startStreaming()
    push.pauseProducing()
    push.resumeProducing()
    with pytest.raises(TaskStopped):
        await push._coopTask.whenDone()
    assert consumer.value() == b"54321" and consumer.producer is None
    push.stopProducing()
    assert pulled.told == "stop"


async def test_over_sockets_with_a_pull_producer(host: PrivateCertificate, asked: Any) -> None:
    class Server(Noting):
        def handshakeCompleted(self) -> None:
            self.transport.registerProducer(Pulled(self.transport, 9), False)
            self.transport.loseConnection()

    factory = Factory.forProtocol(Server)
    factory.noisy = False
    port = reactor.listenTCP(0, TLSMemoryBIOFactory(host.options(), False, factory), interface="127.0.0.1")
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    wrapper = await endpoint.connect(TLSMemoryBIOFactory(asked, True, Factory.forProtocol(Noting)))
    client = wrapper.wrappedProtocol
    assert isinstance(await client.lost, ConnectionDone)
    assert client.data == b"987654321"
    await port.stopListening()


async def test_over_sockets_with_much_data(host: PrivateCertificate, asked: Any) -> None:
    class Server(Noting):
        def dataReceived(self, data: bytes) -> None:
            self.transport.write(data)

    factory = Factory.forProtocol(Server)
    factory.noisy = False
    port = reactor.listenTCP(0, TLSMemoryBIOFactory(host.options(), False, factory), interface="127.0.0.1")
    endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
    wrapper = await endpoint.connect(TLSMemoryBIOFactory(asked, True, Factory.forProtocol(Noting)))
    client, data = wrapper.wrappedProtocol, bytes(range(256)) * 8000
    client.transport.write(data)
    assert await client.enough(len(data)) == data
    client.transport.abortConnection()
    assert isinstance(await client.lost, ConnectionAborted)
    await port.stopListening()


@pytest.mark.parametrize(("names", "agreed"), [([b"h2", b"http/1.1"], b"h2"), ([], None)])
def test_factories_agree_by_alpn(
    host: PrivateCertificate, asked: Any, names: list[bytes], agreed: bytes | None
) -> None:
    @implementer(IProtocolNegotiationFactory)
    class Speaking(Factory):
        protocol = Noting

        def acceptableProtocols(self) -> list[bytes]:
            return names

    clock = Clock()
    server_options = host.options()
    for _ in range(2):  # a context that has made a connection cannot be changed any more
        client, server = (
            TLSMemoryBIOFactory(options, is_client, Speaking(), clock).buildProtocol(None)
            for options, is_client in ((asked, True), (server_options, False))
        )
        wires = StringTransport(), StringTransport()
        client.makeConnection(wires[0])
        server.makeConnection(wires[1])
        for _ in range(4):
            for wire, other in zip(wires, (server, client), strict=True):
                data = wire.value()
                wire.clear()
                other.dataReceived(data)
        assert client.negotiatedProtocol == server.negotiatedProtocol == agreed


def test_context_factories_that_do_not_say_what_they_are(host: PrivateCertificate) -> None:
    class Old:
        def getContext(self) -> SSL.Context:
            return SSL.Context(SSL.TLS_METHOD)

    class Odd:
        def getContext(self) -> str:
            return "odd"

    with pytest.warns(LegacyContextFactoryWarning, match="IOpenSSLClientConnectionCreator") as caught:
        TLSMemoryBIOFactory(Old(), True, Factory())
    assert caught[0].filename == __file__
    for wrong, words in ((Odd(), "doesn't return a `Context`"), (object(), "does not even have")):
        with pytest.raises(TypeError, match=words), pytest.warns(LegacyContextFactoryWarning):
            TLSMemoryBIOFactory(wrong, False, Factory())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TLSMemoryBIOFactory(ClientContextFactory(), True, Factory())


def test_nothing_is_held_when_the_connection_is_over(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked, Greeting)
    ends.pump()
    ends.near.transport.loseConnection()
    ends.pump()
    wrapper = weakref.ref(ends.client)
    assert isinstance(wrapper(), TLSMemoryBIOProtocol)
    del ends
    gc.collect()
    assert wrapper() is None


def test_the_name_in_the_log() -> None:
    factory = TLSMemoryBIOFactory(ClientContextFactory(), True, Factory())
    assert factory.logPrefix() == "Factory (TLS)"
    assert TLSMemoryBIOFactory(ClientContextFactory(), True, object()).logPrefix() == "object (TLS)"


def test_a_connection_that_was_lost_with_a_reason_keeps_it(host: PrivateCertificate, asked: Any) -> None:
    ends = Ends(host.options(), asked)
    ends.pump()
    ends.client.connectionLost(Failure(ConnectionLost("the cable")))
    assert ends.near.reason.check(ConnectionLost) and ends.near.reason.value.args == ("the cable",)
