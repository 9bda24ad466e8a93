"""SOCKS as bytes: both sides speak to each other, whatever the splitting, and what is no SOCKS is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.protocol.proxy import SOCKSClientCore, SOCKSError, SOCKSLogin, SOCKSRequest, SOCKSServerCore

HOSTS = st.sampled_from(["192.0.2.7", "example.com", "a" * 255, "2001:db8::1"])


def carry(client, server, split, users=None):
    """Let the two talk until both have nothing more to say; gives the server's request and whether the client is through."""
    request, through = None, False
    while True:
        to_server, to_client = client.takeOutgoing(), server.takeOutgoing()
        if not to_server and not to_client:
            return request, through
        for piece in split(to_server):
            event = server.receive(piece)
            while isinstance(event, SOCKSLogin):
                server.login((users or {}).get(event.user) == event.password)
                event = server.receive(b"")
            if event is not None:
                request = event
                server.reply(0, "198.51.100.1", 4321)
        for piece in split(to_client):
            through = client.receive(piece)


def by_bytes(data):
    return [bytes([n]) for n in data]


def whole(data):
    return [data] if data else []


@pytest.mark.parametrize("split", [by_bytes, whole])
@given(host=HOSTS, port=st.integers(0, 65535), version=st.sampled_from([4, 5]), login=st.booleans())
def test_both_sides_agree(split, host, port, version, login):
    if version == 4 and ":" in host:
        return
    user, password = (b"me", b"secret") if login and version == 5 else (b"", None)
    client = SOCKSClientCore(host, port, version, user, password)
    server = SOCKSServerCore(needsLogin=password is not None)
    request, through = carry(client, server, split, {b"me": b"secret"})
    assert request == SOCKSRequest(version, 1, host, port, user)
    assert through and client.bound == ("198.51.100.1", 4321)
    assert client.takeRest() == server.takeRest() == b""


@pytest.mark.parametrize("version", [4, 5])
def test_what_comes_behind_the_handshake_belongs_to_the_tunnel(version):
    client, server = SOCKSClientCore("example.com", 80, version), SOCKSServerCore()
    if version == 5:
        server.receive(client.takeOutgoing())
        client.receive(server.takeOutgoing())
    assert isinstance(server.receive(client.takeOutgoing() + b"GET"), SOCKSRequest)
    server.reply(0)
    assert client.receive(server.takeOutgoing() + b"HTTP")
    assert (server.takeRest(), client.takeRest()) == (b"GET", b"HTTP")


def test_the_bytes_of_version_4a():
    server = SOCKSServerCore()
    request = server.receive(b"\4\1\0\x50\0\0\0\1me\0example.com\0")
    assert request == SOCKSRequest(4, 1, "example.com", 80, b"me")
    server.reply(0, "192.0.2.1", 1234)
    assert server.takeOutgoing() == b"\0\x5a\x04\xd2\xc0\0\2\1"


def test_the_bytes_of_version_5():
    client = SOCKSClientCore("::1", 443, 5, b"u", b"pw")
    assert client.takeOutgoing() == b"\5\2\0\2"
    assert not client.receive(b"\5\2")
    assert client.takeOutgoing() == b"\1\1u\2pw"
    assert not client.receive(b"\1\0")
    assert client.takeOutgoing() == b"\5\1\0\4" + bytes(15) + b"\1\x01\xbb"
    assert client.receive(b"\5\0\0\1\x7f\0\0\1\0\x50")
    assert client.bound == ("127.0.0.1", 80)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\6\1\0",
        b"\5\1\2",  # offers a password only, and none is wanted
        b"\5\1\0\4\1\0\1",  # the request has another version than the greeting
        b"\5\1\0\5\1\0\2",  # there is no address type 2
        b"\5\1\0\5\1\0\3\2\xff\xff\0\x50",
        b"\5\1\0\5\1\0\3\0\0\x50",
        b"\4\1\0\x50\1\2\3\4" + b"x" * 256,
        b"\4\1\0\x50\0\0\0\1\0" + b"x" * 256,
        b"\4\1\0\x50\0\0\0\1\0\0",
    ],
)
@pytest.mark.parametrize("split", [by_bytes, whole])
def test_what_is_no_SOCKS_is_refused(split, data):
    server = SOCKSServerCore()
    with pytest.raises(SOCKSError):
        for piece in split(data):
            server.receive(piece)


def test_a_server_that_needs_a_login_takes_no_version_4():
    server = SOCKSServerCore(needsLogin=True)
    with pytest.raises(SOCKSError, match="cannot log in"):
        server.receive(b"\4\1\0\x50\1\2\3\4\0")
    assert server.takeOutgoing() == b"\0\x5b" + bytes(6)


@pytest.mark.parametrize(
    "version, answers, message",
    [
        (5, [b"\5\xff"], "ways to log in"),
        (5, [b"\4\0"], "version 4"),
        (5, [b"\5\2"], "user and a password"),  # none was offered
        (5, [b"\5\0", b"\5\5\0\1\0\0\0\0\0\0"], "connection refused"),
        (5, [b"\5\0", b"\5\x63"], "code 99"),
        (5, [b"\5\0", b"\4\0"], "version 4"),
        (4, [b"\0\x5b\0\0\0\0\0\0"], "rejected"),
        (4, [b"HTTP/1.1"], "version 72"),
    ],
)
def test_a_client_says_what_the_proxy_did_wrong(version, answers, message):
    client = SOCKSClientCore("example.com", 80, version)
    with pytest.raises(SOCKSError, match=message):
        for answer in answers:
            client.receive(answer)


@given(data=st.binary(max_size=600), needs=st.booleans(), client=st.booleans())
def test_noise_never_does_harm(data, needs, client):
    core = SOCKSClientCore("h", 1, 5) if client else SOCKSServerCore(needs)
    try:
        for piece in by_bytes(data):
            core.receive(piece)
            if not client and core.state == "asked":
                return
    except SOCKSError:
        pass
    else:
        assert len(core._buffer) <= 600


@pytest.mark.parametrize(
    "arguments",
    [
        ("h", 1, 6),
        ("", 1),
        ("x" * 256, 1),
        ("::1", 1, 4),
        ("h", 1, 4, b"u", b"p"),
        ("h", 1, 5, b"u" * 256, b"p"),
        ("h", 1, 4, b"\0"),
    ],
)
def test_a_mistake_of_the_callers_is_said_at_once(arguments):
    with pytest.raises(ValueError):
        SOCKSClientCore(*arguments)
