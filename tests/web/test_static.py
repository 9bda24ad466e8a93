"""Files and folders, over real sockets."""

from __future__ import annotations

import asyncio
import os
import resource as limits
import shutil
import socket
import subprocess
import sys
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from plait import Deferred
from plait.task import Clock
from plait.web.limits import Limits
from plait.web.static import SMALL, Data, File, getTypeAndEncoding
from tests.web.serving import Serving

BIG = bytes(range(256)) * 4096  # 1 MiB: more than is read at once


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder to serve, with a secret beside it."""
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "a.txt").write_bytes(b"0123456789")
    (root / "big.bin").write_bytes(BIG)
    (root / "sub").mkdir()
    (root / "sub" / "index.html").write_text("<p>index")
    (root / "empty").mkdir()
    (root / "nothing").write_bytes(b"")
    (root / ".hidden").write_text("hidden")
    (root / ".well-known").mkdir()
    (root / ".well-known" / "x.txt").write_text("known")
    return root


def raw(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(data)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("name", ["a.txt", "big.bin", "nothing"])
async def test_a_file_and_its_head(folder: Path, name: str) -> None:
    contents = (folder / name).read_bytes()
    async with Serving(File(str(folder))) as server:
        got, head, again = await server.talk(
            ("GET", f"/{name}", None, {}), ("HEAD", f"/{name}", None, {}), ("GET", f"/{name}", None, {})
        )
    assert (got.status, got.body, again.body, head.body) == (200, contents, contents, b"")
    assert got.headers["content-length"] == head.headers["content-length"] == str(len(contents))
    assert got.headers["accept-ranges"] == "bytes"
    assert got.headers["last-modified"] == formatdate(int((folder / name).stat().st_mtime), usegmt=True)
    assert {**head.headers, "date": ""} == {**got.headers, "date": ""}


@pytest.mark.parametrize(
    ("header", "status", "body", "where"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-100", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-99999999999999999999999", 200, b"0123456789", None),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=4-2", 200, b"0123456789", None),
        ("bytes=a-b", 200, b"0123456789", None),
        ("bytes=+1-2", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=0-5,3-7", 200, b"0123456789", None),
        ("bytes=" + ",".join(f"{at}-{at}" for at in range(0, 80, 2)), 200, b"0123456789", None),
    ],
)
async def test_ranges(folder: Path, header: str, status: int, body: bytes, where: str | None) -> None:
    async with Serving(File(str(folder))) as server:
        got = await server.ask("/a.txt", headers={"Range": header})
        assert (got.status, got.body, got.headers.get("content-range")) == (status, body, where)
        assert int(got.headers["content-length"]) == len(body)
        assert (await server.ask("/a.txt", "HEAD", headers={"Range": header})).status == 200


@pytest.mark.parametrize("name", ["a.txt", "big.bin"])
async def test_several_ranges(folder: Path, name: str) -> None:
    import email

    size = len((folder / name).read_bytes())
    middle = size // 2
    async with Serving(File(str(folder))) as server:
        got = await server.ask(f"/{name}", headers={"Range": f"bytes=0-1, {middle}-{size - 2}"})
    assert got.status == 206 and int(got.headers["content-length"]) == len(got.body)
    message = email.message_from_bytes(b"Content-Type: " + got.headers["content-type"].encode() + b"\r\n" + got.body)
    first, second = message.get_payload()  # type: ignore[misc]
    assert first["content-range"] == f"bytes 0-1/{size}"  # type: ignore[index,call-overload]
    assert second["content-range"] == f"bytes {middle}-{size - 2}/{size}"  # type: ignore[index,call-overload]
    contents = (folder / name).read_bytes()
    for part in (contents[:2], contents[middle : size - 1]):
        assert b"\r\n\r\n" + part + b"\r\n--" in got.body


async def test_conditions(folder: Path) -> None:
    async with Serving(File(str(folder))) as server:
        first = await server.ask("/a.txt")
        tag, when = first.headers["etag"], first.headers["last-modified"]
        earlier = formatdate(1_000_000_000, usegmt=True)
        for headers, status in [
            ({"If-None-Match": tag}, 304),
            ({"If-None-Match": "W/" + tag}, 304),
            ({"If-None-Match": f'"x", {tag}'}, 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"x"'}, 200),
            ({"If-None-Match": '"x"', "If-Modified-Since": when}, 200),
            ({"If-Modified-Since": when}, 304),
            ({"If-Modified-Since": earlier}, 200),
            ({"If-Modified-Since": "yesterday"}, 200),
            ({"If-Match": tag}, 200),
            ({"If-Match": '"x"'}, 412),
            ({"If-Unmodified-Since": earlier}, 412),
            ({"If-Unmodified-Since": when}, 200),
            ({"Range": "bytes=0-1", "If-Range": tag}, 206),
            ({"Range": "bytes=0-1", "If-Range": '"x"'}, 200),
            ({"Range": "bytes=0-1", "If-Range": "W/" + tag}, 200),
            ({"Range": "bytes=0-1", "If-Range": when}, 206),
            ({"Range": "bytes=0-1", "If-Range": earlier}, 200),
            ({"Range": "bytes=0-1", "If-None-Match": tag}, 304),
        ]:
            got = await server.ask("/a.txt", headers=headers)
            assert got.status == status, headers
            if status in (304, 412):
                assert got.body == b"" and got.headers["etag"] == tag


async def test_a_changed_file_has_another_tag(folder: Path) -> None:
    async with Serving(File(str(folder))) as server:
        first = await server.ask("/a.txt")
        (folder / "a.txt").write_bytes(b"other")
        second = await server.ask("/a.txt", headers={"If-None-Match": first.headers["etag"]})
        assert (second.status, second.body) == (200, b"other")


async def test_folders(folder: Path) -> None:
    (folder / "<b>.txt").write_text("x")
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/sub/")).body == b"<p>index"
        got = await server.ask("/sub?q=1")
        assert (got.status, got.headers["location"]) == (302, "/sub/?q=1")
        listed = await server.ask("/")
        assert listed.status == 200 and b'href="./a.txt"' in listed.body and b'href="./sub/"' in listed.body
        assert b"<b>" not in listed.body and b"&lt;b&gt;.txt" in listed.body
        assert (await server.ask("/", "HEAD")).body == b""
        assert (await server.ask("/a.txt/")).status == 404
        assert (await server.ask("/a.txt/x")).status == 404
        assert (await server.ask("/none")).status == 404
        assert (await server.ask("/a.txt", "POST", b"")).status == 405
    async with Serving(File(str(folder), listing=False)) as server:
        assert (await server.ask("/empty/")).status == 403


async def test_a_redirect_stays_on_this_host(folder: Path) -> None:
    (folder / "\\evil.example").mkdir()
    async with Serving(File(str(folder))) as server:
        close = b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        for target in (
            b"/\\evil.example",
            b"/%5Cevil.example",
            b"http://evil.example/sub",
            b"//sub",
            b"//evil.example/%2e%2e",
        ):
            answer = await server.call(lambda target=target: raw(server.port, b"GET " + target + close))
            locations = [line for line in answer.split(b"\r\n") if line.lower().startswith(b"location:")]
            for line in locations:
                location = line.partition(b":")[2].strip()
                assert location.startswith(b"/") and location[1:2] not in b"/\\", target
            if b"5C" in target or b"://" in target:
                assert len(locations) == 1


OUT = [
    "/../secret",
    "/%2e%2e/secret",
    "/%2E./secret",
    "/..%2fsecret",
    "/%2e%2e%2fsecret",
    "/..%5csecret",
    "/..\\secret",
    "/sub/../../secret",
    "/sub/%2e%2e/%2e%2e/secret",
    "/sub/..%2f..%2fsecret",
    "/%252e%252e/secret",
    "/..%00/secret",
    "/..%c0%afsecret",
    "/%c0%ae%c0%ae/secret",
    "/..;/secret",
    "/.../secret",
    "/./../secret",
    "//../secret",
]


@pytest.mark.parametrize("target", OUT)
async def test_no_path_leads_out(folder: Path, target: str) -> None:
    async with Serving(File(str(folder))) as server:
        data = b"GET %b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
        answer = await server.call(lambda: raw(server.port, data % target.encode()))
        whole = await server.call(lambda: raw(server.port, data % ("/" + str(folder.parent / "secret")).encode()))
    for got in (answer, whole):
        assert b"\r\n\r\nsecret" not in got and b'href="./root/"' not in got
        assert int(got.split(b" ", 2)[1]) in (200, 302, 400, 404)


async def test_what_begins_with_a_dot(folder: Path) -> None:
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/.hidden")).body == b"hidden"
    async with Serving(File(str(folder), hidden=False, ignoredExts=["*"])) as server:
        for path in ("/.hidden", "/%2ehidden", "/.", "/sub/.", "/.hid"):
            assert (await server.ask(path)).status == 404
        assert (await server.ask("/.well-known/x.txt")).body == b"known"
        assert b".hidden" not in (await server.ask("/")).body


async def test_links(folder: Path) -> None:
    os.symlink("loop", folder / "loop")
    os.symlink(".", folder / "self")
    os.symlink("gone", folder / "dangling")
    os.symlink("a.txt", folder / "link.txt")
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/loop")).status == 404
        assert (await server.ask("/dangling")).status == 404
        assert (await server.ask("/link.txt")).body == b"0123456789"
        assert (await server.ask("/self/self/a.txt")).body == b"0123456789"
        assert (await server.ask("/" + "self/" * 60 + "a.txt")).status == 404  # more than the system follows
        assert (await server.ask("/" + "x" * 300)).status == 404
        assert (await server.ask("/")).status == 200
    async with Serving(File(str(folder / "loop"))) as server:
        assert (await server.ask("/")).status == 404


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the platform has no named pipes")
async def test_a_pipe_holds_nobody_up(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/pipe")).status == 403


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
async def test_what_may_not_be_read(folder: Path) -> None:
    (folder / "a.txt").chmod(0)
    (folder / "empty").chmod(0)
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/a.txt")).status == 403
        assert (await server.ask("/empty/")).status == 403
    (folder / "empty").chmod(0o700)


async def test_permission_is_denied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    import plait.web.static as static

    def denied(*args: Any, **options: Any) -> Any:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(static, "open", denied, raising=False)
    assert builtins.open is not denied
    monkeypatch.setattr(os, "scandir", denied)
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/a.txt")).status == 403
        assert (await server.ask("/empty/")).status == 403


async def test_content_types(folder: Path) -> None:
    for name in (
        "x.html",
        "x.js",
        "x.json",
        "x.png",
        "x.tar.gz",
        "x.txt.gz",
        "X.PNG",
        "x.unknown",
        "noextension",
        "x.md",
    ):
        (folder / name).write_bytes(b"x")
    async with Serving(File(str(folder), defaultType="application/octet-stream")) as server:
        for name, kind, encoding in [
            ("x.html", "text/html; charset=utf-8", None),
            ("x.js", "text/javascript; charset=utf-8", None),
            ("x.json", "application/json; charset=utf-8", None),
            ("x.png", "image/png", None),
            ("X.PNG", "image/png", None),
            ("x.md", "text/markdown; charset=utf-8", None),
            ("x.tar.gz", "application/x-tar", "gzip"),
            ("x.txt.gz", "text/plain; charset=utf-8", "gzip"),
            ("x.unknown", "application/octet-stream", None),
            ("noextension", "application/octet-stream", None),
        ]:
            got = await server.ask(f"/{name}")
            assert (got.headers["content-type"], got.headers.get("content-encoding")) == (kind, encoding), name
    assert getTypeAndEncoding("a/b.TXT.GZ", {".txt": "t"}, {".gz": "g"}, "d") == ("t", "g")


async def test_data() -> None:
    async with Serving(Data(b"bytes", "text/plain")) as server:
        got, head = await server.talk(("GET", "/", None, {}), ("HEAD", "/", None, {}))
    # the root is no leaf: "/" asks for its child ""
    assert (got.status, head.status) == (404, 404)


async def test_names_that_are_no_ascii(folder: Path) -> None:
    (folder / "grün.txt").write_text("green")
    async with Serving(File(str(folder))) as server:
        assert (await server.ask("/gr%C3%BCn.txt")).body == b"green"
        assert (await server.ask("/gr%FCn.txt")).status == 404
        assert b"./gr%C3%BCn.txt" in (await server.ask("/")).body


async def begin(port: int, path: str) -> tuple[socket.socket, bytes]:
    """Ask for something, take its first bytes and then nothing; the client's buffer is small."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", port))
    await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return client, await loop.sock_recv(client, 1000)


def make_hole(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


async def test_a_file_that_shrinks_while_it_is_sent(folder: Path) -> None:
    make_hole(folder / "hole", 100_000_000)
    async with Serving(File(str(folder))) as server:
        client, first = await begin(server.port, "/hole")
        assert b"Content-Length: 100000000\r\n" in first
        os.truncate(folder / "hole", 1000)
        size = len(first)
        loop = asyncio.get_running_loop()
        while piece := await loop.sock_recv(client, 1_000_000):
            size += len(piece)
        client.close()
        assert size < 100_000_000  # and the connection ends, so that the client knows
        assert (await server.ask("/a.txt")).status == 200


async def test_a_client_that_stops_reading_costs_no_memory_and_is_closed(folder: Path) -> None:
    make_hole(folder / "hole", 2_000_000_000)
    clock = Clock()
    before = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss
    async with Serving(File(str(folder)), reactor=clock, limits=Limits(writeTimeout=10)) as server:
        clients = [await begin(server.port, "/hole") for _ in range(5)]
        for _ in range(20):  # others are served meanwhile
            assert (await server.ask("/a.txt")).status == 200
        channels = [channel for channel in server.site.channels if channel.requests]
        assert len(channels) == 5
        assert all(channel.transport.bufferedBytes < 1_000_000 for channel in channels)
        gone: list[Deferred[None]] = [channel.requests[0].notifyFinish() for channel in channels]
        for _ in range(12):
            clock.advance(1)
        for deferred in gone:
            with pytest.raises(Exception, match=r"."):
                await deferred
        for client, _ in clients:
            client.close()
    grown = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss - before
    assert grown * (1 if sys.platform == "darwin" else 1024) < 100_000_000


async def test_a_client_that_goes_away_is_no_error(folder: Path, flushLoggedErrors: Any) -> None:
    make_hole(folder / "hole", 2_000_000_000)
    async with Serving(File(str(folder))) as server:
        client, _ = await begin(server.port, "/hole")
        [channel] = [channel for channel in server.site.channels if channel.requests]
        gone = channel.requests[0].notifyFinish()
        client.close()
        with pytest.raises(Exception, match=r"."):
            await gone
    assert flushLoggedErrors() == []


async def test_small_enough_to_be_read_at_once_and_one_more(folder: Path) -> None:
    for size in (SMALL - 1, SMALL, SMALL + 1):
        (folder / "f").write_bytes(BIG[:size])
        async with Serving(File(str(folder))) as server:
            assert (await server.ask("/f")).body == BIG[:size]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_continues_a_download(folder: Path, tmp_path: Path) -> None:
    def curl(*args: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["curl", "-sS", "--fail", "--noproxy", "*", *args], capture_output=True, timeout=60, check=True
        )

    async with Serving(File(str(folder))) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert (await server.call(lambda: curl("-r", "2-4", f"{url}/a.txt"))).stdout == b"234"
        assert b"0-1/10" in (await server.call(lambda: curl("-r", "0-1,4-5", f"{url}/a.txt"))).stdout
        part = tmp_path / "part"
        part.write_bytes(BIG[:300_000])
        await server.call(lambda: curl("-C", "-", "-o", str(part), f"{url}/big.bin"))
        assert part.read_bytes() == BIG
        both = await server.call(lambda: curl("--http2", f"{url}/a.txt", f"{url}/a.txt"))
        assert both.stdout == b"0123456789" * 2
