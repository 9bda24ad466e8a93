"""How bytes travel: one chapter for each kind of transport.

In reading order: `address`, `stream` (a connection: the hot path), `tcp` (ports and connectors), `tls` (contexts), `stdio`.
"""

from plait.transport.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from plait.transport.stream import Connection
from plait.transport.tcp import Connector, Port

__all__ = [
    "Connection",
    "Connector",
    "HostnameAddress",
    "IPv4Address",
    "IPv6Address",
    "Port",
    "UNIXAddress",
]
