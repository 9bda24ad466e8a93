"""A real browser, without a window: what it shows of our pages."""

from __future__ import annotations

import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.peers.programs import PATIENCE, SERVED, Daemon, find

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-extensions"),
    *("--disable-dev-shm-usage", "--no-proxy-server", "--timeout=30000"),
)


class Browser:
    """Chromium, with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._program = find("chromium")

    def __call__(self, *arguments: str) -> str:
        """Run it to its end; what it has printed."""
        done = subprocess.run(
            [self._program, *OPTIONS, f"--user-data-dir={self._folder / 'profile'}", *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout.decode()

    def dom(self, url: str) -> str:
        """The page at `url` when it is loaded, with what its scripts have made of it."""
        return self("--dump-dom", url)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    return Browser(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="module")
def pages(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The site of `served/browser_app.py`."""
    folder = tmp_path_factory.mktemp("pages")
    www = folder / "www" / "page"
    www.joinpath("its").mkdir(parents=True)
    www.joinpath("index.html").write_text(
        '<!DOCTYPE html><html><head><link rel="stylesheet" href="its/style.css"><script defer src="its/script.js">'
        "</script></head><body><p>before</p></body></html>"
    )
    www.joinpath("its/style.css").write_text("body { background: rgb(0, 128, 255); margin: 0 }")
    www.joinpath("its/script.js").write_text(
        "const p = document.querySelector('p');"
        "p.textContent = 'ü after, on ' + getComputedStyle(document.body).backgroundColor;"
    )
    odd = folder / "www" / "odd"
    odd.mkdir()
    for name in ("a b.txt", "ü&.html", "javascript:alert(1)", "<b>", "100%.txt"):
        odd.joinpath(name).write_text(name)
    daemon = Daemon(folder, "run", "-n", "--pidfile", "", "-y", str(SERVED / "browser_app.py"), "--drain-timeout", "1")
    yield daemon
    daemon.stop()


def test_what_a_page_needs_is_found_beside_it(browser: Browser, pages: Daemon) -> None:
    assert "<p>ü after, on rgb(0, 128, 255)</p>" in browser.dom(pages.url("/files/page"))


def test_listing(browser: Browser, pages: Daemon) -> None:
    dom = browser.dom(pages.url("/files/odd/"))
    for shown in ("a b.txt", "ü&amp;.html", "javascript:alert(1)", "&lt;b&gt;", "100%.txt", ".."):
        assert f">{shown}</a>" in dom
    assert 'href="./javascript%3Aalert%281%29"' in dom


def test_form(browser: Browser, pages: Daemon) -> None:
    assert '<p id="got">text=a &lt;b&gt; ü; other=1 + 1 = 2</p>' in browser.dom(pages.url("/form.html"))


def test_events(browser: Browser, pages: Daemon) -> None:
    dom = browser.dom(pages.url("/events.html"))
    items = dom.partition('<ol id="got">')[2].partition("</ol>")[0]
    expected = [*(f"event {n} number {n}" for n in (1, 2, 3)), "end after 3"]
    assert items == "".join(f"<li>{text}</li>" for text in expected)


def test_picture(browser: Browser, pages: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "page.png"
    browser("--window-size=320,200", f"--screenshot={file}", pages.url("/files/page/"))
    colours = colours_of(file.read_bytes())
    # the background's, and those of the letters
    assert (0, 128, 255) in colours and len(colours) > 1


def colours_of(png: bytes) -> set[tuple[int, int, int]]:
    """The colours in a PNG of 8 bits, RGB or RGBA (ISO/IEC 15948)."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    at, compressed = 8, b""
    width = height = channels = 0
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
            assert (data[8], data[12]) == (8, 0)
            channels = {2: 3, 6: 4}[data[9]]
        elif kind == b"IDAT":
            compressed += data
        at += 12 + size
    rows = zlib.decompress(compressed)
    stride = width * channels
    before = bytearray(stride)
    found: set[tuple[int, int, int]] = set()
    for y in range(height):
        start = y * (stride + 1)
        row = bytearray(rows[start + 1 : start + 1 + stride])
        unfilter(rows[start], row, before, channels)
        found.update(zip(row[0::channels], row[1::channels], row[2::channels], strict=True))
        before = row
    return found


def unfilter(kind: int, row: bytearray, before: bytearray, channels: int) -> None:
    """Undo what was done to a row so that it compresses better (section 9)."""
    for i in range(len(row)) if kind else ():
        left = row[i - channels] if i >= channels else 0
        up = before[i]
        corner = before[i - channels] if i >= channels else 0
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda value: abs(guess - value))
        row[i] = (row[i] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
