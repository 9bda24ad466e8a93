"""What older programs import from twisted.protocols: loopback, pcp, htb, SOCKS 4, and the small services."""

import struct

import pytest

from plait import LineReceiver, Protocol, reactor
from plait.as_twisted.legacy import htb, loopback, pcp, postfix, shoutcast, socks, wire
from plait.as_twisted.legacy.finger import Finger
from plait.interfaces import IConsumer, IProtocol, adapt
from plait.testing import StringTransport
from tests.transport.helpers import Client


class Talk(LineReceiver):
    def __init__(self, first=None):
        self.first = first
        self.got = []
        self.lost = 0

    def connectionMade(self):
        if self.first:
            self.sendLine(self.first)

    def lineReceived(self, line):
        self.got.append(line)
        if line == b"end":
            self.transport.loseConnection()
        else:
            self.sendLine(b"end")

    def connectionLost(self, reason):
        self.lost += 1


@pytest.mark.parametrize("join", [loopback.loopbackAsync, loopback.loopbackTCP])
async def test_two_protocols_joined(join):
    server, client = Talk(), Talk(b"hello")
    await join(server, client)
    assert (server.got, client.got, server.lost, client.lost) == ([b"hello"], [b"end"], 1, 1)


async def test_a_policy_sees_what_was_written():
    seen = []

    def policy(queue, target):
        seen.append(type(target).__name__)
        loopback.collapsingPumpPolicy(queue, target)

    await loopback.loopbackAsync(Talk(), Talk(b"a\r\nb"), policy)
    assert len(seen) >= 2


async def test_a_SOCKS_4_proxy():
    class Refusing(socks.SOCKSv4):
        def authorize(self, code, server, port, user):
            return user == b"me"

    from tests.transport.helpers import Server

    class Factory(socks.SOCKSv4Factory):
        noisy = False

        def buildProtocol(self, addr):
            return Refusing(reactor=reactor)

    class Asking(Protocol):
        def __init__(self, user, port):
            self.ask = struct.pack("!BBH4s", 4, 1, port, b"\x7f\0\0\1") + user + b"\0"
            self.data = b""

        def connectionMade(self):
            self.transport.write(self.ask + b"hello")

        def dataReceived(self, data):
            self.data += data
            if data.endswith(b"bye"):
                self.transport.loseConnection()

    async with Server() as server:
        port = reactor.listenTCP(0, Factory(None), interface="127.0.0.1")
        for user in (b"me", b"you"):
            client = Client(lambda user=user: Asking(user, server.address.port))
            reactor.connectTCP("127.0.0.1", port.getHost().port, client)
            if user == b"me":
                there = await server.accepted()
                there.transport.write(b"bye")
                await client.gone
                assert (await client.connected).data[:2] == b"\0\x5a"
                await there.lost
            else:
                await client.gone
                assert (await client.connected).data[:2] == b"\0\x5b"
        await port.stopListening()


def test_adapters_are_there():
    got = []
    p = Protocol()
    p.dataReceived = got.append
    from plait.as_twisted.legacy import adapters  # noqa: F401  it registers them

    adapt(IConsumer, p).write(b"x")
    assert got == [b"x"] and adapt(IProtocol, p) is p


class Consumer:
    producer = None

    def __init__(self):
        self.got = []

    def registerProducer(self, producer, streaming):
        self.producer = producer

    def unregisterProducer(self):
        self.producer = None

    def write(self, data):
        self.got.append(data)

    def finish(self):
        self.got.append("finish")


def test_a_proxy_between_producer_and_consumer_holds_and_pauses():
    class Producer:
        paused = False

        def pauseProducing(self):
            self.paused = True

        def resumeProducing(self):
            self.paused = False

    consumer, producer = Consumer(), Producer()
    proxy = pcp.ProducerConsumerProxy(consumer)
    proxy.bufferSize = 10
    proxy.registerProducer(producer, True)
    proxy.write(b"a")
    proxy.pauseProducing()
    proxy.write(b"b" * 10)
    assert not producer.paused
    proxy.write(b"c")
    assert producer.paused and consumer.got == [b"a"]
    proxy.resumeProducing()
    assert not producer.paused and consumer.got[1:] == [b"b" * 10 + b"c"]
    proxy.unregisterProducer()
    assert consumer.producer is None


def test_buckets(monkeypatch):
    now = 0.0
    monkeypatch.setattr(htb, "time", lambda: now)

    class Small(htb.Bucket):
        maxburst, rate = 100, 10

    top = Small()
    one, two = Small(top), Small(top)
    assert one.add(70) == 70 and two.add(70) == 30
    now = 2.0
    assert two.add(70) == 20 and not top.drip()
    now = 100.0
    assert one.drip() and top.drip()

    class ByName(htb.HierarchicalBucketFilter):
        bucketFactory = Small

        def getBucketKey(self, name):
            return name

    names = ByName()
    assert names.getBucketFor("a") is names.getBucketFor("a") is not names.getBucketFor("b")
    names.sweep()
    assert names.buckets == {}


@pytest.mark.parametrize(
    "service, answer",
    [(wire.QOTD, b"doctor"), (wire.Who, b"root"), (wire.Daytime, b":"), (wire.Time, b"")],
)
def test_services_that_speak_and_close(service, answer):
    p = service()
    p.makeConnection(StringTransport())
    assert answer in p.transport.value() and p.transport.value() and p.transport.disconnecting


def test_echo_discard_and_chargen():
    for service, answer in ((wire.Echo, b"x"), (wire.Discard, b"")):
        p = service()
        p.makeConnection(StringTransport())
        p.dataReceived(b"x")
        assert p.transport.value() == answer
    p = wire.Chargen()
    p.makeConnection(StringTransport())
    assert p.transport.producer is p and not p.transport.streaming
    p.resumeProducing()
    assert p.transport.value()


@pytest.mark.parametrize(
    "line, answer",
    [
        (b"ann", b"No such user"),
        (b"/W ann", b"Login: ann\n"),
        (b"ann@elsewhere", b"forwarding service denied"),
        (b"", b"list denied"),
        (b"/W", b"list denied"),
    ],
)
def test_finger(line, answer):
    p = Finger()
    p.makeConnection(StringTransport())
    p.dataReceived(line + b"\r\n")
    assert answer in p.transport.value() and p.transport.disconnecting


@pytest.mark.parametrize(
    "factory", [postfix.PostfixTCPMapDictServerFactory, postfix.PostfixTCPMapDeferringDictServerFactory]
)
def test_postfix_tables(factory):
    tables = factory({b"a b": b"c%d"})
    p = postfix.PostfixTCPMapServer()
    p.factory = tables
    p.makeConnection(StringTransport())
    for question in (b"get a%20b", b"get x", b"get", b"nonsense"):
        p.dataReceived(question + b"\n")
    answers = p.transport.value().splitlines()
    assert answers[:2] == [b"200 c%25d", b"500 "]
    assert [answer[:3] for answer in answers[2:]] == [b"400", b"400"]
    p.connectionLost()


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_music_and_its_titles(size):
    music, titles = b"", []

    class Radio(shoutcast.ShoutcastClient):
        def gotMP3Data(self, data):
            nonlocal music
            music += data

        def gotMetaData(self, metadata):
            titles.extend(metadata)

    p = Radio("/stream")
    p.makeConnection(StringTransport())
    assert p.transport.value().startswith(b"GET /stream HTTP/1.0\r\n")
    title = b"StreamTitle='It';".ljust(32, b"\0")
    data = b"ICY 200 OK\r\nicy-metaint:5\r\n\r\n" + b"12345\2" + title + b"67890\0abcde\0f"
    for start in range(0, len(data), size):
        p.dataReceived(data[start : start + size])
    assert music == b"1234567890abcdef" and titles == [("StreamTitle", "It")]
