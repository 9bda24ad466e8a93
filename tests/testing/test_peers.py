"""Ready-made ends, transports and observers that older tests use."""

from __future__ import annotations

import pytest

from plait.log import Logger, LogPublisher
from plait.task import Clock
from plait.testing import (
    EventLoggingObserver,
    FakeDatagramTransport,
    LineSendingProtocol,
    NonStreamingProducer,
    RaisingMemoryReactor,
    StringIOWithoutClosing,
    StringTransport,
    SynchronousTestCase,
    waitUntilAllDisconnected,
)
from plait.testing.transports import AccumulatingProtocol


def test_lines_are_sent_at_the_start_or_after_the_first_line() -> None:
    first, second = LineSendingProtocol([b"a", b"b"]), LineSendingProtocol([b"c"], start=False)
    ends = [StringTransport(), StringTransport()]
    first.makeConnection(ends[0])
    second.makeConnection(ends[1])
    assert [end.value() for end in ends] == [b"a\r\nb\r\n", b""]
    second.dataReceived(b"a\r\nb\r\n")
    assert ends[1].value() == b"c\r\n"
    assert second.response == [b"a", b"b"]
    assert not second.lostConn
    second.connectionLost()
    assert second.lostConn


def test_a_producer_that_is_asked() -> None:
    transport = StringTransport()
    producer = NonStreamingProducer(transport)
    done = producer.result
    transport.registerProducer(producer, False)
    with pytest.raises(RuntimeError, match="paused"):
        producer.pauseProducing()
    for n in range(10):
        assert not done.called and transport.value() == b"0123456789"[:n]
        producer.resumeProducing()
    assert done.called
    with pytest.raises(RuntimeError, match="after it was done"):
        producer.resumeProducing()
    assert transport.value() == b"0123456789"
    assert transport.producer is None


def test_a_producer_that_is_stopped() -> None:
    producer = NonStreamingProducer(StringTransport())
    producer.stopProducing()
    producer.stopProducing()
    assert producer.result.called


def test_waiting_for_connections_to_close() -> None:
    clock, protocols = Clock(), [AccumulatingProtocol(), AccumulatingProtocol()]
    for protocol in protocols:
        protocol.makeConnection(StringTransport())
    done = waitUntilAllDisconnected(clock, protocols)
    for protocol in protocols:
        assert not done.called
        protocol.transport.connected = False
        clock.advance(1)
    assert SynchronousTestCase().successResultOf(done) is None
    assert clock.getDelayedCalls() == []


def test_datagrams_are_kept() -> None:
    transport = FakeDatagramTransport()
    transport.write(b"one", ("127.0.0.1", 1))
    transport.write(b"two")
    assert transport.written == [(b"one", ("127.0.0.1", 1)), (b"two", FakeDatagramTransport.noAddr)]


def test_text_can_be_read_after_closing() -> None:
    text = StringIOWithoutClosing()
    text.write("kept")
    text.close()
    assert text.getvalue() == "kept"


def test_a_reactor_that_refuses() -> None:
    reactor = RaisingMemoryReactor(listenException=OSError("listen"), connectException=OSError("connect"))
    for method in (reactor.listenTCP, reactor.listenSSL, reactor.listenUNIX, reactor.adoptStreamPort):
        with pytest.raises(OSError, match="listen"):
            method(1, None)
    for method in (reactor.connectTCP, reactor.connectSSL, reactor.connectUNIX):
        with pytest.raises(OSError, match="connect"):
            method("localhost", 1, None)


def test_events_are_a_sequence_until_the_test_cleans_up() -> None:
    publisher, case = LogPublisher(), SynchronousTestCase()
    observer = EventLoggingObserver.createWithCleanup(case, publisher)
    log = Logger(observer=publisher)
    log.info("one {n}", n=1)
    log.info("two")
    assert len(observer) == 2
    assert observer[0]["n"] == 1
    assert [event["log_format"] for event in observer] == ["one {n}", "two"]
    assert observer[1:] == [observer[1]]
    function, args, kwargs = case._cleanups.pop()
    function(*args, **kwargs)
    log.info("three")
    assert len(observer) == 2
