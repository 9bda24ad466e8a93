"""Endpoints as strings: what each kind means, what is refused and how, and kinds that packages add."""

import os
import socket
from importlib.metadata import EntryPoint

import pytest

import plait
from plait import Factory
from plait.endpoints import (
    AdoptedStreamServerEndpoint,
    SSL4ClientEndpoint,
    StandardIOEndpoint,
    clientFromString,
    quoteStringArgument,
    serverFromString,
    strings,
)
from plait.endpoints.strings import parse
from plait.errors import SSLError
from plait.testing import MemoryReactorClock
from tests.endpoints.test_direct import Echo, Noting


@pytest.mark.parametrize(
    "text, args, named",
    [
        ("tcp:80", ["tcp", "80"], {}),
        ("tcp:80:interface=127.0.0.1", ["tcp", "80"], {"interface": "127.0.0.1"}),
        (r"unix:a\:b\=c\\", ["unix", "a:b=c\\"], {}),
        ("unix:address=a=b", ["unix"], {"address": "a=b"}),
        (r"tcp6:80:interface=\:\:1", ["tcp6", "80"], {"interface": "::1"}),
        ("stdio:", ["stdio", ""], {}),
    ],
)
def test_parse(text, args, named):
    assert parse(text) == (args, named)


@pytest.mark.parametrize("path", ["/a", "/a:b", "/a\\b", "C:\\folder:x=y"])
def test_what_is_quoted_comes_back(path):
    assert parse("unix:address=" + quoteStringArgument(path))[1] == {"address": path}


@pytest.mark.parametrize(
    "text, listening",
    [
        ("tcp:80", ("tcpServers", 80, 50, "")),
        ("tcp:80:interface=127.0.0.1:backlog=7", ("tcpServers", 80, 7, "127.0.0.1")),
        (r"tcp6:80:interface=\:\:1", ("tcpServers", 80, 50, "::1")),
        ("tcp6:80", ("tcpServers", 80, 50, "::")),
        ("unix:/a/socket", ("unixServers", "/a/socket", 50, 0o666, True)),
        ("unix:/a/socket:mode=660:lockfile=0:backlog=5", ("unixServers", "/a/socket", 5, 0o660, False)),
        (b"tcp:port=80", ("tcpServers", 80, 50, "")),
        ("haproxy:tcp:80", ("tcpServers", 80, 50, "")),
    ],
)
def test_servers(text, listening):
    reactor = MemoryReactorClock()
    serverFromString(reactor, text).listen(Factory())
    name, *arguments = listening
    first, _factory, *others = getattr(reactor, name)[0]
    assert [first, *others] == arguments


@pytest.mark.parametrize(
    "text, connecting",
    [
        ("tcp:host=192.0.2.1:port=80", ("tcpClients", "192.0.2.1", 80, 30, None)),
        ("tcp:192.0.2.1:80:timeout=7", ("tcpClients", "192.0.2.1", 80, 7, None)),
        ("tcp:host=192.0.2.1:80:bindAddress=192.0.2.9", ("tcpClients", "192.0.2.1", 80, 30, ("192.0.2.9", 0))),
        ("tls:192.0.2.1:443:timeout=2.5", ("tcpClients", "192.0.2.1", 443, 2.5, None)),
        ("tls:example.com:endpoint=tcp\\:192.0.2.1\\:443", ("tcpClients", "192.0.2.1", 443, 30, None)),
    ],
)
def test_clients(text, connecting):
    reactor = MemoryReactorClock()
    clientFromString(reactor, text).connect(Factory())
    name, *arguments = connecting
    host, port, _factory, *others = getattr(reactor, name)[0]
    assert [host, port, *others] == arguments


def test_unix_client():
    reactor = MemoryReactorClock()
    clientFromString(reactor, "unix:/a/socket:timeout=9:lockfile=1").connect(Factory())
    assert reactor.unixClients[0][0] == "/a/socket"
    assert reactor.unixClients[0][2:] == (9, True)


@pytest.mark.parametrize(
    "text, message",
    [
        ("ftl:andromeda", "Unknown endpoint type: 'ftl'"),
        ("", "Unknown endpoint type: ''"),
        ("tcp", "the tcp endpoint needs a port"),
        ("tcp:http", "port must be a number, not 'http'"),
        ("tcp:80:backlog=x", "backlog must be a number, not 'x'"),
        ("tcp:80:colour=red", "tcp endpoints have no argument 'colour'; they have: port, interface, backlog"),
        ("tcp:80:a:5:b", "too much in the tcp endpoint: 'b'"),
        ("tcp:80:interface=a:interface=b", "interface is given twice"),
        ("unix:/a:mode=999", "mode must be an octal number, not '999'"),
        ("unix:/a\\", "escape"),
        ("stdio:x", "stdio endpoints have no arguments"),
        ("fd:x", "fileno must be a number"),
        ("fd:987654", "descriptor 987654 is no socket"),
        ("systemd:domain=MOON:index=0", "domain must be INET, INET6 or UNIX, not 'MOON'"),
        ("systemd:domain=INET", "either an index or a name"),
        ("systemd:domain=INET:index=0:name=a", "either an index or a name"),
        ("systemd:domain=INET:index=0", "the service manager gave no socket 0"),
        ("haproxy:ftl:x", "Unknown endpoint type: 'ftl'"),
        ("ssl:443:privateKey=/no/such/file", "cannot read /no/such/file: No such file or directory"),
        ("tls:443", "needs a certificate: privateKey=FILE:certKey=FILE or certificates=FOLDER"),
        ("tls:443:certificates=/no/such/folder", "cannot read the folder /no/such/folder"),
        ("tls:443:certificates=/a:certKey=/b", "either certificates=FOLDER or one certificate"),
        ("tls:443:key.pem:certKey=/no/such/file", "cannot read /no/such/file"),
        ("ssl:443:sslmethod=SSLv2", "sslmethod must be one of"),
    ],
)
def test_refused_servers(text, message):
    with pytest.raises(ValueError) as caught:
        serverFromString(None, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("ftl:andromeda", "Unknown endpoint type: 'ftl'"),
        ("tcp:example.com", "the tcp endpoint needs a port"),
        ("tcp:example.com:80:timeout=soon", "timeout must be a number of seconds"),
        ("tls:example.com", "the tls endpoint needs a port"),
        ("tls:example.com:443:trustRoots=/no/such/folder", "there are no certificates"),
    ],
)
def test_refused_clients(text, message):
    with pytest.raises(ValueError) as caught:
        clientFromString(None, text)
    assert message in str(caught.value)


def test_stdio():
    assert isinstance(serverFromString(None, "stdio:"), StandardIOEndpoint)
    assert isinstance(serverFromString(None, "stdio"), StandardIOEndpoint)


def test_descriptor_that_was_given(run):
    async def main():
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            number = sock.getsockname()[1]
            endpoint = serverFromString(plait.reactor, f"fd:{sock.dup().detach()}")
        assert endpoint.addressFamily == socket.AF_INET
        await echoes(await endpoint.listen(Factory.forProtocol(Echo)), f"tcp:127.0.0.1:{number}")

    run(main)


def test_sockets_from_the_service_manager(monkeypatch):
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_FDNAMES", "web:admin")
    endpoint = serverFromString(None, "systemd:domain=INET6:index=1")
    assert isinstance(endpoint, AdoptedStreamServerEndpoint)
    assert (endpoint.fileno, endpoint.addressFamily) == (4, socket.AF_INET6)
    assert serverFromString(None, "systemd:domain=UNIX:name=web").fileno == 3
    with pytest.raises(ValueError, match="no socket 'mail'; it gave: web, admin"):
        serverFromString(None, "systemd:domain=UNIX:name=mail")
    monkeypatch.setenv("LISTEN_FDNAMES", ":admin")  # the first has no name
    assert serverFromString(None, "systemd:domain=UNIX:name=admin").fileno == 4
    monkeypatch.setenv("LISTEN_PID", "1")  # they are another's
    with pytest.raises(ValueError, match="gave no socket 1"):
        serverFromString(None, "systemd:domain=INET6:index=1")


async def echoes(port, client):
    protocol = await clientFromString(plait.reactor, client).connect(Factory.forProtocol(Noting))
    protocol.transport.write(b"line\n")
    assert await protocol.got == b"line\n"
    protocol.transport.loseConnection()
    await protocol.lost
    await port.stopListening()


@pytest.mark.parametrize(
    "kind, extra", [("ssl", ""), ("ssl", ":extraCertChain={cert}"), ("ssl", ":sslmethod=TLSv1_2_METHOD"), ("tls", "")]
)
def test_tls(run, certificate, kind, extra):
    key, cert = (quoteStringArgument(str(path)) for path in certificate)
    folder = quoteStringArgument(str(certificate[1].parent))

    async def main():
        text = f"{kind}:0:interface=127.0.0.1:privateKey={key}:certKey={cert}" + extra.format(cert=cert)
        for client in (
            "tls:localhost:{}:trustRoots=" + folder,
            "ssl:localhost:{}:caCertsDir=" + folder,
            "ssl:127.0.0.1:{}:hostname=localhost:caCertsDir=" + folder,
            "ssl:127.0.0.1:{}",
        ):
            port = await serverFromString(plait.reactor, text).listen(Factory.forProtocol(Echo))
            await echoes(port, client.format(port.getHost().port))

    run(main)


def test_tls_with_a_folder_of_certificates(run, certificate, tmp_path):
    for path, name in zip(certificate, ("localhost.key", "localhost.pem"), strict=True):
        (tmp_path / name).write_bytes(path.read_bytes())
    folder = quoteStringArgument(str(tmp_path))

    async def main():
        server = serverFromString(plait.reactor, f"tls:0:interface=127.0.0.1:certificates={folder}")
        port = await server.listen(Factory.forProtocol(Echo))
        await echoes(port, f"tls:localhost:{port.getHost().port}:trustRoots={folder}")

    run(main)


def test_tls_does_not_believe_everybody(run, certificate):
    key, cert = (quoteStringArgument(str(path)) for path in certificate)
    folder = quoteStringArgument(str(certificate[1].parent))

    async def main():
        server = serverFromString(plait.reactor, f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={cert}")
        port = await server.listen(Factory.forProtocol(Echo))
        number = port.getHost().port
        for client in (f"tls:localhost:{number}", f"tls:127.0.0.1:{number}:trustRoots={folder}"):
            protocol = await clientFromString(plait.reactor, client).connect(Factory.forProtocol(Noting))
            assert isinstance(await protocol.lost, SSLError)
        await port.stopListening()

    run(main)


def test_ssl_client_is_what_it_was():
    assert isinstance(clientFromString(None, "ssl:example.com:443"), SSL4ClientEndpoint)


class Kind:
    def parseStreamServer(self, reactor, *args, **kwargs):
        return reactor, args, kwargs


def test_kind_of_a_package(monkeypatch):
    def find(group, name):
        assert group == "plait.endpoints"
        return [EntryPoint("pigeon", "tests.endpoints.test_strings:theKind", group)] if name == "pigeon" else []

    monkeypatch.setattr(strings, "entry_points", find)
    assert serverFromString("reactor", "pigeon:a:b=c") == ("reactor", ("a",), {"b": "c"})
    with pytest.raises(ValueError, match="Unknown endpoint type: 'pigeon'"):
        clientFromString("reactor", "pigeon:a")  # it has servers only


theKind = Kind()


def test_unix_socket(run, tmp_path):
    path = quoteStringArgument(str(tmp_path / "socket"))

    async def main():
        port = await serverFromString(plait.reactor, f"unix:{path}").listen(Factory.forProtocol(Echo))
        await echoes(port, f"unix:{path}")

    run(main)
