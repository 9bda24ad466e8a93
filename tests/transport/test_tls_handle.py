"""What a connection under TLS gives as its handle, and what it still knows of its socket."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from plait.transport.tls import ClientContextFactory
from tests.certificates import make_certificate
from tests.transport.test_tls import TLSServer, connect


async def test_the_handle_is_the_library_s_and_the_socket_is_the_socket(tmp_path: Path) -> None:
    server = TLSServer(make_certificate(tmp_path))
    client = await connect(server.number, ClientContextFactory())
    transport = (await client.connected).transport
    assert isinstance(transport.getHandle(), ssl.SSLObject)
    assert transport.fileno() == transport.socket.fileno()
    transport.setTcpKeepAlive(True)
    assert transport.getTcpKeepAlive() and transport.getTcpNoDelay()
    assert transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    transport.loseConnection()
    await client.gone
    await server.port.stopListening()
