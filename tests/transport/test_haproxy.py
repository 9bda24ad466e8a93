"""The PROXY protocol: both versions, whatever the splitting; nonsense and excess are refused."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import Factory, Protocol
from plait.testing import StringTransportWithDisconnection
from plait.transport import IPv4Address, IPv6Address, UNIXAddress
from plait.transport.haproxy import (
    HAProxyWrappingFactory,
    InvalidNetworkProtocol,
    InvalidProxyHeader,
    MissingAddressData,
    V1Parser,
    V2Parser,
)


def v2(family, body, command=0x21):
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([command, family]) + struct.pack("!H", len(body)) + body


SOURCE4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + struct.pack("!HH", 1000, 80)
SOURCE6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2 + struct.pack("!HH", 1000, 443)
HEADERS = [
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 80\r\n", IPv4Address("TCP", "192.0.2.1", 1000), IPv4Address("TCP", "192.0.2.2", 80)),
    (b"PROXY TCP6 2001:db8::1 ::2 1000 80\r\n", IPv6Address("TCP", "2001:db8::1", 1000), IPv6Address("TCP", "::2", 80)),
    (b"PROXY UNKNOWN what ever\r\n", None, None),
    (v2(0x11, SOURCE4), IPv4Address("TCP", "192.0.2.1", 1000), IPv4Address("TCP", "192.0.2.2", 80)),
    (v2(0x12, SOURCE4), IPv4Address("UDP", "192.0.2.1", 1000), IPv4Address("UDP", "192.0.2.2", 80)),
    (v2(0x11, SOURCE4 + b"\x04\0\1x"), IPv4Address("TCP", "192.0.2.1", 1000), IPv4Address("TCP", "192.0.2.2", 80)),
    (v2(0x21, SOURCE6), IPv6Address("TCP", "2001:db8::1", 1000), IPv6Address("TCP", "2001:db8::1", 443)),
    (v2(0x31, b"/a".ljust(108, b"\0") + b"/b".ljust(108, b"\0")), UNIXAddress("/a"), UNIXAddress("/b")),
    (v2(0x11, SOURCE4, command=0x20), None, None),
    (v2(0x00, b""), None, None),
]  # fmt: skip


class Noting(Protocol):
    data = b""

    def dataReceived(self, data):
        self.data += data


def wrapped():
    wrapper = HAProxyWrappingFactory(Factory.forProtocol(Noting)).buildProtocol(None)
    transport = StringTransportWithDisconnection()
    transport.protocol = wrapper
    inner = wrapper.wrappedProtocol
    wrapper.makeConnection(transport)
    return inner, wrapper, transport


@pytest.mark.parametrize("header, source, destination", HEADERS)
@given(cuts=st.lists(st.integers(min_value=1, max_value=40)))
def test_any_splitting_gives_the_same(header, source, destination, cuts):
    inner, wrapper, transport = wrapped()
    assert inner.transport.getPeer() == transport.getPeer()
    data = header + b"the rest"
    for cut in cuts:
        wrapper.dataReceived(data[:cut]) if data[:cut] else None
        data = data[cut:]
    wrapper.dataReceived(data)
    assert inner.data == b"the rest"
    assert inner.transport.getPeer() == (source or transport.getPeer())
    assert inner.transport.getHost() == (destination or transport.getHost())


@pytest.mark.parametrize(
    "line, error",
    [
        (b"GET / HTTP/1.1", InvalidProxyHeader),
        (b"PROXY", InvalidNetworkProtocol),
        (b"PROXY UDP4 1.1.1.1 1.1.1.1 1 1", InvalidNetworkProtocol),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1", MissingAddressData),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1", MissingAddressData),
        (b"PROXY TCP4 1.1.1.1 1.1.1 1 1", MissingAddressData),
        (b"PROXY TCP4 ::1 ::1 1 1", MissingAddressData),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 65536 1", MissingAddressData),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 +1 1", MissingAddressData),
        (b"PROXY TCP4 1.1.1.1 1.1.1.1 \xb2 1", MissingAddressData),
    ],
)
def test_a_line_that_is_wrong(line, error):
    with pytest.raises(error):
        V1Parser.parse(line)
    _, wrapper, transport = wrapped()
    wrapper.dataReceived(line + b"\r\n")
    assert not transport.connected


@pytest.mark.parametrize(
    "header, error",
    [
        (v2(0x11, SOURCE4, command=0x11), InvalidProxyHeader),
        (v2(0x11, SOURCE4, command=0x22), InvalidProxyHeader),
        (v2(0x41, SOURCE4), InvalidNetworkProtocol),
        (v2(0x13, SOURCE4), InvalidNetworkProtocol),
        (v2(0x21, SOURCE4), MissingAddressData),
        (v2(0x11, SOURCE4[:-1]), MissingAddressData),
        (v2(0x11, SOURCE4)[:15], InvalidProxyHeader),
        (b"x" * 16, InvalidProxyHeader),
    ],
)
def test_bytes_that_are_wrong(header, error):
    with pytest.raises(error):
        V2Parser.parse(header)


def test_a_header_is_not_waited_for_beyond_its_bounds():
    parser = V1Parser()
    with pytest.raises(InvalidProxyHeader, match="longer than 107"):
        for n in b"PROXY UNKNOWN " + b"x" * 200:
            parser.feed(bytes([n]))
    assert len(parser.buffer) == 107
    with pytest.raises(InvalidProxyHeader, match="65551 bytes"):
        V2Parser().feed(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff")
    with pytest.raises(InvalidProxyHeader, match="does not begin"):
        V2Parser().feed(b"\r\nGET")


@given(data=st.binary(max_size=300))
def test_noise_never_does_harm(data):
    inner, wrapper, transport = wrapped()
    for n in data:
        if transport.connected:
            wrapper.dataReceived(bytes([n]))
    assert inner.data == b""
