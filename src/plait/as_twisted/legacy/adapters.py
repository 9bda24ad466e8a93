"""Adapters that old programs expect to be there: a protocol as a consumer, a consumer as a protocol. Importing registers them."""

from __future__ import annotations

from plait.as_twisted.legacy.components import getAdapterFactory, registerAdapter
from plait.interfaces import IConsumer, IProtocol
from plait.protocol import ConsumerToProtocolAdapter, ProtocolToConsumerAdapter

if getAdapterFactory(IProtocol, IConsumer, None) is None:
    registerAdapter(ProtocolToConsumerAdapter, IProtocol, IConsumer)
if getAdapterFactory(IConsumer, IProtocol, None) is None:
    registerAdapter(ConsumerToProtocolAdapter, IConsumer, IProtocol)
