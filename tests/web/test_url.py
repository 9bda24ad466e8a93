"""URLs taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.client import _parse
from plait.web.error import InvalidURL
from plait.web.url import URL, join, parse


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://example.com", (b"http", b"example.com", 80, b"/")),
        (b"http://example.com/", (b"http", b"example.com", 80, b"/")),
        ("https://example.com/a/b?c=d&e", (b"https", b"example.com", 443, b"/a/b?c=d&e")),
        ("HTTP://Example.COM:8080/Path", (b"http", b"example.com", 8080, b"/Path")),
        ("http://example.com:/x", (b"http", b"example.com", 80, b"/x")),
        ("http://example.com?q", (b"http", b"example.com", 80, b"/?q")),
        ("http://example.com/x#part", (b"http", b"example.com", 80, b"/x")),
        ("http://example.com#part", (b"http", b"example.com", 80, b"/")),
        ("http://127.0.0.1:81/", (b"http", b"127.0.0.1", 81, b"/")),
        ("http://[::1]:81/x", (b"http", b"::1", 81, b"/x")),
        ("http://my_host.local./", (b"http", b"my_host.local.", 80, b"/")),
        ("http://bücher.example/ä?ö", (b"http", b"xn--bcher-kva.example", 80, b"/%C3%A4?%C3%B6")),
        ("http://bücher.example/".encode(), (b"http", b"xn--bcher-kva.example", 80, b"/")),
        (b"http://example.com/\xff", (b"http", b"example.com", 80, b"/%FF")),
        ("http://example.com/a%20b%zz", (b"http", b"example.com", 80, b"/a%20b%zz")),
        ('http://example.com/<a>"|\\^`{}', (b"http", b"example.com", 80, b"/%3Ca%3E%22%7C%5C%5E%60%7B%7D")),
        ("http://example.com/;p:@!$&'()*+,=~[]", (b"http", b"example.com", 80, b"/;p:@!$&'()*+,=~[]")),
    ],
)
def test_parts(url: str | bytes, parts: tuple[bytes, bytes, int, bytes]) -> None:
    if isinstance(url, str):
        parts = tuple(p.decode() if isinstance(p, bytes) else p for p in parts)
    assert _parse(url) == parts
    assert type(_parse(url)) is tuple


def test_default_port() -> None:
    assert _parse("http://example.com/", 8000)[2] == 8000
    assert _parse("http://example.com:81/", defaultPort=8000)[2] == 81


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("example.com", "must begin with http"),
        ("/path", "must begin with http"),
        ("", "must begin with http"),
        ("http:/example.com/", "must begin with http"),
        ("ftp://example.com/", "ftp:// is not spoken"),
        ("http:///path", "not a host name"),
        ("http://:80/", "not a host name"),
        ("http://a..b/", "not a host name"),
        ("http://exa%6dple.com/", "not a host name"),
        ("http://example.com\\@evil/", "user name"),
        ("http://example.com\\x/", "not a host name"),
        ("http://user:secret@example.com/", "Authorization"),
        ("http://example.com:0/", "between 1 and 65535"),
        ("http://example.com:65536/", "between 1 and 65535"),
        ("http://example.com:00080000000000000000/", "between 1 and 65535"),
        ("http://example.com:+80/", "malformed"),
        ("http://example.com:80x/", "malformed"),
        ("http://::1/", "brackets"),
        ("http://[::1/", "brackets"),
        ("http://[nonsense]/", "not an IPv6 address"),
        ("http://[fe80::1%25eth0]/", "not an IPv6 address|zone"),
        ("http://" + "a" * 300 + "/", "not a host name"),
        ("http://" + "ä" * 300 + ".de/", "IDNA"),
        (b"http://\xff/", "IDNA"),
        ("http://example.com/\udc80", "UTF-8"),
        ("http://℀.com/", "not a host name"),
    ],
)
def test_what_cannot_be_fetched(url: str | bytes, said: str) -> None:
    with pytest.raises(InvalidURL, match=said):
        _parse(url)


@pytest.mark.parametrize("char", [*map(chr, range(0x21)), "\x7f"])
@pytest.mark.parametrize(
    "url", ["http://exam{}ple.com/", "http://example.com/{}x", "http://example.com/{}", "{}http://h/"]
)
def test_spaces_and_control_characters_are_refused(char: str, url: str) -> None:
    with pytest.raises(InvalidURL, match="space or control character") as caught:
        _parse(url.format(char))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("url", "netloc"),
    [
        ("http://example.com:80/", b"example.com"),
        ("https://example.com:443/", b"example.com"),
        ("http://example.com:443/", b"example.com:443"),
        ("https://[::1]:80/", b"[::1]:80"),
        ("http://[::1]/", b"[::1]"),
    ],
)
def test_netloc(url: str, netloc: bytes) -> None:
    assert parse(url).netloc == netloc


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("http://other/x", "http://other/x"),
        ("HTTPS://other:8443", "https://other:8443/"),
        ("//other/x", "https://other/x"),
        ("/x?y", "https://example.com:81/x?y"),
        ("x", "https://example.com:81/a/x"),
        ("../x", "https://example.com:81/x"),
        ("../../../x", "https://example.com:81/x"),
        ("?new", "https://example.com:81/a/b?new"),
        ("#part", "https://example.com:81/a/b?c"),
        ("/sp ace ", "https://example.com:81/sp%20ace"),
        ("/ä", "https://example.com:81/%C3%A4"),
        (b"/\xe4", "https://example.com:81/%E4"),
        ("http://bücher.example/ä b", "http://xn--bcher-kva.example/%C3%A4%20b"),
    ],
)
def test_join(location: str | bytes, url: str) -> None:
    assert bytes(join(parse("https://example.com:81/a/b?c"), location)) == url.encode()


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://x/", "mailto:a@b", "javascript:alert(1)", "/a\r\nX: y"]
)
def test_join_leads_nowhere(location: str) -> None:
    with pytest.raises(InvalidURL):
        join(parse("http://example.com/"), location)


@given(st.text() | st.text().map("http://h/{}".format) | st.text().map("http://{}/".format) | st.binary())
def test_what_is_accepted_is_safe_on_the_wire(url: str | bytes) -> None:
    try:
        parts = parse(url)
    except InvalidURL:
        return
    wire = bytes(parts)
    assert all(0x21 <= byte <= 0x7E for byte in wire)
    assert parse(wire) == parts
    assert isinstance(parts, URL) and 0 < parts.port < 65536 and parts.path.startswith(b"/")


@given(st.text() | st.binary())
def test_what_a_location_leads_to_is_safe_on_the_wire(location: str | bytes) -> None:
    try:
        parts = join(parse("http://example.com/a/b"), location)
    except InvalidURL:
        return
    assert parse(bytes(parts)) == parts
