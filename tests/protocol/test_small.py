"""The small protocols: ident, memcache, files."""

import io
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import TimeoutError
from plait.errors import ConnectionDone
from plait.protocol import FileSender, FileWrapper, ProtocolToConsumerAdapter
from plait.protocol.ident import HiddenUser, IdentClient, IdentError, IdentServer, InvalidPort, NoUser, ProcServerMixin
from plait.protocol.memcache import ClientError, MemCacheProtocol, NoSuchCommand, ServerError
from plait.task import Clock
from plait.testing import StringTransport, StringTransportWithDisconnection, connectedServerAndClient
from tests.protocol.test_lines import connected, pieces


def result_of(d):
    """What a Deferred has fired with, an error as itself."""
    results = []
    d.addBoth(results.append)
    assert results, "it has not fired"
    return getattr(results[0], "value", results[0])


# -- ident


class Answering(IdentServer):
    def lookup(self, serverAddress, clientAddress):
        if serverAddress[1] == 1:
            raise HiddenUser
        if serverAddress[1] == 2:
            raise NoUser
        return "UNIX", f"user{serverAddress[1]}"


def test_both_sides_of_ident_agree():
    client, _, pump = connectedServerAndClient(Answering, IdentClient)
    asked = [client.lookup(port, 5) for port in (6, 1, 2, 70000, 7)]
    pump.flush()
    answers = [result_of(d) for d in asked]
    assert answers[0] == ("UNIX", "user6") and answers[4] == ("UNIX", "user7")
    assert [type(answer) for answer in answers[1:4]] == [HiddenUser, NoUser, InvalidPort]


def test_an_ident_server_closes_what_is_no_question():
    p = connected(Answering())
    p.dataReceived(b"GET / HTTP/1.1\r\n")
    assert p.transport.disconnecting and p.transport.value() == b""


def test_an_ident_client_says_what_is_no_answer_and_what_is_lost():
    client = connected(IdentClient())
    first, second = client.lookup(1, 2), client.lookup(3, 4)
    client.dataReceived(b"hello\r\n")
    assert "no answer" in str(result_of(first))
    client.connectionLost(ConnectionDone())
    assert isinstance(result_of(second), IdentError)


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net/tcp here")
def test_the_user_of_a_real_connection():
    class Real(ProcServerMixin, IdentServer):
        pass

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        # the table has each end; to the ident server, its own end is the one that was opened from here
        system, user = Real().lookup(client.getsockname(), server.getsockname())
        assert system == "LINUX" and user == Real().getUsername(os.getuid())
        with pytest.raises(NoUser):
            Real().lookup(("127.0.0.1", 1), server.getsockname())


# -- memcache


def memcache():
    clock = Clock()
    p = MemCacheProtocol()
    p.callLater = clock.callLater
    transport = StringTransportWithDisconnection()
    transport.protocol = p
    p.makeConnection(transport)
    return p, transport, clock


TALK = (
    b"STORED\r\nVALUE a 7 5 99\r\nx\r\nyz\r\nVALUE b 0 0 1\r\n\r\nEND\r\nEND\r\nNOT_FOUND\r\n12\r\n"
    b"STAT pid 1\r\nSTAT version 1.6 x\r\nEND\r\nEXISTS\r\nVERSION 1.6\r\nOK\r\n"
    b"ERROR\r\nCLIENT_ERROR bad\r\nSERVER_ERROR full\r\n"
)


@given(cuts=st.lists(st.integers(min_value=0)))
def test_answers_come_in_order_whatever_the_splitting(cuts):
    p, _, clock = memcache()
    asked = [
        p.set(b"a", b"x\r\nyz", 7),
        p.getMultiple([b"a", b"b", b"c"], True),
        p.get(b"c"),
        p.delete(b"c"),
        p.increment(b"n", 2),
        p.stats(),
        p.checkAndSet(b"a", b"1", b"98"),
        p.version(),
        p.flushAll(),
        p.append(b"a", b"!"),
        p.add(b"a", b"!"),
        p.replace(b"a", b"!"),
    ]
    for piece in pieces(TALK, cuts):
        p.dataReceived(piece)
    answers = [result_of(d) for d in asked]
    assert answers[:9] == [
        True,
        {b"a": (7, b"99", b"x\r\nyz"), b"b": (0, b"1", b""), b"c": (0, b"", None)},
        (0, None),
        False,
        12,
        {b"pid": b"1", b"version": b"1.6 x"},
        False,
        b"1.6",
        True,
    ]
    assert [type(answer) for answer in answers[9:]] == [NoSuchCommand, ClientError, ServerError]
    assert clock.getDelayedCalls() == []


def test_what_is_sent_to_memcached():
    p, transport, _ = memcache()
    p.set(b"k", b"v", 3, 60)
    p.checkAndSet(b"k", b"v", b"12")
    p.get(b"k", True)
    p.decrement(b"k")
    assert transport.value() == b"set k 3 60 1\r\nv\r\ncas k 0 0 1 12\r\nv\r\ngets k\r\ndecr k 1\r\n"


@pytest.mark.parametrize("key", [b"", b"a b", b"a\r\nflush_all", b"\0", b"x" * 251, "text", None])
def test_a_key_that_cannot_be_sent_is_refused(key):
    p, transport, _ = memcache()
    for d in (p.get(key), p.set(key, b""), p.delete(key), p.increment(key), p.getMultiple([b"good", key])):
        assert isinstance(result_of(d), ClientError)
    assert isinstance(result_of(p.set(b"k", "text")), ClientError)
    assert isinstance(result_of(p.checkAndSet(b"k", b"", b"1 noreply")), ClientError)
    assert transport.value() == b""


def test_a_server_that_does_not_answer_is_left():
    p, transport, clock = memcache()
    d = p.get(b"a")
    clock.advance(60)
    assert isinstance(result_of(d), TimeoutError) and not transport.connected
    assert isinstance(result_of(p.get(b"a")), RuntimeError)


@pytest.mark.parametrize(
    "answer",
    [b"VALUE b 0 1\r\n", b"VALUE a 0\r\n", b"VALUE a 0 -1\r\n", b"VALUE a 0 999999999999\r\n", b"STORY\r\n", b"5\r\n"],
)
def test_nonsense_from_a_memcached_is_an_error(answer):
    p, _, _ = memcache()
    d = p.get(b"a")
    with pytest.raises(RuntimeError, match="memcached"):
        p.dataReceived(answer)
    p.transport.loseConnection()
    assert isinstance(result_of(d), ConnectionDone)


# -- files


def test_a_file_is_sent_piece_by_piece():
    consumer, sender = StringTransport(), FileSender()
    sender.CHUNK_SIZE = 4
    d = sender.beginFileTransfer(io.BytesIO(b"hello world"), consumer, bytes.upper)
    sizes = []
    while consumer.producer is not None:
        sender.resumeProducing()
        sizes.append(len(consumer.value()))
    assert consumer.value() == b"HELLO WORLD" and sizes == [4, 8, 11, 11]
    assert result_of(d) == b"D"


def test_a_file_that_cannot_be_read_fails_and_lets_the_consumer_go():
    class Broken:
        def read(self, size):
            raise OSError("disk")

    consumer, sender = StringTransport(), FileSender()
    d = sender.beginFileTransfer(Broken(), consumer)
    sender.resumeProducing()
    assert isinstance(result_of(d), OSError) and consumer.producer is None


def test_a_consumer_that_stops_fails_it_once():
    consumer, sender = StringTransport(), FileSender()
    d = sender.beginFileTransfer(io.BytesIO(b"x"), consumer)
    sender.stopProducing()
    sender.stopProducing()
    assert "stop producing" in str(result_of(d))


def test_a_file_in_the_place_of_a_transport():
    file = io.BytesIO()
    transport = FileWrapper(file)
    transport.write(b"a")
    transport.writeSequence([b"b", b"c"])
    assert file.getvalue() == b"abc"
    transport.write("text")  # is in the log
    assert file.getvalue() == b"abc" and not transport.closed
    transport.loseConnection()
    assert transport.closed and transport.disconnecting and file.closed


def test_a_protocol_in_the_place_of_a_consumer():
    got = []

    class P:
        dataReceived = staticmethod(got.append)

    ProtocolToConsumerAdapter(P()).write(b"x")
    assert got == [b"x"]
