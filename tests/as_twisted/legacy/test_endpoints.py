"""Kinds of endpoints that come from plugins of `twisted.plugin`."""

import socket

import pytest

from plait.as_twisted.legacy import endpoints
from plait.as_twisted.legacy.systemd import ListenFDs
from plait.deferred import Deferred, fail
from plait.endpoints import StandardIOEndpoint, TCP4ServerEndpoint
from plait.endpoints.names import addresses_of
from plait.endpoints.strings import parse
from plait.errors import DNSLookupError
from plait.interfaces import (
    IHostnameResolver,
    IStreamClientEndpointStringParserWithReactor,
    IStreamServerEndpointStringParser,
    implementer,
    verifyObject,
)
from plait.log import capturedLogs, formatEvent
from plait.transport import IPv4Address, IPv6Address
from plait.transport.haproxy import HAProxyWrappingFactory


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


def test_kinds_of_ours_as_plugins():
    parser = endpoints.TCP6ServerParser()
    assert verifyObject(IStreamServerEndpointStringParser, parser)
    endpoint = parser.parseStreamServer("r", "80", interface="::1")
    assert repr(endpoint) == "<TCP6ServerEndpoint ::1:80>"
    with pytest.raises(ValueError, match="either an index or a name"):
        endpoints.SystemdParser().parseStreamServer("r", domain="INET", index="0", name="a")
    assert isinstance(endpoints.StandardIOParser().parseStreamServer("r"), StandardIOEndpoint)


def test_kinds_of_ours_are_found(alias):
    from twisted.plugin import getPlugins

    found = {parser.prefix for parser in getPlugins(IStreamServerEndpointStringParser)}
    assert found == {"haproxy", "stdio", "systemd", "tcp6"}
    (tls,) = getPlugins(IStreamClientEndpointStringParserWithReactor)
    assert tls.prefix == "tls" and tls.parseStreamClient("r", "localhost", "443")


def test_sockets_of_the_service_manager_as_they_were():
    parser = endpoints.SystemdParser()
    parser._sddaemon = ListenFDs([7, 8], ["", "web"])
    assert verifyObject(IStreamServerEndpointStringParser, parser)
    by_name = parser.parseStreamServer("r", "INET6", name="web")
    assert (by_name.fileno, by_name.addressFamily) == (8, socket.AF_INET6)
    assert parser.parseStreamServer("r", domain="UNIX", index="0").fileno == 7


def test_a_load_balancer_before_any_kind():
    endpoint = endpoints.haproxy.parseStreamServer("r", "tcp6", "80", interface="::1")
    assert repr(endpoint._wrappedEndpoint) == "<TCP6ServerEndpoint ::1:80>"
    assert endpoint._wrapperFactory is HAProxyWrappingFactory


@pytest.mark.parametrize("text", ["word", "a:b", "a=1:b=2", "a\\:b\\\\", "a:b=\\:", "\\:=a"])
def test_a_string_of_its_parts(text):
    assert endpoints.unparse(*parse(text)) == text


def test_parts_of_a_string():
    assert endpoints.parse_server("tcp:80:backlog=6", "f") == ("TCP", (80, "f"), {"interface": "", "backlog": 6})
    unix = {"mode": 0o600, "backlog": 50, "wantPID": False}
    assert endpoints.parse_server("unix:/a:mode=600:lockfile=0", "f") == ("UNIX", ("/a", "f"), unix)


def test_a_function_as_resolver():
    answer = Deferred()
    asked = []
    resolver = endpoints.FunctionResolver(lambda host, port: asked.append((host, port)) or answer)
    assert verifyObject(IHostnameResolver, resolver)
    found = addresses_of(FakeReactor(resolver), "plait.example", 80)
    four, six = (socket.AF_INET, 0, 0, "", ("192.0.2.1", 80)), (socket.AF_INET6, 0, 0, "", ("2001:db8::1", 80))
    answer.callback([four, six])
    assert asked == [("plait.example", 80)]
    assert found.result == [IPv4Address("TCP", "192.0.2.1", 80), IPv6Address("TCP", "2001:db8::1", 80)]


def test_a_function_that_fails():
    resolver = endpoints.FunctionResolver(lambda host, port: fail(OSError("no network")))
    with capturedLogs() as events:
        found = addresses_of(FakeReactor(resolver), "plait.example", 80)
    assert found.result.check(DNSLookupError)
    found.addErrback(lambda known: None)
    assert "cannot look up plait.example" in formatEvent(events[0])


class FakeReactor:
    def __init__(self, nameResolver):
        self.nameResolver = nameResolver
