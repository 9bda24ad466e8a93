"""Resources that lead elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from plait.deferred import Deferred, fail
from plait.web.redirects import DeferredResource, ParentRedirect, Redirect, redirectTo
from plait.web.resource import Resource, getChildForRequest
from tests.web.requests import FakeRequest


def test_a_redirect_for_all_below_it() -> None:
    resource = Redirect(b"https://example.com/new?a=1&b='2'")
    assert resource.getChild(b"x", None) is resource
    request = FakeRequest()
    request.render(resource)
    assert request.code == 302
    assert request.responseHeaders.getRawHeaders("location") == ["https://example.com/new?a=1&b='2'"]
    assert b"<a href=\"https://example.com/new?a=1&amp;b='2'\">" in request.written


def test_an_address_cannot_leave_its_place() -> None:
    request = FakeRequest()
    page = redirectTo(b'http://h/"><script>\r\nSet-Cookie: a=1', request)
    assert b"<script>" not in page
    assert request.responseHeaders.getRawHeaders("location") == ['http://h/"><script> Set-Cookie: a=1']
    with pytest.raises(TypeError, match="The URL is bytes"):
        redirectTo("http://h/", request)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prepath", "location"),
    [([b""], "/"), ([b"foo"], "/"), ([b"foo", b""], "/foo/"), ([b"foo", b"bar"], "/foo/")],
)
def test_the_folder_above(prepath: list[bytes], location: str) -> None:
    request = FakeRequest()
    request.prepath = prepath
    request.render(ParentRedirect())
    assert request.responseHeaders.getRawHeaders("location") == [f"http://example.com{location}"]


class Page(Resource):
    def render_GET(self, request: Any) -> bytes:
        return b"page"


def test_a_resource_that_comes_later() -> None:
    later: Deferred[Any] = Deferred()
    root = Resource()
    root.putChild(b"a", DeferredResource(later))
    request = FakeRequest(path=[b"a", b"b"])
    request.render(getChildForRequest(root, request))
    assert not request.finished
    real = Resource()
    real.putChild(b"b", Page())
    later.callback(real)
    assert request.written == b"page"
    assert request.finished


def test_a_resource_that_does_not_come() -> None:
    resource = DeferredResource(fail(RuntimeError()))
    assert resource.getChild(b"x", None) is resource
    request = FakeRequest()
    request.render(resource)
    assert request.failed is not None
    assert request.failed.check(RuntimeError)
