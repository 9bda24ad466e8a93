"""What `twisted.test.testutils` has: two protocols joined by two files, and a comparison of XML."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any
from xml.etree.ElementTree import canonicalize

from plait.testing import StringTransport

__all__ = ["IOPump", "XMLAssertionMixin", "returnConnected"]


class IOPump:
    """Carries what a client has written to `clientIO` to the server, and from `serverIO` to the client."""

    def __init__(self, client: Any, server: Any, clientIO: IO[bytes], serverIO: IO[bytes]) -> None:
        self.client = client
        self.server = server
        self.clientIO = clientIO
        self.serverIO = serverIO

    def flush(self) -> None:
        """Pump until both have nothing more to say."""
        while self.pump():
            pass

    def pump(self) -> bool:
        """Carry what both have written so far. Returns whether there was anything."""
        said, answered = _taken(self.clientIO), _taken(self.serverIO)
        for data, protocol in ((said, self.server), (answered, self.client)):
            if data:
                protocol.dataReceived(data)
        return bool(said or answered)


def _taken(file: IO[bytes]) -> bytes:
    file.seek(0)
    data = file.read()
    file.seek(0)
    file.truncate()
    return data


class _FileTransport(StringTransport):
    """A transport that writes to a file."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.file = file

    def write(self, data: bytes) -> None:
        super().write(data)
        self.file.write(data)


def returnConnected(server: Any, client: Any) -> IOPump:
    """Join two protocols, and carry what they say at once."""
    clientIO, serverIO = BytesIO(), BytesIO()
    client.makeConnection(_FileTransport(clientIO))
    server.makeConnection(_FileTransport(serverIO))
    pump = IOPump(client, server, clientIO, serverIO)
    pump.flush()
    return pump


class XMLAssertionMixin:
    """For a test case that compares XML."""

    def assertXMLEqual(self, first: Any, second: Any) -> None:
        """The two documents are the same, but for how they are written down."""
        self.assertEqual(canonicalize(first), canonicalize(second))  # type: ignore[attr-defined]
