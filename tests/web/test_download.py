"""Pages into files."""

from __future__ import annotations

import io
import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from plait.current import getReactor
from plait.deferred import CancelledError
from plait.web import client, error

from .raw_server import RawServer, redirection, reset, response, wait_for_close


class Downloader(client.HTTPDownloader):
    """As a program would write it: shows its progress."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.total = 0
        self.current = 0
        self.shown: list[int] = []

    def gotHeaders(self, headers: dict[bytes, list[bytes]]) -> None:
        if self.status == b"200" and headers.get(b"content-length"):
            self.total = int(headers[b"content-length"][0])
        client.HTTPDownloader.gotHeaders(self, headers)

    def pagePart(self, data: bytes) -> None:
        if self.status == b"200":
            self.current += len(data)
            self.shown.append(100 * self.current // self.total)
        client.HTTPDownloader.pagePart(self, data)


async def test_progress(tmp_path: Path) -> None:
    target = tmp_path / "page"
    async with RawServer(redirection("/new"), response(b"x" * 1_000_000)) as server:
        factory = Downloader(server.url().encode(), str(target))
        getReactor().connectTCP(b"127.0.0.1", server.port, factory)
        assert await factory.deferred is None
    assert target.read_bytes() == b"x" * 1_000_000
    assert factory.shown[-1] == 100 and factory.shown == sorted(factory.shown)


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
async def test_path(tmp_path: Path, kind: type) -> None:
    async with RawServer(response(b"hello")) as server:
        await client.downloadPage(server.url(), kind(tmp_path / "page"))
    assert (tmp_path / "page").read_bytes() == b"hello"


async def test_file_object_is_closed(tmp_path: Path) -> None:
    with open(tmp_path / "page", "wb") as file:
        async with RawServer(response(b"hello")) as server:
            await client.downloadPage(server.url(), file)
        assert file.closed
    assert (tmp_path / "page").read_bytes() == b"hello"


@pytest.mark.parametrize("status", [b"404 Not Found", b"500 Oops", b"206 Partial Content", b"416 No"])
async def test_error_leaves_no_file(tmp_path: Path, status: bytes) -> None:
    async with RawServer(response(b"sorry", status=status)) as server:
        factory = Downloader(server.url(), tmp_path / "page")
        factory.connect()
        with pytest.raises(error.Error) as caught:
            await factory.deferred
    assert str(caught.value) == status.decode()
    assert caught.value.response == b"sorry"
    assert not (tmp_path / "page").exists()
    assert factory.shown == []


async def test_empty_page_makes_an_empty_file(tmp_path: Path) -> None:
    async with RawServer(response(status=b"204 No Content")) as server:
        await client.downloadPage(server.url(), tmp_path / "page")
    assert (tmp_path / "page").read_bytes() == b""


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
async def test_cut_is_an_error_and_what_came_is_kept(tmp_path: Path, sent: bytes) -> None:
    async with RawServer(sent) as server:
        with pytest.raises(client.PartialDownloadError) as caught:
            await client.downloadPage(server.url(), tmp_path / "page")
    assert caught.value.received == 5
    assert (tmp_path / "page").read_bytes() == b"hello"


async def test_cut_by_a_reset(tmp_path: Path) -> None:
    def cut(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000)
        reset(conn)

    async with RawServer(cut) as server:
        with pytest.raises((error.PartialDownloadError, error.NoResponse)):
            await client.downloadPage(server.url(), tmp_path / "page")


# Going on where a download was cut.


def partial(body: bytes, content_range: bytes, status: bytes = b"206 Partial Content") -> bytes:
    return response(body, b"Content-Range: " + content_range, status=status)


async def resume(path: Path, answer: bytes, before: bytes = b"hello") -> RawServer:
    path.write_bytes(before)
    async with RawServer(redirection("/new"), answer) as server:
        await client.downloadPage(server.url(), path, supportPartial=True)
    return server


@pytest.mark.parametrize("content_range", [b"bytes 5-10/11", b"bytes 5-10/*", b"Bytes  5-10/11"])
async def test_resume(tmp_path: Path, content_range: bytes) -> None:
    server = await resume(tmp_path / "page", partial(b" world", content_range))
    assert all(b"\r\nRange: bytes=5-\r\n" in request for request in server.requests)
    assert (tmp_path / "page").read_bytes() == b"hello world"


async def test_resume_where_the_server_gives_all(tmp_path: Path) -> None:
    await resume(tmp_path / "page", response(b"new"))
    assert (tmp_path / "page").read_bytes() == b"new"


async def test_resume_what_is_complete(tmp_path: Path) -> None:
    await resume(tmp_path / "page", partial(b"sorry", b"bytes */5", b"416 Range Not Satisfiable"))
    assert (tmp_path / "page").read_bytes() == b"hello"


@pytest.mark.parametrize(
    "answer",
    [
        partial(b" world", b"bytes 4-9/10"),
        partial(b" world", b"bytes */11"),
        partial(b" world", b"lines 5-10/11"),
        response(b" world", status=b"206 Partial Content"),
        response(b"two", b"Content-Range: bytes 5-10/11", b"Content-Range: bytes 6-10/11", status=b"206 X"),
        partial(b"", b"bytes */3", b"416 Range Not Satisfiable"),
        response(b"", status=b"416 Range Not Satisfiable"),
    ],
)
async def test_a_part_that_does_not_fit_leaves_the_file_alone(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(error.Error, match=r"206|416"):
        await resume(tmp_path / "page", answer)
    assert (tmp_path / "page").read_bytes() == b"hello"


async def test_a_part_that_is_not_all_of_the_rest(tmp_path: Path) -> None:
    with pytest.raises(client.PartialDownloadError, match="after 8 of 11 bytes"):
        await resume(tmp_path / "page", partial(b" wo", b"bytes 5-7/11"))
    assert (tmp_path / "page").read_bytes() == b"hello wo"


@pytest.mark.parametrize("before", [None, b""])
async def test_nothing_to_resume(tmp_path: Path, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / "page").write_bytes(before)
    async with RawServer(response(b"hello")) as server:
        await client.downloadPage(server.url(), tmp_path / "page", supportPartial=True)
    assert b"Range" not in server.requests[0]
    assert (tmp_path / "page").read_bytes() == b"hello"


async def test_a_part_that_the_caller_asked_for(tmp_path: Path) -> None:
    async with RawServer(partial(b"ell", b"bytes 1-3/5")) as server:
        await client.downloadPage(server.url(), tmp_path / "page", headers={"Range": "bytes=1-3"})
    assert (tmp_path / "page").read_bytes() == b"ell"


# What the program itself does wrong.


@pytest.mark.parametrize("hook", ["gotStatus", "gotHeaders", "pageStart", "pagePart", "pageEnd"])
async def test_what_a_hook_raises_is_the_failure(tmp_path: Path, hook: str) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("mine")

    async with RawServer(response(b"hello")) as server:  # leaving waits for the connection's end
        factory = Downloader(server.url(), tmp_path / "page")
        setattr(factory, hook, fail)
        factory.connect()
        with pytest.raises(ZeroDivisionError, match="mine"):
            await factory.deferred
    assert factory.file is None


@pytest.mark.parametrize("hook", ["gotStatus", "gotHeaders", "pagePart"])
async def test_a_hook_may_refuse_the_page(tmp_path: Path, hook: str) -> None:
    def stall(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + (b"hello" if hook == "pagePart" else b""))
        wait_for_close(conn)

    async with RawServer(stall) as server:
        factory = client.HTTPDownloader(server.url(), tmp_path / "page")
        setattr(factory, hook, lambda *args: factory.noPage(ValueError("I do not like it")))
        factory.connect()
        with pytest.raises(ValueError, match="I do not like it"):
            await factory.deferred
    assert (tmp_path / "page").exists() == (hook == "pagePart")


async def test_given_up_before_there_is_a_connection(tmp_path: Path) -> None:
    async with RawServer(wait_for_close) as server:
        factory = client.HTTPDownloader(server.url(), tmp_path / "page")
        factory.connect()
        factory.noPage(ValueError("never mind"))
        with pytest.raises(ValueError, match="never mind"):
            await factory.deferred
    assert server.requests == []


async def test_the_first_of_two_errors_counts() -> None:
    class Stubborn(io.BytesIO):
        def close(self) -> None:
            super().close()
            raise OSError("cannot close")

    async with RawServer(response(b"hello")[:-1]) as server:
        with pytest.raises(client.PartialDownloadError):
            await client.downloadPage(server.url(), Stubborn())
    async with RawServer(response(b"hello")) as server:
        with pytest.raises(OSError, match="cannot close"):
            await client.downloadPage(server.url(), Stubborn())


async def test_no_such_folder(tmp_path: Path) -> None:
    async with RawServer(response(b"hello")) as server:
        with pytest.raises(FileNotFoundError):
            await client.downloadPage(server.url(), tmp_path / "no" / "page")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which this system has not")
@pytest.mark.parametrize("size", [10, 1_000_000])
async def test_disk_full(size: int) -> None:
    async with RawServer(response(b"x" * size)) as server:
        with pytest.raises(OSError, match="No space left"):
            await client.downloadPage(server.url(), "/dev/full")


async def test_cancel_closes_the_file() -> None:
    class Cancelling(client.HTTPDownloader):
        def pagePart(self, data: bytes) -> None:
            super().pagePart(data)
            self.deferred.cancel()

    def flood(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:  # until the client closes the connection
            conn.sendall(b"x" * 65536)

    file = io.BytesIO()
    async with RawServer(flood) as server:
        factory = Cancelling(server.url(), file)
        factory.connect()
        with pytest.raises(CancelledError):
            await factory.deferred
    assert file.closed


# Size.


@pytest.mark.parametrize("framing", [b"Content-Length: %d", b"Transfer-Encoding: chunked"])
async def test_a_large_page_takes_constant_memory(framing: bytes) -> None:
    piece, count = b"x" * 65536, 1024  # 64 MiB
    chunked = b"chunked" in framing

    def send(conn: socket.socket) -> None:
        header = framing if chunked else framing % (len(piece) * count)
        conn.sendall(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % header)
        wire = b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece
        for _ in range(count):
            conn.sendall(wire)
        conn.sendall(b"0\r\n\r\n" if chunked else b"")

    class Counting(client.HTTPDownloader):
        size = 0

        def pagePart(self, data: bytes) -> None:
            self.size += len(data)
            super().pagePart(data)

    async with RawServer(send) as server:
        tracemalloc.start()
        try:
            factory = Counting(server.url(), os.devnull)
            factory.connect()
            await factory.deferred
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert factory.size == len(piece) * count
    assert peak < 4_000_000
