"""How bytes travel: one chapter for each kind of transport.

In reading order: `address`, `stream` (a connection: the hot path), `facts` (what it tells of itself), `network` (what they
share), `binding`, `names` (look-ups), `port` (listening), `connector` (connecting), `tls` (contexts), `tlslayer` and the two
machines that it drives, `datagram` and `udp`, `stdio`, `pipes` and `process` (children), `serial` (lines of old, and boards).
"""

from plait.transport.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from plait.transport.binding import Binding, makeBinding
from plait.transport.connector import Connector
from plait.transport.port import Port
from plait.transport.stream import Connection, SecureConnection
from plait.transport.udp import MulticastPort, UDPPort

__all__ = [
    "Binding",
    "Connection",
    "Connector",
    "HostnameAddress",
    "IPv4Address",
    "IPv6Address",
    "MulticastPort",
    "Port",
    "SecureConnection",
    "UDPPort",
    "UNIXAddress",
    "makeBinding",
]
