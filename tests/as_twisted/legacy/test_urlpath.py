"""Addresses beside and below an address."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy.urlpath import URLPath

HERE = URLPath.fromBytes(b"http://example.com/foo/bar?yes=no&no=yes#footer")


def test_parts() -> None:
    assert (HERE.scheme, HERE.netloc, HERE.path) == (b"http", b"example.com", b"/foo/bar")
    assert (HERE.query, HERE.fragment) == (b"yes=no&no=yes", b"footer")
    assert str(HERE) == "http://example.com/foo/bar?yes=no&no=yes#footer"
    assert eval(repr(HERE)) == HERE and hash(HERE) == hash(eval(repr(HERE)))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (HERE.child(b"baz"), "foo/bar/baz"),
        (HERE.child(b"a b/c"), "foo/bar/a%20b%2Fc"),
        (HERE.child(b"baz", keepQuery=True), "foo/bar/baz?yes=no&no=yes"),
        (HERE.child(b"").child(b"baz"), "foo/bar/baz"),
        (HERE.sibling(b"baz"), "foo/baz"),
        (HERE.parent(), ""),
        (HERE.here(), "foo/"),
        (HERE.here().here(), "foo/"),
        (HERE.up(), "foo"),
        (HERE.click(b"/x?y"), "x?y"),
        (HERE.click(b"x"), "foo/x"),
    ],
)
def test_relatives(found: URLPath, expected: str) -> None:
    assert str(found) == f"http://example.com/{expected}"


def test_the_list_of_parts() -> None:
    path = URLPath.fromString("http://example.com/a%20b/c")
    assert path.pathList() == [b"", b"a%20b", b"c"]
    assert path.pathList(unquote=True) == [b"", b"a b", b"c"]


def test_kinds_of_text() -> None:
    assert bytes(URLPath.fromString("http://example.com/é")) == b"http://example.com/%C3%A9"
    with pytest.raises(ValueError):
        URLPath.fromString(b"http://example.com")
    with pytest.raises(ValueError):
        URLPath.fromBytes("http://example.com")


def test_of_a_request() -> None:
    class Request:
        def prePathURL(self) -> bytes:
            return b"http://example.com/page"

    assert str(URLPath.fromRequest(Request())) == "http://example.com/page"


def test_parts_are_bytes_however_they_are_set() -> None:
    path = URLPath.fromString("http://example.com/a")
    path.scheme, path.netloc, path.path = "https", b"example.org", "/\u20ac"
    assert (path.scheme, path.path) == (b"https", b"/%E2%82%AC")
    assert str(path) == "https://example.org/%E2%82%AC"
    assert str(URLPath()) == "http://localhost/"
    assert str(URLPath.fromBytes(b"http://example.com/\xff")) == "http://example.com/%FF"
