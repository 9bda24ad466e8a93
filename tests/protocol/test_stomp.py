"""STOMP: frames, and the client against a broker of bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import Deferred, TimeoutError
from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.protocol.stomp import StompClient, StompDecoder, StompError, StompFrame, StompProtocolError, encodeFrame
from plait.task import Clock
from tests.protocol.test_lines import connected, pieces


def frames_of(data, version="1.2", **limits):
    decoder = StompDecoder(**limits)
    decoder.version = version
    decoder.feed(data)
    return list(iter(decoder.nextFrame, None))


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=10)
FRAMES = st.builds(
    StompFrame,
    st.sampled_from(["SEND", "MESSAGE", "ERROR"]),
    st.dictionaries(TEXT.filter(lambda name: name and name != "content-length"), TEXT, max_size=4),
    st.binary(max_size=30),
)


def with_length(frame):
    return {**frame.headers, "content-length": str(len(frame.body))} if frame.body else frame.headers


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(min_value=0)), st.sampled_from([b"", b"\n", b"\r\n\n"]))
def test_frames_come_back_however_they_are_split(frames, cuts, eols):
    data = eols + eols.join(encodeFrame(frame) + eols for frame in frames)
    decoder = StompDecoder()
    got = []
    for piece in pieces(data, cuts):
        decoder.feed(piece)
        got += iter(decoder.nextFrame, None)
    assert got == [StompFrame(frame.command, with_length(frame), frame.body) for frame in frames]


@pytest.mark.parametrize(
    "version,data,headers",
    [
        ("1.2", rb"a\cb:\r\n\\", {"a:b": "\r\n\\"}),
        ("1.1", rb"a\cb:\n\\", {"a:b": "\n\\"}),
        ("1.0", rb"a:b:\c", {"a": "b:\\c"}),
    ],
)
def test_headers_are_escaped_as_the_version_says(version, data, headers):
    data = b"SEND\n" + data + b"\n\n\0"
    assert frames_of(data, version) == [StompFrame("SEND", headers)]
    assert encodeFrame(StompFrame("SEND", headers), version) == data


def test_the_handshake_is_not_escaped():
    assert encodeFrame(StompFrame("CONNECT", {"login": "a:b\\"})) == b"CONNECT\nlogin:a:b\\\n\n\0"
    assert frames_of(b"CONNECTED\r\nserver:a\\b:c\r\n\r\n\0") == [StompFrame("CONNECTED", {"server": "a\\b:c"})]


def test_of_a_repeated_header_the_first_counts():
    assert frames_of(b"SEND\na:1\na:2\n\n\0")[0].headers == {"a": "1"}


@pytest.mark.parametrize(
    "version,headers",
    [("1.0", {"a": "\n"}), ("1.0", {"a:b": ""}), ("1.1", {"a": "\r"}), ("1.2", {"a": "\0"}), ("1.2", {"": "a"})]
    + [("1.2", {"content-length": "3"})],
)
def test_what_cannot_be_sent(version, headers):
    with pytest.raises(ValueError, match=r"SEND|content-length"):
        encodeFrame(StompFrame("SEND", headers, b"ab"), version)


@pytest.mark.parametrize(
    "data,message",
    [
        (b"send\n\n\0", "no command"),
        (b"SEND\nno colon\n\n\0", "no header"),
        (b"SEND\na:\\t\n\n\0", "no escape"),
        (b"SEND\na:\\\n\n\0", "no escape"),
        (b"SEND\na:\xff\n\n\0", "UTF-8"),
        (b"SEND\ncontent-length:-1\n\n\0", "no length"),
        (b"SEND\ncontent-length:2\n\nabc\0", "no NUL"),
        (b"SEND\ncontent-length:11\n\n", "more than 10 bytes"),
        (b"SEND\n\n" + b"a" * 11, "more than 10 bytes"),
        (b"SEND\n\n" + b"a" * 11 + b"\0", "more than 10 bytes"),
        (b"SEND\na:1\nb:2\nc:3\n\n\0", "more than 2 headers"),
        (b"A" * 31, "more than 30 bytes"),
    ],
)
def test_what_is_refused(data, message):
    with pytest.raises(StompProtocolError, match=message):
        frames_of(data, maxHeaders=2, maxLine=30, maxBody=10)


# -- the client


def session(connected_headers=b"version:1.2\n", **options):
    client = StompClient(**options)
    client.clock = Clock()
    connected(client)
    client.dataReceived(b"CONNECTED\n" + connected_headers + b"\n\0")
    client.transport.clear()
    return client


def outcome(d):
    """A list that will have the result of a Deferred, an error as itself."""
    results = []
    d.addBoth(lambda result: results.append(getattr(result, "value", result)))
    return results


def sent(client):
    data = client.transport.value()
    client.transport.clear()
    return frames_of(data, client.version)


def message(body, subscription="1"):
    return encodeFrame(StompFrame("MESSAGE", {"subscription": subscription, "message-id": "m", "ack": "a"}, body))


def receipt(number):
    return b"RECEIPT\nreceipt-id:%d\n\n\0" % number


def test_it_asks_for_a_session():
    client = connected(StompClient("me", "secret", "there", (1, 2.5), {"x": "y"}))
    waits = outcome(client.whenConnected())
    hello = {"accept-version": "1.0,1.1,1.2", "host": "there", "heart-beat": "1000,2500"}
    assert frames_of(client.transport.value()) == [
        StompFrame("CONNECT", {**hello, "login": "me", "passcode": "secret", "x": "y"})
    ]
    assert isinstance(outcome(client.send("/a", b""))[0], StompError)
    client.dataReceived(b"CONNECTED\nversion:1.1\n\n\0")
    assert waits == [client] == outcome(client.whenConnected())
    assert client.version == "1.1"


def test_all_that_can_be_asked():
    client = session()
    assert outcome(client.send("/a", "é", {"x": ":"}, transaction="t")) == [None]
    client.begin("t"), client.commit("t"), client.abort("t")
    [of_subscription] = [outcome(client.subscribe("/a", print, "client"))]
    client.ack(StompFrame("MESSAGE", {"ack": "7"}), transaction="t")
    client.nack(StompFrame("MESSAGE", {"ack": "7"}))
    client.dataReceived(receipt(2))
    assert of_subscription == ["1"]
    client.unsubscribe("1")
    assert sent(client) == [
        StompFrame("SEND", {"destination": "/a", "transaction": "t", "x": ":", "content-length": "2"}, "é".encode()),
        *(StompFrame(command, {"transaction": "t"}) for command in ("BEGIN", "COMMIT", "ABORT")),
        StompFrame("SUBSCRIBE", {"id": "1", "destination": "/a", "ack": "client", "receipt": "2"}),
        StompFrame("ACK", {"id": "7", "transaction": "t"}),
        StompFrame("NACK", {"id": "7"}),
        StompFrame("UNSUBSCRIBE", {"id": "1", "destination": "/a"}),
    ]


def test_acknowledgements_of_older_versions():
    of = StompFrame("MESSAGE", {"message-id": "7", "subscription": "1"})
    client = session(b"version:1.1\n")
    client.nack(of)
    assert sent(client) == [StompFrame("NACK", of.headers)]
    client = session(b"")
    assert client.version == "1.0"
    assert "1.0" in str(outcome(client.nack(of))[0])


def test_disconnecting_waits_for_the_receipt():
    client = session()
    done = outcome(client.disconnect())
    assert sent(client) == [StompFrame("DISCONNECT", {"receipt": "1"})]
    assert not done and not client.transport.disconnecting
    client.dataReceived(receipt(1))
    assert done == [None] and client.transport.disconnecting


def test_an_error_fails_what_waits():
    client = session()
    waits = outcome(client.send("/a", b"", receipt=True))
    client.dataReceived(b"ERROR\nmessage:no\n\nwhy\0")
    assert type(waits[0]) is StompError and str(waits[0]) == "no" and waits[0].frame.body == b"why"
    assert client.transport.disconnecting
    assert str(outcome(client.whenConnected())[0]) == "no"


def test_a_lost_connection_fails_what_waits():
    client = connected(StompClient())
    waits = outcome(client.whenConnected())
    client.connectionLost(Failure(ConnectionDone()))
    assert type(waits[0]) is ConnectionDone
    assert isinstance(outcome(client.send("/a", b""))[0], StompError)


def test_an_async_callback_holds_back_the_next_message():
    client = session()
    got, gates = [], [Deferred(), Deferred()]

    async def callback(frame):
        got.append(frame.body)
        await gates[len(got) - 1]

    client.subscribe("/a", callback)
    client.dataReceived(receipt(2) + message(b"1") + message(b"2"))
    assert got == [b"1"] and client.transport.producerState == "paused"
    gates[0].callback(None)
    assert got == [b"1", b"2"] and client.transport.producerState == "paused"
    gates[1].callback(None)
    assert client.transport.producerState == "producing"


def test_a_receipt_can_be_awaited_in_a_callback():
    client = session()
    got = []

    async def callback(frame):
        await client.ack(frame, receipt=True)
        got.append(frame.body)

    client.subscribe("/a", callback)
    client.dataReceived(receipt(2) + message(b"1") + message(b"2"))
    assert client.transport.producerState == "producing"
    client.dataReceived(receipt(3))
    assert got == [b"1"]
    client.dataReceived(receipt(4))
    assert got == [b"1", b"2"]


def test_messages_before_an_awaited_receipt_are_bounded():
    client = session()
    client.MAX_WAITING = 2
    client.subscribe("/a", lambda frame: waits_for_ever(client, frame))
    client.dataReceived(receipt(2) + message(b"") * 3)
    assert not client.transport.disconnecting
    client.dataReceived(message(b""))
    assert client.transport.disconnecting


async def waits_for_ever(client, frame):
    try:
        await client.ack(frame, receipt=True)
    except StompProtocolError:
        pass


def test_heart_beats_are_sent_when_nothing_else_is():
    client = session(b"version:1.2\nheart-beat:0,4000\n", heartBeat=(1, 1))
    client.send("/a", b"")
    client.transport.clear()
    client.clock.advance(2)
    assert client.transport.value() == b""
    client.clock.advance(2)
    assert client.transport.value() == b"\n"
    client.connectionLost()
    assert client.clock.getDelayedCalls() == []


def test_a_silent_broker_is_left():
    client = session(b"version:1.2\nheart-beat:3000,0\n", heartBeat=(1, 1))
    waits = outcome(client.send("/a", b"", receipt=True))
    client.clock.advance(5)
    client.dataReceived(b"\n")
    client.clock.advance(5)
    assert not waits
    client.clock.advance(1)
    assert isinstance(waits[0], TimeoutError) and client.transport.disconnecting


@given(st.lists(st.one_of(st.binary(), st.sampled_from([b"CONNECTED\n\n\0", b"MESSAGE\n", b"ERROR\n\n\0", b"\n\n\0"]))))
def test_garbage_raises_nothing(garbage):
    client = connected(StompClient())
    waits = outcome(client.whenConnected())
    for piece in garbage:
        client.dataReceived(piece)
    client.connectionLost(Failure(ConnectionDone()))
    assert len(waits) == 1


def test_a_receipt_behind_messages_that_wait_is_found():
    client = session()
    gate = Deferred()

    async def callback(frame):
        await gate

    client.subscribe("/a", callback)
    client.dataReceived(receipt(2) + message(b"1") + message(b"2") + receipt(3))
    assert client.transport.producerState == "paused"
    assert outcome(client.send("/a", b"", receipt=True)) == [None]
    assert client.transport.producerState == "paused"


def test_a_broker_that_is_held_back_may_be_silent():
    client = session(b"version:1.2\nheart-beat:1000,0\n", heartBeat=(0, 1))
    gate = Deferred()

    async def callback(frame):
        await gate

    client.subscribe("/a", callback)
    client.dataReceived(receipt(2) + message(b""))
    client.clock.advance(10)
    assert not client.transport.disconnecting
    gate.callback(None)
    client.clock.advance(2)
    assert client.transport.disconnecting


async def fails_later(frame):
    raise ZeroDivisionError


@pytest.mark.parametrize("callback", [lambda frame: 1 / 0, fails_later])
def test_a_callback_that_fails_closes_the_connection(callback):
    client = session()
    client.subscribe("/a", callback)
    client.dataReceived(receipt(2) + message(b""))
    assert client.transport.disconnecting
    assert isinstance(outcome(client.whenConnected())[0], ZeroDivisionError)
