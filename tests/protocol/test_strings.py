"""Strings with their length in front: any splitting gives the same strings; limits, pauses, hooks that take their time."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import Deferred
from plait.protocol import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    NetstringReceiver,
    StatefulProtocol,
    StatefulStringProtocol,
    StringTooLongError,
)
from plait.testing import StringTransport
from tests.protocol.test_lines import connected, pieces

RECEIVERS = [Int8StringReceiver, Int16StringReceiver, Int32StringReceiver, NetstringReceiver]


def keeping(receiver):
    class Keeping(receiver):
        def __init__(self):
            self.got = []

        def stringReceived(self, string):
            self.got.append(string)

    return connected(Keeping())


@pytest.mark.parametrize("receiver", RECEIVERS)
@given(strings=st.lists(st.binary(max_size=60)), cuts=st.lists(st.integers(min_value=0)))
def test_any_splitting_gives_the_strings_that_were_sent(receiver, strings, cuts):
    sender = keeping(receiver)
    for string in strings:
        sender.sendString(string)
    p = keeping(receiver)
    for piece in pieces(sender.transport.value(), cuts):
        p.dataReceived(piece)
    assert p.got == strings and not p.transport.disconnecting


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_one_byte_at_a_time_costs_what_the_bytes_cost(receiver):
    p = keeping(receiver)
    p.sendString(b"x" * 255)
    seen = 0
    for n in p.transport.value():
        p.dataReceived(bytes([n]))
        seen += bool(p._data)  # each time that what came is looked at
    assert p.got == [b"x" * 255] and seen == 0 and not p._buffer
    p.dataReceived(p.transport.value()[:100])
    for _ in range(50):
        p.dataReceived(b"x")
        assert len(p._buffer) > 100 and p._needed > 255  # waits for all of it, and only then cuts


def test_a_string_that_is_too_long_is_not_handed_out():
    p = keeping(Int32StringReceiver)
    p.MAX_LENGTH = 5
    p.dataReceived(b"\0\0\0\1a\0\0\0\x06123456\0\0\0\1b")
    assert p.got == [b"a"] and p.transport.disconnecting and p.recvd == b""


def test_lengthLimitExceeded_may_skip_it():
    p = keeping(Int8StringReceiver)
    p.MAX_LENGTH = 5

    def skip(length):
        p.recvd = p.recvd[1 + length :]

    p.lengthLimitExceeded = skip
    p.dataReceived(b"\x06123456\1b\2c")
    assert p.got == [b"b"] and p.recvd == b"\2c"
    p.dataReceived(b"d")
    assert p.got == [b"b", b"cd"]


@pytest.mark.parametrize("receiver, size", [(Int8StringReceiver, 256), (Int16StringReceiver, 65536)])
def test_a_string_of_ours_that_is_too_long_is_an_error(receiver, size):
    p = keeping(receiver)
    p.sendString(b"x" * (size - 1))
    p.transport.clear()
    with pytest.raises(StringTooLongError, match=f"{size} bytes is too long"):
        p.sendString(b"x" * size)
    assert p.transport.value() == b""


@pytest.mark.parametrize(
    "data, message",
    [
        (b"x", "begins with its length"),
        (b":,", "begins with its length"),
        (b"05:hello,", "begins with its length"),
        (b"-1:,", "begins with its length"),
        (b"1 :a,", "begins with its length"),
        (b"3:abcd", "b'd', not a comma"),
        (b"21:", "longer than 20 bytes"),
        (b"123", "longer than 20 bytes"),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_what_is_no_netstring_is_said_and_closes_the_connection(data, message, whole):
    errors = []

    p = keeping(NetstringReceiver)
    p.MAX_LENGTH = 20
    close = p.netstringInvalid
    p.netstringInvalid = lambda error: (errors.append(str(error)), close(error))
    for piece in [b"1:a," + data] if whole else [bytes([n]) for n in b"1:a," + data]:
        if not p.transport.disconnecting:
            p.dataReceived(piece)
    assert p.got == [b"a"] and p.brokenPeer and p.transport.disconnecting
    assert len(errors) == 1 and message in errors[0]


def test_the_bytes_of_a_netstring():
    p = keeping(NetstringReceiver)
    p.sendString(b"hello world!")
    p.sendString(b"")
    assert p.transport.value() == b"12:hello world!,0:,"


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_pausing_holds_the_strings_that_are_there(receiver):
    p = keeping(receiver)
    for string in (b"a", b"wait", b"b", b"wait", b"c"):
        p.sendString(string)
    data = p.transport.value()

    def waits(string):
        p.got.append(string)
        if string == b"wait":
            p.pauseProducing()

    p.stringReceived = waits
    p.dataReceived(data[:-1])
    assert p.got == [b"a", b"wait"] and p.transport.producerState == "paused"
    p.dataReceived(data[-1:])  # was under way
    assert p.got == [b"a", b"wait"]
    p.resumeProducing()
    assert p.got == [b"a", b"wait", b"b", b"wait"]
    p.resumeProducing()
    assert p.got[-1] == b"c" and p.transport.producerState == "producing"


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_an_async_stringReceived_is_waited_for_before_the_next_string(receiver):
    waits = []

    class Async(receiver):
        got = ()

        async def stringReceived(self, string):
            self.got += (string,)
            d = Deferred()
            waits.append(d)
            await d

    p = connected(Async())
    for string in (b"1", b"2", b"3"):
        p.sendString(string)
    p.dataReceived(p.transport.value())
    assert p.got == (b"1",) and p.transport.producerState == "paused"
    waits[0].callback(None)
    assert p.got == (b"1", b"2")
    p.pauseProducing()  # by somebody, while the hook is under way: its end does not undo it
    waits[1].callback(None)
    assert p.got == (b"1", b"2") and p.transport.producerState == "paused"
    p.resumeProducing()
    assert p.got == (b"1", b"2", b"3")
    p.pauseProducing()
    p.resumeProducing()  # neither does resuming hand out more before it is done
    assert p.transport.producerState == "paused"
    waits[2].callback(None)
    assert p.transport.producerState == "producing"


def test_no_string_is_handed_out_after_loseConnection():
    p = keeping(Int8StringReceiver)

    def quits(string):
        p.got.append(string)
        p.transport.loseConnection()

    p.stringReceived = quits
    p.dataReceived(b"\1a\1b")
    assert p.got == [b"a"] and p.recvd == b""


def test_dataReceived_from_within_a_hook_keeps_the_order():
    p = keeping(Int8StringReceiver)

    def again(string):
        p.got.append(string)
        if string == b"a":
            p.dataReceived(b"\1d\1")

    p.stringReceived = again
    p.dataReceived(b"\1a\1b\1c")
    assert p.got == [b"a", b"b", b"c", b"d"]
    p.dataReceived(b"e")
    assert p.got[-1] == b"e"


class Headed(StatefulProtocol):
    """A byte that says how many words, then words of 2 bytes."""

    def __init__(self):
        self.got = []

    def getInitialState(self):
        return self.head, 1

    def head(self, data):
        return self.words, 2 * data[0]

    def words(self, data):
        self.got.append(struct.unpack(f"!{len(data) // 2}H", data))
        return self.head, 1


@given(cuts=st.lists(st.integers(min_value=0)))
def test_a_stateful_protocol_whatever_the_splitting(cuts):
    p = connected(Headed())
    for piece in pieces(b"\2\0\1\0\2\0\1\xff\xff", cuts):
        p.dataReceived(piece)
    assert p.got == [(1, 2), (), (0xFFFF,)]


def test_strings_whose_meaning_depends_on_the_state():
    class Talk(StatefulStringProtocol, NetstringReceiver):
        name = None

        def proto_init(self, string):
            assert string == b"hello"
            return "name"

        def proto_name(self, string):
            self.name = string
            return "done"

    p = connected(Talk())
    p.dataReceived(b"5:hello,3:Ann,4:more,")
    assert p.name == b"Ann" and p.transport.disconnecting


@pytest.mark.parametrize("receiver", RECEIVERS)
def test_what_must_be_overridden_says_so(receiver):
    p = receiver()
    p.makeConnection(StringTransport())
    p.sendString(b"x")
    with pytest.raises(NotImplementedError, match="must override stringReceived"):
        p.dataReceived(p.transport.value())
