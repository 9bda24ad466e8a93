"""Policies: what stands in front of any protocol, and neither knows the other. Timeouts, limits, logs of the traffic.

A policy is a factory around your factory; each protocol that yours builds is wrapped in a protocol of the policy's, which is
the transport that yours sees. Policies can be put around policies.

In reading order: `wrapping` (what all are made of), `timeouts`, `limits` (connections, and bytes a second), `traffic` (logs).
"""

from plait.protocol.policies.limits import (
    LimitConnectionsByPeer,
    LimitTotalConnectionsFactory,
    ThrottlingFactory,
    ThrottlingProtocol,
)
from plait.protocol.policies.timeouts import TimeoutFactory, TimeoutMixin, TimeoutProtocol
from plait.protocol.policies.traffic import (
    SpewingFactory,
    SpewingProtocol,
    TrafficLoggingFactory,
    TrafficLoggingProtocol,
)
from plait.protocol.policies.wrapping import ProtocolWrapper, WrappingFactory

__all__ = [
    "LimitConnectionsByPeer",
    "LimitTotalConnectionsFactory",
    "ProtocolWrapper",
    "SpewingFactory",
    "SpewingProtocol",
    "ThrottlingFactory",
    "ThrottlingProtocol",
    "TimeoutFactory",
    "TimeoutMixin",
    "TimeoutProtocol",
    "TrafficLoggingFactory",
    "TrafficLoggingProtocol",
    "WrappingFactory",
]
