"""The tree of resources."""

from __future__ import annotations

from typing import Any

import pytest

from plait.interfaces import verifyObject
from plait.web.error import UnsupportedMethod
from plait.web.pages import ErrorPage
from plait.web.resource import IResource, Resource, getChildForRequest
from tests.web.requests import FakeRequest


class Page(Resource):
    def render_GET(self, request: Any) -> bytes:
        return b"page"

    def render_PUT(self, request: Any) -> bytes:
        return b"put"


def test_children() -> None:
    root, child = Resource(), Page()
    root.putChild(b"a", child)
    assert root.getChildWithDefault(b"a", None) is child
    assert isinstance(root.getChildWithDefault(b"b", None), ErrorPage)
    assert root.listNames() == [b"a"]
    assert root.listEntities() == [(b"a", child)]
    assert root.getStaticEntity(b"a") is child
    root.delEntity(b"a")
    assert root.getStaticEntity(b"a") is None
    with pytest.raises(TypeError, match="is bytes"):
        root.putChild("a", child)  # type: ignore[arg-type]
    verifyObject(IResource, root)


def test_methods() -> None:
    page = Page()
    for method, body in ((b"GET", b"page"), (b"HEAD", b"page"), (b"PUT", b"put")):
        assert page.render(FakeRequest(method)) == body
    with pytest.raises(UnsupportedMethod) as caught:
        page.render(FakeRequest(b"DELETE"))
    assert caught.value.allowedMethods == [b"GET", b"HEAD", b"PUT"]
    for method in (b"GET", b"HEAD", b"\xff"):
        with pytest.raises(UnsupportedMethod) as caught:
            Resource().render(FakeRequest(method))
        assert caught.value.allowedMethods == []


def test_a_path_is_walked_until_a_leaf() -> None:
    root, child, leaf = Resource(), Resource(), Page()
    leaf.isLeaf = True
    root.putChild(b"a", child)
    child.putChild(b"b", leaf)
    request = FakeRequest(path=[b"a", b"b", b"c"])
    assert getChildForRequest(root, request) is leaf
    assert (request.prepath, request.postpath) == ([b"a", b"b"], [b"c"])
    assert getChildForRequest(root, FakeRequest()) is root
