"""Kinds of endpoints that come from plugins of `twisted.plugin`."""

import pytest

from plait.as_twisted.legacy import endpoints
from plait.endpoints import StandardIOEndpoint, TCP4ServerEndpoint
from plait.interfaces import (
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
    implementer,
    verifyObject,
)


@implementer(IStreamServerEndpointStringParser, IStreamClientEndpointStringParserWithReactor)
class Pigeons:
    prefix = "pigeon"

    def parseStreamServer(self, reactor, *args, **kwargs):
        return "server", reactor, args, kwargs

    def parseStreamClient(self, reactor, *args, **kwargs):
        return "client", reactor, args, kwargs


def test_plugins_are_asked(monkeypatch):
    asked = []

    def plugins(interface):
        asked.append(interface)
        return [Pigeons()]

    monkeypatch.setattr(endpoints, "getPlugins", plugins)
    assert endpoints.serverFromString("r", "pigeon:a:b=c") == ("server", "r", ("a",), {"b": "c"})
    assert endpoints.clientFromString("r", "pigeon:a:b=c") == ("client", "r", ("a",), {"b": "c"})
    assert asked == [IStreamServerEndpointStringParser, IStreamClientEndpointStringParserWithReactor]
    with pytest.raises(ValueError, match="Unknown endpoint type: 'dove'"):
        endpoints.serverFromString("r", "dove:a")


def test_ours_come_first(monkeypatch):
    monkeypatch.setattr(endpoints, "getPlugins", lambda interface: pytest.fail("nobody needs to be asked"))
    assert isinstance(endpoints.serverFromString("r", "tcp:80"), TCP4ServerEndpoint)


def test_binding():
    assert endpoints.makeBinding("192.0.2.1") == ("192.0.2.1", 0)
    assert endpoints.makeBinding("192.0.2.1", 5) == endpoints.makeBinding(("192.0.2.1", 5)) == ("192.0.2.1", 5)
    assert endpoints.makeBinding(None) is None


def test_kinds_of_ours_as_plugins():
    parser = endpoints.TCP6ServerParser()
    assert verifyObject(IStreamServerEndpointStringParser, parser)
    endpoint = parser.parseStreamServer("r", "80", interface="::1")
    assert repr(endpoint) == "<TCP6ServerEndpoint ::1:80>"
    with pytest.raises(ValueError, match="either an index or a name"):
        endpoints.SystemdParser().parseStreamServer("r", domain="INET", index="0", name="a")
    assert isinstance(endpoints.StandardIOParser().parseStreamServer("r"), StandardIOEndpoint)
