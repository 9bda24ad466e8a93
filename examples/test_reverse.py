"""Tests in classes, for ``plait test``: what a function gives, and what a server answers over a real connection."""

import asyncio

from plait import Factory, LineReceiver, reactor
from plait.testing import SynchronousTestCase, TestCase


def reverse(text: bytes) -> bytes:
    return text[::-1]


class ReverseServer(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.sendLine(reverse(line))


class FunctionTests(SynchronousTestCase):
    def test_nothing(self) -> None:
        self.assertEqual(reverse(b""), b"")

    def test_accents(self) -> None:
        self.assertEqual(reverse("é".encode()).decode(), "é")

    test_accents.todo = (UnicodeDecodeError, "it turns bytes around, not letters")


class ServerTests(TestCase):
    timeout = 5

    def setUp(self) -> None:
        self.port = reactor.listenTCP(0, Factory.forProtocol(ReverseServer), interface="127.0.0.1")
        self.addCleanup(self.port.stopListening)

    async def test_a_line_comes_back_reversed(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port.getHost().port)
        writer.write(b"stressed\r\n")
        self.assertEqual(await reader.readline(), b"desserts\r\n")
        writer.close()
        await writer.wait_closed()
