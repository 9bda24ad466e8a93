"""Connections that somebody else has made, and that we go on with."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from plait.failure import Failure
from plait.log import Logger
from plait.transport.address import from_socket
from plait.transport.stream import Connection
from plait.transport.unixstream import UNIXConnection, UNIXStream

if TYPE_CHECKING:
    from plait.transport.network import Network

_log = Logger("plait.transport")


class AdoptedConnection:
    """The owner of one connection over a socket that is connected already."""

    is_client = False

    def __init__(self, network: Network, sock: socket.socket, factory: Any) -> None:
        self._network = network
        self._socket = sock
        self._factory = factory
        self._protocol: Any = None

    def begin(self) -> Connection | None:
        """The connection, or None if the factory wants none. TCP's is made in the next turn of the loop."""
        try:
            self._protocol = self._factory.buildProtocol(from_socket(self._socket.getpeername()))
        except BaseException:
            self._socket.close()
            raise
        if self._protocol is None:
            self._socket.close()
            return None
        network = self._network
        loop = network.loop
        if self._socket.family in (socket.AF_INET, socket.AF_INET6):
            connection = Connection(self, loop, network.outbox)
            self._task = loop.create_task(self._make(connection))
        else:
            connection = UNIXConnection(self, loop, network.outbox)
            UNIXStream(loop, self._socket, connection)
        return connection

    async def _make(self, connection: Connection) -> None:
        try:
            await self._network.loop.connect_accepted_socket(lambda: connection, self._socket)
        except OSError as e:
            _log.failure("The connection for {protocol!r} could not be adopted", Failure(e), protocol=self._protocol)
            self._socket.close()

    def connection_ready(self, connection: Connection) -> Any:
        self._network.connections.add(connection)
        return self._protocol

    def connection_gone(self, connection: Connection, reason: Failure) -> None:
        self._network.forget(connection)
