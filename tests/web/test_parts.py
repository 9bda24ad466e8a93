"""Templates, guards, hosts and XML-RPC on a real site, asked by the standard library's clients."""

from __future__ import annotations

import http.client
import xmlrpc.client
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from plait.auth.checkers import InMemoryUsernamePasswordDatabaseDontUse
from plait.auth.portal import Portal
from plait.current import getReactor
from plait.deferred import succeed
from plait.engine import deferToThread
from plait.task import deferLater
from plait.web.guard import BasicCredentialFactory, HTTPAuthSessionWrapper
from plait.web.pages import forbidden
from plait.web.redirects import DeferredResource, ParentRedirect, Redirect
from plait.web.resource import IResource, Resource
from plait.web.site import Site
from plait.web.template import Element, TagLoader, renderElement, tags
from plait.web.vhost import NameVirtualHost, VHostMonsterResource
from plait.web.xmlrpc import XMLRPC, Fault, Proxy, addIntrospection, withRequest


class Page(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> int:
        where = tags.b(request.prePathURL().decode(), " ", b"/".join(request.postpath).decode())
        later = deferLater(getReactor(), 0, lambda: where)
        return renderElement(request, Element(TagLoader(tags.p(later))))


class Service(XMLRPC):
    def xmlrpc_add(self, a: int, b: int) -> int:
        return a + b

    async def xmlrpc_echo(self, *args: Any) -> Any:
        return await succeed(list(args))

    def xmlrpc_no(self) -> None:
        raise Fault(7, "no")

    @withRequest
    def xmlrpc_user(self, request: Any) -> list[bytes]:
        return [request.getUser(), request.getPassword()]


class Realm:
    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        return IResource, Page(), lambda: None


def tree() -> Resource:
    root = Resource()
    users = InMemoryUsernamePasswordDatabaseDontUse()
    users.addUser(b"me", b"pass")
    service = Service(allowNone=True)
    addIntrospection(service)
    hosts = NameVirtualHost()
    hosts.addHost(b"one.example", Page())
    for path, child in (
        (b"page", Page()),
        (b"no", forbidden()),
        (b"to", Redirect(b"/page")),
        (b"folder", ParentRedirect()),
        (b"later", DeferredResource(succeed(Page()))),
        (b"in", HTTPAuthSessionWrapper(Portal(Realm(), [users]), [BasicCredentialFactory("x")])),
        (b"hosts", hosts),
        (b"vhost", VHostMonsterResource()),
        (b"RPC2", service),
    ):
        root.putChild(path, child)
    return root


@pytest.fixture
async def port() -> AsyncIterator[int]:
    listening = getReactor().listenTCP(0, Site(tree()), interface="127.0.0.1")
    yield listening.getHost().port
    await listening.stopListening()


async def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    """The status, headers and body of an answer."""

    def blocking() -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body

    return await deferToThread(blocking)


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/page/a", {}, 200, "/page a</b></p>"),
        ("/later/a", {}, 200, "/later a</b></p>"),
        ("/no/matter/what", {}, 403, "<h1>Forbidden Resource</h1>"),
        ("/nothing", {}, 404, "No Such Resource"),
        ("/in/a", {}, 401, "Unauthorized"),
        ("/in/a", {"Authorization": "Basic " + b64encode(b"me:wrong").decode()}, 401, "Unauthorized"),
        ("/in/a", {"Authorization": "Basic " + b64encode(b"me:pass").decode()}, 200, "/in a</b></p>"),
        ("/hosts/a", {"Host": "One.example:80"}, 200, "a</b></p>"),
        ("/hosts/a", {"Host": "two.example"}, 404, "There is no site of this name here."),
        ("/vhost/https/one.example/page/a", {}, 200, "https://one.example/page a</b></p>"),
    ],
)
async def test_pages(port: int, path: str, headers: dict[str, str], status: int, said: str) -> None:
    answer = await ask(port, path, **headers)
    assert answer[0] == status
    assert said in answer[2]


async def test_redirects(port: int) -> None:
    assert (await ask(port, "/to/x"))[:2][1]["location"] == "/page"
    status, headers, _ = await ask(port, "/folder?x=1")
    assert (status, headers["location"]) == (302, f"http://127.0.0.1:{port}/")


async def test_xmlrpc_for_a_client_that_is_not_ours(port: int) -> None:
    def blocking() -> list[Any]:
        with xmlrpc.client.ServerProxy(f"http://me:pa%40ss@127.0.0.1:{port}/RPC2", allow_none=True) as proxy:
            answers: list[Any] = [proxy.add(2, 3), proxy.echo(None, "ä", {"a": [1.5]}), proxy.system.listMethods()]
            answers += [[part.data for part in proxy.user()]]
            try:
                proxy.no()
            except xmlrpc.client.Fault as fault:
                answers.append(fault.faultCode)
        return answers

    total, echoed, methods, user, code = await deferToThread(blocking)
    assert (total, echoed, user, code) == (5, [None, "ä", {"a": [1.5]}], [b"me", b"pa@ss"], 7)
    assert {"add", "system.listMethods"} <= set(methods)
    assert (await ask(port, "/RPC2"))[0] == 405


async def test_xmlrpc_for_ours(port: int) -> None:
    proxy = Proxy(b"http://127.0.0.1:%d/RPC2" % port, b"me", b"secret", allowNone=True)
    assert await proxy.callRemote("echo", None, "x") == [None, "x"]
    assert [part.data for part in await proxy.callRemote("user")] == [b"me", b"secret"]
    with pytest.raises(Fault, match="not found"):
        await proxy.callRemote("missing")
