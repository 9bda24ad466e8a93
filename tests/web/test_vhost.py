"""Several sites on one port, and paths that are changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from plait.web.resource import Resource, getChildForRequest
from plait.web.rewrite import RewriterResource, alias, tildeToUsers
from plait.web.vhost import NameVirtualHost, VHostMonsterResource
from tests.web.requests import FakeRequest


class Page(Resource):
    def __init__(self, body: bytes, leaf: bool = False) -> None:
        super().__init__()
        self.body = body
        self.isLeaf = leaf

    def render_GET(self, request: Any) -> bytes:
        return self.body + b" " + b"/".join(request.postpath)

    def getChild(self, path: bytes, request: Any) -> Resource:
        return Page(self.body + b"/" + path)


def get(root: Resource, *path: bytes, host: bytes | None = None, site: Any = None) -> FakeRequest:
    request = FakeRequest(path=list(path))
    request.site = site
    if host is not None:
        request.requestHeaders.addRawHeader(b"host", host)
    request.render(getChildForRequest(root, request))
    return request


@pytest.mark.parametrize(
    ("host", "body"),
    [
        (b"one.example", b"one/a/b "),
        (b"ONE.example:8080", b"one/a/b "),
        (b"leaf.example", b"leaf a/b"),
        (b"[::1]:80", b"six/a/b "),
        (b"other.example", b"default/a/b "),
        (None, b"default/a/b "),
    ],
)
def test_by_name(host: bytes | None, body: bytes) -> None:
    root = NameVirtualHost()
    root.addHost(b"One.Example", Page(b"one"))
    root.addHost(b"leaf.example", Page(b"leaf", leaf=True))
    root.addHost(b"[::1]", Page(b"six"))
    root.default = Page(b"default")
    assert get(root, b"a", b"b", host=host).written == body


def test_a_name_that_is_not_there() -> None:
    root = NameVirtualHost()
    root.addHost(b"gone.example", Page(b""))
    root.removeHost(b"GONE.example")
    for path in ((), (b"a",)):
        for host in (b"gone.example", b"<b>x</b>", None):
            request = get(root, *path, host=host)
            assert request.code == 404
            assert b"<b>" not in request.written


@pytest.mark.parametrize(
    ("scheme", "host", "secure", "named"),
    [
        (b"http", b"one.example", False, (b"one.example", 80)),
        (b"https", b"one.example", True, (b"one.example", 443)),
        (b"https", b"one.example:8443", True, (b"one.example", 8443)),
        (b"http", b"odd:name", False, (b"odd:name", 80)),
    ],
)
def test_what_a_proxy_says(scheme: bytes, host: bytes, secure: bool, named: tuple[bytes, int]) -> None:
    root, page = Resource(), Page(b"site")
    root.putChild(b"vhost", VHostMonsterResource())
    site = SimpleNamespace(getResourceFor=lambda request: getChildForRequest(page, request))
    request = get(root, b"vhost", scheme, host, b"a", b"b", site=site)
    assert request.written == b"site/a/b "
    assert (request.isSecure(), request.host) == (secure, named)
    assert (request.uri, request.path, request.prepath) == (b"/a/b", b"/a/b", [b"a", b"b"])


def test_a_proxy_that_says_something_else() -> None:
    root = Resource()
    root.putChild(b"vhost", VHostMonsterResource())
    assert get(root, b"vhost", b"ftp", b"host").code == 404


def test_rules() -> None:
    root = RewriterResource(Page(b""), tildeToUsers, alias(b"/old/", b"/new/place"))
    for path, body, named in (
        ((b"~me", b"x"), b"/users/me/x ", b"/users/me/x"),
        ((b"old",), b"/new/place ", b"/new/place"),
        ((b"old", b"x"), b"/new/place/x ", b"/new/place/x"),
        ((b"older",), b"/older ", b"/older"),
    ):
        request = get(root, *path)
        assert (request.written, request.path) == (body, named)
    assert get(root).written == b" "
