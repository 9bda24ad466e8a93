"""The PROXY protocol, by which a load balancer says who has connected to it: versions 1 and 2.

https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt. A header stands in front of the bytes of the connection. Put
`HAProxyWrappingFactory` around your factory, and your protocols' ``transport.getPeer()`` gives the real client.

Whoever can reach the port can claim any address: let only the load balancer reach it.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plait.protocol.policies import ProtocolWrapper, WrappingFactory
from plait.transport.address import IPv4Address, IPv6Address, UNIXAddress

if TYPE_CHECKING:
    from typing import Literal

    from plait.interfaces import IAddress


class InvalidProxyHeader(Exception):
    """What stands in front of the connection is no header of the PROXY protocol."""


class InvalidNetworkProtocol(InvalidProxyHeader):
    """The header names a network that the PROXY protocol does not have."""


class MissingAddressData(InvalidProxyHeader):
    """The header lacks an address or a port, or has one that is none."""


@dataclass(frozen=True, slots=True)
class ProxyInfo:
    """What a header says: `header` (its bytes), `source` and `destination` of the client's connection.

    Both are None if the load balancer does not know them, or has connected for itself.
    """

    header: bytes
    source: IPv4Address | IPv6Address | UNIXAddress | None
    destination: IPv4Address | IPv6Address | UNIXAddress | None


class V1Parser:
    """Version 1: a line of text (section 2.1). One parser for each connection."""

    MAX_LENGTH = 107  # with CR LF: the longest line that there can be, says the standard
    PREFIX = b"PROXY "

    def __init__(self) -> None:
        self.buffer = b""

    def feed(self, data: bytes) -> tuple[ProxyInfo, bytes] | tuple[None, None]:
        """Take `data`; when the line is there, what it says and what stands behind it.

        :raises InvalidProxyHeader: if it is no such line.
        """
        self.buffer += data
        if not self.buffer.startswith(self.PREFIX[: len(self.buffer)]):
            raise InvalidProxyHeader(f"a PROXY header begins with PROXY, not with {self.buffer[:6]!r}")
        end = self.buffer.find(b"\r\n", 0, self.MAX_LENGTH)
        if end < 0:
            if len(self.buffer) >= self.MAX_LENGTH:
                raise InvalidProxyHeader(f"the PROXY header is longer than {self.MAX_LENGTH} bytes")
            return None, None
        line, rest = self.buffer[:end], self.buffer[end + 2 :]
        self.buffer = b""
        return self.parse(line), rest

    @classmethod
    def parse(cls, line: bytes) -> ProxyInfo:
        """What a line, without CR LF, says.

        :raises InvalidProxyHeader: if it says nothing, or nonsense.
        """
        words = line.split(b" ")
        if words[0] != b"PROXY":
            raise InvalidProxyHeader(f"a PROXY header begins with PROXY, not with {words[0][:20]!r}")
        network = words[1] if len(words) > 1 else b""
        if network == b"UNKNOWN":
            return ProxyInfo(line, None, None)  # whatever stands behind it is to be ignored
        if network not in (b"TCP4", b"TCP6"):
            raise InvalidNetworkProtocol(f"{network[:20]!r} is not TCP4, TCP6 or UNKNOWN")
        if len(words) != 6:
            raise MissingAddressData(f"a PROXY header has two addresses and two ports: {line!r}")
        kind = IPv4Address if network == b"TCP4" else IPv6Address
        source, destination, source_port, destination_port = words[2:]
        return ProxyInfo(
            line,
            kind("TCP", cls._host(source, network), cls._port(source_port)),
            kind("TCP", cls._host(destination, network), cls._port(destination_port)),
        )

    @staticmethod
    def _host(word: bytes, network: bytes) -> str:
        try:
            text = word.decode("ascii")
            address = ipaddress.ip_address(text)
        except ValueError:
            raise MissingAddressData(f"{word!r} is not an IP address") from None
        if address.version != int(network[3:]):
            raise MissingAddressData(f"{text} is not an address of {network.decode()}")
        return text

    @staticmethod
    def _port(word: bytes) -> int:
        if not word.isdigit() or len(word) > 5 or int(word) > 65535:
            raise MissingAddressData(f"{word!r} is not a port")
        return int(word)


class V2Parser:
    """Version 2: binary (section 2.2). One parser for each connection."""

    PREFIX = b"\r\n\r\n\0\r\nQUIT\n"
    # Addresses of UNIX sockets take 216 bytes, extensions (section 2.2.7: names, certificates) the rest.
    MAX_LENGTH = 16 + 4096

    _FAMILIES: dict[int, tuple[str, int]] = {
        0: ("", 0),
        1: ("!4s4sHH", 12),
        2: ("!16s16sHH", 36),
        3: ("!108s108s", 216),
    }
    _TRANSPORTS: dict[int, Literal["TCP", "UDP"] | None] = {0: None, 1: "TCP", 2: "UDP"}

    def __init__(self) -> None:
        self.buffer = b""

    def feed(self, data: bytes) -> tuple[ProxyInfo, bytes] | tuple[None, None]:
        """Take `data`; when the header is there, what it says and what stands behind it.

        :raises InvalidProxyHeader: if it is no such header.
        """
        self.buffer += data
        if not self.buffer.startswith(self.PREFIX[: len(self.buffer)]):
            raise InvalidProxyHeader(f"a PROXY header of version 2 does not begin with {self.buffer[:12]!r}")
        if len(self.buffer) < 16:
            return None, None
        size = 16 + int.from_bytes(self.buffer[14:16], "big")
        if size > self.MAX_LENGTH:
            raise InvalidProxyHeader(f"the PROXY header has {size} bytes; {self.MAX_LENGTH} are taken")
        if len(self.buffer) < size:
            return None, None
        header, rest = self.buffer[:size], self.buffer[size:]
        self.buffer = b""
        return self.parse(header), rest

    @classmethod
    def parse(cls, header: bytes) -> ProxyInfo:
        """What a whole header says.

        :raises InvalidProxyHeader: if it says nonsense.
        """
        if len(header) < 16 or not header.startswith(cls.PREFIX):
            raise InvalidProxyHeader("a PROXY header of version 2 has its signature and 4 bytes at least")
        version, command = header[12] >> 4, header[12] & 15
        family, transport = header[13] >> 4, header[13] & 15
        if version != 2:
            raise InvalidProxyHeader(f"the version of the PROXY header is {version}, not 2")
        if command not in (0, 1):
            raise InvalidProxyHeader(f"the command of the PROXY header is {command}, not 0 (LOCAL) or 1 (PROXY)")
        if family not in cls._FAMILIES or transport not in cls._TRANSPORTS:
            raise InvalidNetworkProtocol(f"the PROXY header has the address family and protocol {header[13]:#04x}")
        size = int.from_bytes(header[14:16], "big")
        kind = cls._TRANSPORTS[transport]
        if command == 0 or family == 0 or kind is None:
            return ProxyInfo(header, None, None)
        layout, needed = cls._FAMILIES[family]
        if size < needed or len(header) < 16 + needed:
            raise MissingAddressData(f"the addresses of the PROXY header need {needed} bytes; it has {size}")
        values = struct.unpack_from(layout, header, 16)
        if family == 3:
            return ProxyInfo(header, _unix(values[0]), _unix(values[1]))
        source, destination, source_port, destination_port = values
        address = IPv4Address if family == 1 else IPv6Address
        return ProxyInfo(
            header,
            address(kind, str(ipaddress.ip_address(source)), source_port),
            address(kind, str(ipaddress.ip_address(destination)), destination_port),
        )


def _unix(path: bytes) -> UNIXAddress:
    return UNIXAddress(path.rstrip(b"\0") or None)


class HAProxyProtocolWrapper(ProtocolWrapper):
    """Takes the header off. From then on `getPeer` and `getHost` give what it says, and the wrapped protocol gets all bytes.

    A connection without a header is closed, and one without an end to it. Wrap a timeout around it for those that say nothing.
    """

    info: ProxyInfo | None = None
    _parser: V1Parser | V2Parser | None = None

    def dataReceived(self, data: bytes) -> Any:
        """Hand it on, or take it for the header."""
        if self.info is not None:
            return super().dataReceived(data)
        if self._parser is None:
            self._parser = V2Parser() if data[:1] == V2Parser.PREFIX[:1] else V1Parser()
        try:
            info, rest = self._parser.feed(data)
        except InvalidProxyHeader as e:
            self.factory.log.info("{peer}: {error}", peer=self.transport.getPeer(), error=e)
            self.loseConnection()
            return None
        if info is None:
            return None
        self.info = info
        self._parser = None
        return super().dataReceived(rest) if rest else None

    def getPeer(self) -> IAddress:
        """Who has connected to the load balancer, once the header is there; before, the load balancer."""
        if self.info is not None and self.info.source is not None:
            return self.info.source
        return self.transport.getPeer()

    def getHost(self) -> IAddress:
        """Where it has connected to, once the header is there; before, our own address."""
        if self.info is not None and self.info.destination is not None:
            return self.info.destination
        return self.transport.getHost()


class HAProxyWrappingFactory(WrappingFactory):
    """Around your factory, for a port behind a load balancer that sends PROXY headers."""

    protocol = HAProxyProtocolWrapper
