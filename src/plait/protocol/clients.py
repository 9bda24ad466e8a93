"""Factories for connections that we make ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plait.interfaces import IClientFactory, implementer
from plait.protocol.base import Factory

if TYPE_CHECKING:
    from plait.failure import Failure
    from plait.interfaces import IConnector


@implementer(IClientFactory)
class ClientFactory(Factory):
    """A factory for `reactor.connectTCP` and its kin, which tell it how the attempt goes."""

    def startedConnecting(self, connector: IConnector) -> None:
        """Called when an attempt begins. ``connector.stopConnecting()`` calls it off."""

    def clientConnectionFailed(self, connector: IConnector, reason: Failure) -> None:
        """Called when no connection could be made; `reason` holds a `plait.errors.ConnectError`.

        ``connector.connect()`` tries once more.
        """

    def clientConnectionLost(self, connector: IConnector, reason: Failure) -> None:
        """Called when a connection that was made is gone; `reason` is what `Protocol.connectionLost` was told.

        ``connector.connect()`` connects again.
        """
