"""Reading and making cookies."""

from __future__ import annotations

from http.cookies import Morsel, SimpleCookie

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plait.web.cookies import expireCookie, makeCookie, parseCookies


def test_reading() -> None:
    assert parseCookies([b'a=1; b="x y";c=; d', b" a=2 ;=;e=f=g"]) == {
        b"a": b"2",
        b"b": b'"x y"',
        b"c": b"",
        b"": b"",
        b"e": b"f=g",
    }
    assert parseCookies([]) == {}


def test_the_defaults_are_the_careful_ones() -> None:
    assert makeCookie("id", b"7") == b"id=7; Path=/; HttpOnly; SameSite=Lax"


def test_all_attributes() -> None:
    cookie = makeCookie(
        "__Secure-id",
        "a",
        maxAge=60,
        expires=0,
        domain="example.com",
        path="/x",
        secure=True,
        httpOnly=False,
        sameSite="none",
        partitioned=True,
    )
    assert cookie == (
        b"__Secure-id=a; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60; Domain=example.com; Path=/x; Secure; "
        b"SameSite=None; Partitioned"
    )
    assert makeCookie("a", "b", path=None, httpOnly=False, sameSite=None) == b"a=b"


def test_forgetting() -> None:
    assert expireCookie("id", path="/x") == (
        b"id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/x; HttpOnly; SameSite=Lax"
    )
    assert b"; Secure" in expireCookie("__Host-id")


@pytest.mark.parametrize(
    ("name", "value", "options", "why"),
    [
        ("a b", "", {}, "name"),
        ("", "", {}, "name"),
        ("a=", "", {}, "name"),
        ("ä", "", {}, "name"),
        ("a", "x; Domain=evil", {}, "encode it"),
        ("a", "x\r\nSet-Cookie: b=c", {}, "encode it"),
        ("a", "x\n", {}, "encode it"),
        ("a", 'x"', {}, "encode it"),
        ("a", "ä", {}, "encode it"),
        ("a", "", {"path": "/; Secure"}, "Path"),
        ("a", "", {"path": "x"}, "slash"),
        ("a", "", {"domain": "x\r\ny"}, "Domain"),
        ("a", "", {"sameSite": "some"}, "lax, strict or none"),
        ("a", "", {"sameSite": "none"}, "SameSite=None"),
        ("a", "", {"partitioned": True}, "Partitioned"),
        ("__Secure-a", "", {}, "__Secure-"),
        ("__Host-a", "", {}, "__Secure- or __Host-"),
        ("__host-a", "", {"secure": True, "domain": "example.com"}, "without a domain"),
        ("__Host-a", "", {"secure": True, "path": "/x"}, "the path /"),
    ],
)
def test_what_browsers_would_not_take(name: str, value: str, options: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        makeCookie(name, value, **options)  # type: ignore[arg-type]


@given(st.binary(), st.binary())
def test_what_is_made_can_be_read(name: bytes, value: bytes) -> None:
    try:
        cookie = makeCookie(name, value)
    except ValueError:
        return
    pair = cookie.partition(b";")[0]
    assume(name != b"z")  # the last of a name counts
    assert parseCookies([b"x=y; " + pair + b"; z=1"])[name] == value
    assert b"\r" not in cookie and b"\n" not in cookie
    # to the standard library an attribute's name is no cookie, nor is one that begins with a dollar (RFC 2109)
    special = name.startswith(b"$") or name.decode().lower() in Morsel._reserved  # type: ignore[attr-defined]
    assert special or list(SimpleCookie(cookie.decode())) == [name.decode()]
