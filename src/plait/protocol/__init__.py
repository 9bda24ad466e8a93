"""What a person writes: protocols, the factories that build them, and framing.

In reading order: `base` (Protocol, Factory), `clients` (ClientFactory and one that reconnects), `datagrams`, `processes`
(child processes), `framing` (what framings have in common), `lines` (lines of text), `strings` (strings with their length
in front), `stateful` (protocols that are a table of states), `files` (files and streams in the place of each other).
Loaded when named: `policies` (timeouts, limits and logs in front of any protocol), `proxy` (SOCKS, port forwarding) and the
small protocols.
"""

from plait.protocol.base import BaseProtocol, Factory, Protocol, ServerFactory, connectionDone
from plait.protocol.clients import ClientCreator, ClientFactory, ReconnectingClientFactory
from plait.protocol.datagrams import AbstractDatagramProtocol, ConnectedDatagramProtocol, DatagramProtocol
from plait.protocol.files import ConsumerToProtocolAdapter, FileSender, FileWrapper, ProtocolToConsumerAdapter
from plait.protocol.lines import LineOnlyReceiver, LineReceiver
from plait.protocol.processes import ProcessProtocol
from plait.protocol.stateful import StatefulProtocol, StatefulStringProtocol
from plait.protocol.strings import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    IntNStringReceiver,
    NetstringParseError,
    NetstringReceiver,
    StringTooLongError,
)

__all__ = [
    "AbstractDatagramProtocol",
    "BaseProtocol",
    "ClientCreator",
    "ClientFactory",
    "ConnectedDatagramProtocol",
    "ConsumerToProtocolAdapter",
    "DatagramProtocol",
    "Factory",
    "FileSender",
    "FileWrapper",
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "LineOnlyReceiver",
    "LineReceiver",
    "NetstringParseError",
    "NetstringReceiver",
    "ProcessProtocol",
    "Protocol",
    "ProtocolToConsumerAdapter",
    "ReconnectingClientFactory",
    "ServerFactory",
    "StatefulProtocol",
    "StatefulStringProtocol",
    "StringTooLongError",
    "connectionDone",
]
