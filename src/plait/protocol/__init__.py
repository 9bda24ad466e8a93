"""What a person writes: protocols, the factories that build them, and framing.

In reading order: `base` (Protocol, Factory), `clients` (ClientFactory and one that reconnects), `lines` (lines of text).
"""

from plait.protocol.base import BaseProtocol, Factory, Protocol, ServerFactory, connectionDone
from plait.protocol.clients import ClientFactory
from plait.protocol.lines import LineOnlyReceiver, LineReceiver

__all__ = [
    "BaseProtocol",
    "ClientFactory",
    "Factory",
    "LineOnlyReceiver",
    "LineReceiver",
    "Protocol",
    "ServerFactory",
    "connectionDone",
]
