"""Certificates by name, from files, and loaded anew while a server serves."""

from __future__ import annotations

import asyncio
import shutil
import ssl

import pytest

from plait import Factory, reactor
from plait.endpoints import serverFromString, wrapServerTLS
from plait.errors import ConnectionDone, SSLError
from plait.log import capturedLogs
from plait.service import SSLServer, StreamServerEndpointService
from plait.transport.tls import DefaultOpenSSLContextFactory, ServerContexts
from tests.certificates import make_certificate
from tests.transport.tls_helpers import Echo, SecureServer, connecting, secure_connection


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three certificates: for two names and for a wildcard. Nobody changes these files."""
    folder = tmp_path_factory.mktemp("made")
    for name, names in {"a": ["a.example"], "b": ["b.example"], "wild": ["*.wild.example"]}.items():
        (folder / name).mkdir()
        make_certificate(folder / name, *names)
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """A folder with each layout that is understood."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    put(made / "a", folder / "a.example.pem", folder / "a.example.key")
    (folder / "b.example").mkdir()
    put(made / "b", folder / "b.example" / "fullchain.pem", folder / "b.example" / "privkey.pem")
    put(made / "wild", folder / "_wildcard.wild.example.pem", folder / "_wildcard.wild.example-key.pem")
    (folder / "README").write_text("no certificate")
    (folder / "empty").mkdir()
    (folder / ".hidden.pem").write_text("an editor's")
    return folder


def put(made, certificate, key):
    """Copy a certificate and its key."""
    shutil.copy(made / "cert.pem", certificate)
    shutil.copy(made / "key.pem", key)


def believing(made):
    """A client's context that trusts all three."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name in ("a", "b", "wild"):
        context.load_verify_locations(made / name / "cert.pem")
    return context


async def shown(server, made, name):
    """The name in the certificate that a client which asks for `name` is shown, whatever it is."""
    context = believing(made)
    context.check_hostname = False
    client, there = await secure_connection(server, context, hostname=name)
    ((_, found),) = client.transport.getPeerCertificate()["subjectAltName"]
    client.transport.loseConnection()
    assert isinstance(await there.lost, ConnectionDone)
    return found


async def test_each_client_gets_the_certificate_for_its_name(folder, made):
    contexts = ServerContexts(folder)
    assert sorted(contexts.names) == ["*.wild.example", "a.example", "b.example"]
    async with SecureServer(contexts) as server:
        for name in ("a.example", "A.Example", "b.example"):
            assert await shown(server, made, name) == name.lower()
        assert await shown(server, made, "any.wild.example") == "*.wild.example"


@pytest.mark.parametrize("name", ["c.example", "wild.example", "two.labels.wild.example", "a.example.c", None])
async def test_who_asks_for_another_name_gets_the_default(folder, made, name):
    contexts = ServerContexts(folder)
    assert contexts.contextFor(name) is contexts.getContext()
    put(made / "b", folder / "default.pem", folder / "default.key")
    assert contexts.reload() == []
    async with SecureServer(contexts) as server:
        assert await shown(server, made, name or "127.0.0.1") == "b.example"  # no name is sent for an address


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_name_that_is_none_is_refused(folder, made):
    """Python says so on standard error, and answers with an alert."""
    hello = ssl.MemoryBIO()
    tls = believing(made).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="a.example")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    async with SecureServer(ServerContexts(folder)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        writer.write(hello.read().replace(b"a.example", b"\xff.\x80..wxyz"))
        assert (await reader.read(1))[:1] == b"\x15"  # an alert
        assert isinstance(await (await server.accepted()).lost, SSLError)
        writer.close()
        assert await shown(server, made, "a.example") == "a.example"


async def test_a_mapping_of_names_to_files(made, tmp_path):
    both = tmp_path / "both.pem"
    both.write_text((made / "b" / "key.pem").read_text() + (made / "b" / "cert.pem").read_text())
    contexts = ServerContexts(
        {
            "A.example.": (made / "a" / "cert.pem", made / "a" / "key.pem"),
            "b.example": both,
            "bücher.example": (str(both), None),
        }
    )
    assert contexts.names == ["a.example", "b.example", "xn--bcher-kva.example"]
    assert contexts.contextFor("b.example") is not contexts.contextFor("a.example") is contexts.getContext()
    async with SecureServer(contexts) as server:
        assert await shown(server, made, "b.example") == "b.example"


async def test_what_is_configured_holds_for_each_name(folder, made):
    contexts = ServerContexts(folder, lambda context: context.set_alpn_protocols(["h2", "http/1.1"]))
    context = believing(made)
    context.set_alpn_protocols(["http/1.1"])
    async with SecureServer(contexts) as server:
        for name in ("a.example", "b.example"):
            client, there = await secure_connection(server, context, hostname=name)
            assert client.transport.negotiatedProtocol == there.transport.negotiatedProtocol == b"http/1.1"
            client.transport.loseConnection()
            assert isinstance(await there.lost, ConnectionDone)


async def test_reload_swaps_certificates_and_leaves_connections_alone(folder, made):
    contexts = ServerContexts(folder)
    async with SecureServer(contexts) as server:
        client, there = await secure_connection(server, believing(made), hostname="a.example")
        put(made / "b", folder / "a.example.pem", folder / "a.example.key")
        put(made / "a", folder / "b.example" / "fullchain.pem", folder / "b.example" / "privkey.pem")
        (folder / "_wildcard.wild.example.pem").unlink()
        put(made / "wild", folder / "*.new.example.pem", folder / "*.new.example.key")
        assert contexts.reload() == []
        assert sorted(contexts.names) == ["*.new.example", "a.example", "b.example"]
        client.transport.write(b"as before")
        assert await client.wait_for(9) == b"as before"
        assert await shown(server, made, "a.example") == "b.example"
        assert await shown(server, made, "b.example") == "a.example"
        client.transport.loseConnection()
        assert isinstance(await there.lost, ConnectionDone)


def spoil(folder, made, how):
    """Make a fault of that kind, and give the file that it is in."""
    certificate, key = folder / "a.example.pem", folder / "a.example.key"
    text = certificate.read_text()
    if how == "is not that of the certificate in":
        shutil.copy(made / "b" / "key.pem", key)
    elif how == "there is no certificate in":
        certificate.write_text("not yet\n")
        return certificate
    elif how == "there is no private key in":
        key.write_text(text)
    elif how == "the certificate in {} is damaged":
        certificate.write_text(text[:200] + "\n-----END CERTIFICATE-----\n")
        return certificate
    elif how == "the private key in {} is damaged":
        key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    elif how == "is encrypted":
        key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    elif how == "cannot read {}: Is a directory":
        key.unlink()
        key.mkdir()
    return key


FAULTS = [
    "is not that of the certificate in",
    "there is no certificate in",
    "there is no private key in",
    "the certificate in {} is damaged",
    "the private key in {} is damaged",
    "is encrypted",
    "cannot read {}: Is a directory",
]


@pytest.mark.parametrize("how", FAULTS)
async def test_a_faulty_file_leaves_the_old_certificate_in_place(folder, made, how):
    contexts = ServerContexts(folder)
    wrong = spoil(folder, made, how)
    put(made / "wild", folder / "b.example" / "fullchain.pem", folder / "b.example" / "privkey.pem")
    with capturedLogs() as seen:
        (fault,) = contexts.reload()
    assert how.format(wrong) in fault and str(wrong) in fault and "\n" not in fault
    assert fault.endswith("; a.example keeps the certificate that was there")
    assert [event["fault"] for event in seen if "fault" in event] == [fault]
    async with SecureServer(contexts) as server:
        assert await shown(server, made, "a.example") == "a.example"
        assert await shown(server, made, "b.example") == "*.wild.example"


@pytest.mark.parametrize("how", FAULTS)
def test_a_faulty_file_at_the_start_is_an_error_of_one_line(folder, made, how):
    wrong = spoil(folder, made, how)
    with pytest.raises(ValueError) as caught:
        ServerContexts(folder)
    assert how.format(wrong) in str(caught.value) and str(wrong) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_new_name_whose_file_is_faulty_has_no_certificate(folder, made):
    contexts = ServerContexts(folder)
    (folder / "c.example.pem").write_text("")
    assert contexts.reload() == [f"there is no certificate in {folder / 'c.example.pem'}; c.example has none"]
    assert "c.example" not in contexts.names


@pytest.mark.parametrize("gone", [False, True])
def test_an_empty_folder_leaves_all_as_it_was(folder, gone):
    contexts = ServerContexts(folder)
    if gone:
        folder.rename(folder.with_name("moved"))
    else:
        for path in folder.iterdir():
            path.rename(path.with_name("." + path.name.lstrip(".")))
    (fault,) = contexts.reload()
    assert ("cannot read the folder" if gone else "there are no certificates in") in fault
    assert len(contexts.names) == 3


@pytest.mark.parametrize("certificates", [{}, {"a..example\u00e9": "x"}])
def test_names_that_will_not_do(certificates):
    with pytest.raises(ValueError, match=r"no certificates|not the name of a host"):
        ServerContexts(certificates)


def test_a_setting_that_cannot_be_made_is_a_fault_as_well(folder):
    def configure(context):
        context.set_ciphers("NO SUCH CIPHER" if bad else "DEFAULT")

    bad = False
    contexts = ServerContexts(folder, configure)
    bad = True
    faults = contexts.reload()
    assert len(faults) == 3 and all("No cipher" in fault for fault in faults)


async def test_services_load_certificates_anew(made, tmp_path):
    """By what a SIGHUP calls; with objects and with strings."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    put(made / "a", certificate, key)
    factory = Factory.forProtocol(Echo)
    contexts = ServerContexts({"a.example": (certificate, key)})
    services = [
        SSLServer(0, factory, DefaultOpenSSLContextFactory(key, certificate), interface="127.0.0.1"),
        SSLServer(0, factory, contextFactory=contexts, interface="127.0.0.1"),
        StreamServerEndpointService(f"tls:0:privateKey={key}:certKey={certificate}:interface=127.0.0.1", factory),
        StreamServerEndpointService(f"ssl:0:privateKey={key}:certKey={certificate}:interface=127.0.0.1", factory),
        StreamServerEndpointService(wrapServerTLS(contexts, serverFromString(reactor, "tcp:0")), factory),
    ]
    for service in services:
        service.startService()
        assert await handshake(service, made, "a.example") is None
    put(made / "b", certificate, key)
    for service in services:
        service.reloadService()
        assert "Hostname mismatch" in str(await handshake(service, made, "a.example"))
        assert await handshake(service, made, "b.example") is None
    certificate.write_text("half written")
    for service in services:
        with capturedLogs() as seen:
            service.reloadService()
        (fault,) = [event["fault"] for event in seen if "fault" in event]
        assert f"there is no certificate in {certificate}; " in fault and "certificate that was there" in fault
        assert await handshake(service, made, "b.example") is None
        await service.stopService()
    SSLServer(0, factory, ssl.create_default_context()).reloadService()  # which has nothing to load
    StreamServerEndpointService("tcp:0", factory).reloadService()


async def handshake(service, made, name):
    """Make a connection to a service, and end it: the error that the handshake fails with."""
    client = connecting(service.getHost().port, believing(made), hostname=name)
    p = await client.connected
    p.secured.addCallback(lambda _: p.transport.loseConnection())
    error = await client.gone
    return error if isinstance(error, SSLError) else None
