"""Two protocols joined by two files, and a comparison of XML."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy.testutils import IOPump, XMLAssertionMixin, returnConnected
from plait.testing import AccumulatingProtocol, LineSendingProtocol, SynchronousTestCase


def test_what_is_said_at_once_is_carried() -> None:
    server, client = LineSendingProtocol([b"answer"], start=False), LineSendingProtocol([b"question"])
    pump = returnConnected(server, client)
    assert isinstance(pump, IOPump)
    assert (server.response, client.response) == ([b"question"], [b"answer"])
    assert not pump.pump()


def test_both_ways() -> None:
    server, client = AccumulatingProtocol(), AccumulatingProtocol()
    pump = returnConnected(server, client)
    client.transport.write(b"a")
    client.transport.writeSequence([b"b", b"c"])
    server.transport.write(b"d")
    assert pump.pump() and not pump.pump()
    assert (server.data, client.data) == (b"abc", b"d")


def test_xml() -> None:
    class Case(XMLAssertionMixin, SynchronousTestCase):
        pass

    case = Case()
    case.assertXMLEqual("<a b='1' c='2'/>", '<a c="2"  b="1"></a>')
    with pytest.raises(AssertionError):
        case.assertXMLEqual("<a/>", "<b/>")
