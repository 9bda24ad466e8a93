"""Answers that are sent compressed."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web import encoding
from plait.web.asgi import ASGIResource
from plait.web.encoding import (
    CompressedResource,
    CompressingFactory,
    EncodingResourceWrapper,
    GzipEncoderFactory,
    available,
    negotiate,
)
from plait.web.later import NOT_DONE_YET
from plait.web.resource import Resource
from plait.web.static import File
from tests.web.serving import Serving

ALL = [b"zstd", b"br", b"gzip"]
TEXT = b"All work and no play. " * 100


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ([], None),
        ([b""], None),
        ([b"gzip"], b"gzip"),
        ([b"x-gzip"], b"gzip"),
        ([b"GZIP;Q=0.5"], b"gzip"),
        ([b"gzip, br, zstd"], b"zstd"),
        ([b"gzip", b"br;q=0.9"], b"gzip"),
        ([b"gzip;q=0.8, br;q=0.8"], b"br"),
        ([b"gzip;q=0, br;q=0.000"], None),
        ([b"*"], b"zstd"),
        ([b"*;q=0.1, zstd;q=0"], b"br"),
        ([b"identity, gzip;q=0.5"], None),
        ([b"identity;q=0.5, gzip;q=0.5"], b"gzip"),
        ([b"deflate, compress"], None),
        ([b"gzip;q=2"], None),
        ([b"gzip;q=x"], None),
        ([b"gzip;q=-1"], None),
        ([b"gzip;level=9"], b"gzip"),
        ([b"a," * 60 + b"gzip"], None),
    ],
)
def test_negotiating(accept: list[bytes], coding: bytes | None) -> None:
    assert negotiate(accept, ALL) == coding


@given(st.lists(st.binary() | st.text("gzipbrstd*;q=.01, ").map(str.encode)))
def test_any_header_is_good_for_something(accept: list[bytes]) -> None:
    assert negotiate(accept, ALL) in [None, *ALL]


def decode(coding: str | None, data: bytes) -> bytes:
    if coding == "gzip":
        return gzip.decompress(data)
    if coding == "br":
        return bytes(pytest.importorskip("brotli", reason="made with it").decompress(data))
    if coding == "zstd":
        library: Any = pytest.importorskip("zstandard", reason="read with it")
        return bytes(library.ZstdDecompressor().decompressobj().decompress(data))
    assert coding is None
    return data


@pytest.mark.parametrize("coding", ALL)
@given(pieces=st.lists(st.binary()))
def test_encoders(coding: bytes, pieces: list[bytes]) -> None:
    make = available().get(coding)
    if make is None:
        pytest.skip(f"there is no library for {coding.decode()}")
    encoder = make()
    data = b"".join([encoder.encode(piece) for piece in pieces])
    assert decode(coding.decode(), data + encoder.finish()) == b"".join(pieces)


def test_a_coding_without_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encoding._LIBRARIES, b"br", [("no_such_library", lambda module: None)])
    assert b"br" not in available() and b"gzip" in available()
    assert b"br" not in CompressingFactory().codings
    with pytest.raises(ValueError, match="no library for the coding br"):
        CompressingFactory([b"br"])


@pytest.mark.parametrize(
    ("kind", "shorter"),
    [
        (b"text/html; charset=utf-8", True),
        (b"application/json", True),
        (b"application/problem+json", True),
        (b"image/svg+xml", True),
        (b"text/event-stream", False),
        (b"image/png", False),
        (b"application/zip", False),
        (b"application/octet-stream", False),
        (b"", False),
    ],
)
def test_types(kind: bytes, shorter: bool) -> None:
    assert bool(encoding.COMPRESSIBLE.fullmatch(kind)) is shorter


class Page(Resource):
    """Answers at once, in pieces, or with what the path says."""

    def getChild(self, path: bytes, request: Any) -> Any:
        page = Page()
        page.isLeaf = True
        page.name = path  # type: ignore[attr-defined]
        return page

    def render_GET(self, request: Any) -> Any:
        request.setHeader(b"content-type", b"text/plain")
        name = getattr(self, "name", b"")
        if name == b"pieces":
            for _ in range(3):
                request.write(TEXT)
            request.finish()
            return NOT_DONE_YET
        if name == b"short":
            return b"short"
        if name == b"png":
            request.setHeader(b"content-type", b"image/png")
        elif name == b"coded":
            request.setHeader(b"content-encoding", b"x-own")
        elif name == b"fixed":
            request.setHeader(b"cache-control", b"public, no-transform")
        elif name == b"tagged":
            request.setHeader(b"vary", b"Cookie")
            if request.setETag(b'"one"'):
                return b""
        elif name == b"length":
            request.setHeader(b"content-length", b"%d" % len(TEXT))
        return TEXT


GZIP = {"Accept-Encoding": "gzip"}


async def test_a_tree() -> None:
    async with Serving(CompressedResource(Page())) as serving:
        answer = await serving.ask("/", headers=GZIP)
        assert decode("gzip", answer.body) == TEXT and len(answer.body) < 200
        assert answer.headers["content-encoding"] == "gzip" and answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-length"] == str(len(answer.body))
        for coding in available():
            answer = await serving.ask("/below", headers={"Accept-Encoding": coding.decode()})
            assert answer.headers["content-encoding"] == coding.decode()
            assert decode(coding.decode(), answer.body) == TEXT
        pieces, length, plain = await serving.talk(
            ("GET", "/pieces", None, GZIP), ("GET", "/length", None, GZIP), ("GET", "/", None, {})
        )
        assert decode("gzip", pieces.body) == 3 * TEXT and pieces.headers["transfer-encoding"] == "chunked"
        assert decode("gzip", length.body) == TEXT
        assert plain.body == TEXT and "content-encoding" not in plain.headers
        assert plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", ["short", "png", "coded", "fixed"])
async def test_what_is_left_alone(name: str) -> None:
    async with Serving(CompressedResource(Page())) as serving:
        answer = await serving.ask(f"/{name}", headers=GZIP)
        assert answer.body == (b"short" if name == "short" else TEXT)
        assert answer.headers.get("content-encoding") == ("x-own" if name == "coded" else None)


async def test_tags() -> None:
    async with Serving(CompressedResource(Page())) as serving:
        answer = await serving.ask("/tagged", headers=GZIP)
        assert answer.headers["etag"] == 'W/"one"'
        assert answer.headers["vary"] in ("Cookie, Accept-Encoding", "Accept-Encoding")
        again, plain = await serving.talk(
            ("GET", "/tagged", None, GZIP | {"If-None-Match": 'W/"one"'}), ("GET", "/tagged", None, {})
        )
        assert again.status == 304 and again.body == b"" and "content-encoding" not in again.headers
        assert plain.headers["etag"] == '"one"' and plain.body == TEXT


async def test_head() -> None:
    async with Serving(CompressedResource(Page())) as serving:
        head, get = await serving.talk(("HEAD", "/", None, GZIP), ("GET", "/", None, GZIP))
        assert head.body == b"" and head.headers["content-encoding"] == "gzip"
        assert head.headers["content-length"] == get.headers["content-length"]


async def test_an_error_is_not_said_to_be_coded(flushLoggedErrors: Any) -> None:
    class Broken(Resource):
        def render_GET(self, request: Any) -> bytes:
            raise ValueError("no")

    root = Resource()
    root.putChild(b"one", EncodingResourceWrapper(Broken(), [GzipEncoderFactory()]))
    async with Serving(root) as serving:
        answer = await serving.ask("/one", headers=GZIP)
        assert answer.status == 500 and "content-encoding" not in answer.headers
        assert b"Internal Server Error" in answer.body
    assert len(flushLoggedErrors(ValueError)) == 1


async def test_one_resource() -> None:
    root = Page()
    wrapper = EncodingResourceWrapper(Page(), [GzipEncoderFactory()])
    root.putChild(b"one", wrapper)
    async with Serving(root) as serving:
        answer = await serving.ask("/one", headers=GZIP)
        assert zlib.decompress(answer.body, 16 + zlib.MAX_WBITS) == TEXT
        assert "content-encoding" not in (await serving.ask("/one/below", headers=GZIP)).headers
        assert "content-encoding" not in (await serving.ask("/one")).headers


async def test_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT * 50)
    async with Serving(CompressedResource(File(str(tmp_path)))) as serving:
        answer = await serving.ask("/a.txt", headers=GZIP)
        assert decode("gzip", answer.body) == TEXT * 50
        assert re.match("W/", answer.headers["etag"]) and "accept-ranges" not in answer.headers
        head, part, again = await serving.talk(
            ("HEAD", "/a.txt", None, GZIP),
            ("GET", "/a.txt", None, GZIP | {"Range": "bytes=0-799"}),
            ("GET", "/a.txt", None, GZIP | {"If-None-Match": answer.headers["etag"]}),
        )
        assert head.headers["content-encoding"] == "gzip" and head.body == b""
        assert part.status == 206 and part.body == (TEXT * 50)[:800] and "content-encoding" not in part.headers
        assert again.status == 304


@pytest.mark.parametrize("pieces", [1, 3])
async def test_an_asgi_application(pieces: int) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for left in reversed(range(pieces)):
            await send({"type": "http.response.body", "body": TEXT, "more_body": left > 0})

    async with Serving(CompressedResource(ASGIResource(application))) as serving:
        answer = await serving.ask("/", headers=GZIP)
        assert decode(answer.headers["content-encoding"], answer.body) == TEXT * pieces
        assert (await serving.ask("/")).body == TEXT * pieces
