"""Forms: by pieces, and within limits."""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.forms import Form, FormError, FormParser, parse_qs, readForm
from plait.web.limits import FormLimits, Limits
from plait.web.resource import Resource
from tests.web.serving import Serving

URLENCODED = b"application/x-www-form-urlencoded"
MULTIPART = b"multipart/form-data; boundary=XX"

# a name, a file's name or None, the contents
Part = tuple[bytes, bytes | None, bytes]


def multipart(*parts: Part, boundary: bytes = b"XX") -> bytes:
    body = b""
    for name, filename, data in parts:
        body += b'--%b\r\nContent-Disposition: form-data; name="%b"' % (boundary, name)
        if filename is not None:
            body += b'; filename="%b"\r\nContent-Type: text/x-me' % filename
        body += b"\r\n\r\n%b\r\n" % data
    return body + b"--%b--\r\n" % boundary


def parse(kind: bytes, pieces: Iterable[bytes], limits: FormLimits | None = None) -> Form:
    parser = FormParser(kind, limits)
    for piece in pieces:
        parser.feed(piece)
    return parser.finish()


def contents(form: Form) -> tuple[dict[bytes, list[bytes]], dict[bytes, list[tuple[str, str, bytes, int]]]]:
    files = {
        name: [(one.filename, one.contentType, one.file.read(), one.size) for one in found]
        for name, found in form.files.items()
    }
    return form.fields, files


def cut(data: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(marks)]


def test_urlencoded() -> None:
    form = parse(URLENCODED + b"; charset=utf-8", [b"a=1&b=%C3%A4+x&a=2&c&=d&&e=f=g"])
    assert form.fields == {b"a": [b"1", b"2"], b"b": ["ä x".encode()], b"c": [b""], b"": [b"d"], b"e": [b"f=g"]}
    assert form.get(b"a") == b"1" and form.get(b"z") is None and form.get(b"z", b"y") == b"y"


def test_multipart() -> None:
    with parse(
        MULTIPART, [multipart((b"t", None, b"one"), (b"f", b"\xc3\xa4.txt", b"x\r\n--X"), (b"t", None, b""))]
    ) as form:
        assert contents(form) == ({b"t": [b"one", b""]}, {b"f": [("ä.txt", "text/x-me", b"x\r\n--X", 6)]})
        kept = form.files[b"f"][0].file
    assert kept.closed


def test_names_are_bytes() -> None:
    assert parse(MULTIPART, [multipart((b"\xff", None, b"1"))]).fields == {b"\xff": [b"1"]}


def test_a_part_without_a_name() -> None:
    body = b"--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n" + multipart((b"b", None, b"2"))
    assert parse(MULTIPART, [body]).fields == {b"": [b"1"], b"b": [b"2"]}


@given(st.lists(st.tuples(st.text(), st.text()), max_size=8), st.lists(st.integers(0, 1000), max_size=8))
def test_urlencoded_in_pieces(pairs: list[tuple[str, str]], places: list[int]) -> None:
    body = urllib.parse.urlencode(pairs).encode()
    wanted: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        wanted.setdefault(name.encode(), []).append(value.encode())
    assert parse(URLENCODED, cut(body, places)).fields == wanted == parse_qs(body)


NAMES = st.sampled_from([b"a", b"b", b"some name"])
DATA = st.binary(max_size=40) | st.sampled_from([b"\r\n--X", b"\r\n--", b"--XX", b"\r\n--YX--", b"\r"])


@given(
    st.lists(st.tuples(NAMES, st.none() | st.just(b"f.txt"), DATA), max_size=5),
    st.lists(st.integers(0, 2000), max_size=12),
)
def test_multipart_in_pieces(parts: list[Part], places: list[int]) -> None:
    body = multipart(*parts)
    if any(b"\r\n--XX" in b"\r\n" + data for _, _, data in parts):
        return  # whoever sends that chooses another boundary
    fields: dict[bytes, list[bytes]] = {}
    files: dict[bytes, list[Any]] = {}
    for name, filename, data in parts:
        if filename is None:
            fields.setdefault(name, []).append(data)
        else:
            files.setdefault(name, []).append(("f.txt", "text/x-me", data, len(data)))
    with parse(MULTIPART, cut(body, places)) as form:
        assert contents(form) == (fields, files)


@given(st.binary(), st.lists(st.integers(0, 500), max_size=4), st.sampled_from([MULTIPART, URLENCODED]))
def test_anything_is_a_form_or_an_error(noise: bytes, places: list[int], kind: bytes) -> None:
    body = multipart((b"a", None, b"1")).replace(b"form", noise[:9]) + noise
    try:
        parse(kind, cut(body, places)).close()
    except FormError as error:
        assert error.code in (400, 413)


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        (b"text/plain", b"", 415),
        (b"", b"", 415),
        (b"multipart/form-data", b"", 400),
        (b"multipart/form-data; boundary=", b"", 400),
        (b"multipart/form-data; boundary=" + b"x" * 71, b"", 400),
        (b"multipart/form-data; boundary=\xe2\x98\x83", b"", 400),
        (MULTIPART, b"", 400),
        (MULTIPART, b"--XX\r\n", 400),
        (MULTIPART, multipart((b"a", None, b"1"))[:-6], 400),
        (MULTIPART, b"--XX\r\n\r\nno name\r\n--XX--", 400),
        (MULTIPART, b"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--XX--", 400),
        (MULTIPART, b"--XX\r\nno header\r\n\r\n\r\n--XX--", 400),
        (MULTIPART, b"--XX\r\nX: " + b"y" * 5000, 413),
        (MULTIPART, b"--XX\r\n" + b"X: y\r\n" * 9, 413),
    ],
)
def test_malformed(kind: bytes, body: bytes, code: int) -> None:
    with pytest.raises(FormError) as caught:
        parse(kind, [body])
    assert caught.value.code == code


SMALL = FormLimits(maxFields=3, maxFieldSize=10, maxMemory=25, maxFiles=1, maxFileSize=20, fileInMemory=8)


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (URLENCODED, b"a&b&c&d", "3 fields"),
        (URLENCODED, b"a=" + b"b" * 10, "10 bytes"),
        (URLENCODED, b"a=" + b"%41" * 30, "fields of the form"),
        (URLENCODED, b"a=123456789&b=12345678&c=12345678", "25 bytes"),
        (MULTIPART, multipart(*[(b"a", None, b"")] * 4), "3 fields"),
        (MULTIPART, multipart((b"a", None, b"x" * 11)), "10 bytes"),
        (MULTIPART, multipart(*[(b"a", None, b"x" * 8)] * 3), "25 bytes"),
        (MULTIPART, multipart(*[(b"a", b"f", b"x")] * 2), "1 files"),
        (MULTIPART, multipart((b"a", b"f", b"x" * 21)), "20 bytes"),
        (MULTIPART, multipart((b"n" * 26, b"f", b"x")), "25 bytes"),
    ],
)
def test_limits(kind: bytes, body: bytes, why: str) -> None:
    for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
        with pytest.raises(FormError, match=why) as caught:
            parse(kind, pieces, SMALL)
        assert caught.value.code == 413


def test_files_are_closed_when_something_is_wrong() -> None:
    parser = FormParser(MULTIPART, SMALL)
    parser.feed(multipart((b"a", b"f", b"x" * 20))[:-10])
    kept = parser._parser.form.files[b"a"][0].file
    assert not kept.closed
    with pytest.raises(FormError):
        parser.finish()
    assert kept.closed


def test_as_arguments() -> None:
    with parse(MULTIPART, [multipart((b"a", b"f", b"file"), (b"a", None, b"1"), (b"b", b"g", b"x" * 9))]) as form:
        assert form.asArguments(13) == {b"a": [b"1", b"file"], b"b": [b"x" * 9]}
        assert form.files[b"b"][0].file.read() == b"x" * 9
        with pytest.raises(FormError, match="12 bytes"):
            form.asArguments(12)


class Arguments(Resource):
    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        request.setHeader(b"x-set", b"before")
        return repr(request.args).encode()


class Upload(Resource):
    isLeaf = True
    streamsBody = True

    async def render_POST(self, request: Any) -> bytes:
        if b"query" in request.args:
            return repr(request.args).encode()
        with await readForm(request) as form:
            return repr(contents(form)).encode()


async def test_on_a_site() -> None:
    body = multipart((b"a", None, b"1"), (b"f", b"name", b"data"))
    kind = {"Content-Type": MULTIPART.decode()}
    async with Serving(Arguments()) as serving:
        answer = await serving.ask("/?a=0&q=1", "POST", body, kind)
        assert answer.body == repr({b"a": [b"0", b"1"], b"q": [b"1"], b"f": [b"data"]}).encode()
        answer = await serving.ask("/", "POST", body[:-9], kind)
        assert answer.status == 400
        assert "x-set" not in answer.headers and answer.body.startswith(b"the form is not complete")
    async with Serving(Upload()) as serving:
        answer = await serving.ask("/", "POST", body, kind)
        assert answer.body == repr(({b"a": [b"1"]}, {b"f": [("name", "text/x-me", b"data", 4)]})).encode()
        assert (await serving.ask("/?query=1", "POST", body, kind)).body == repr({b"query": [b"1"]}).encode()
        assert (await serving.ask("/", "POST", b"{}", {"Content-Type": "application/json"})).status == 415


async def test_the_limits_of_a_site() -> None:
    kind = {"Content-Type": URLENCODED.decode()}
    for resource in (Arguments(), Upload()):
        async with Serving(resource, limits=Limits(forms=SMALL)) as serving:
            answers = await serving.talk(("POST", "/", b"a=1&b=2&c=3", kind), ("POST", "/", b"a&b&c&d", kind))
            assert [answer.status for answer in answers] == [200, 413]
