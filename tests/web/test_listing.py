"""The page that lists a folder."""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.web.listing import Entry, formatFileSize, render


class Links(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self._href: str | None = None
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "a":
            self._href = dict(attrs)["href"]

    def handle_data(self, data: str) -> None:
        if self._href is not None:
            self.found.append((self._href, data))
            self._href = None


def test_folders_come_first_and_names_are_sorted_as_people_do() -> None:
    files = [Entry(name, name == "z", 1, 0.0, "text/plain") for name in ("b", "A", "z", "c")]
    page = render("/x/", files)
    assert Links(page).found == [("../", ".."), ("./z/", "z/"), ("./A", "A"), ("./b", "b"), ("./c", "c")]
    assert b"1970-01-01 00:00" in page
    assert ("../", "..") not in Links(render("/", files, above=False)).found


names = st.binary(min_size=1, max_size=30).map(lambda raw: os.fsdecode(raw.replace(b"/", b"_").replace(b"\0", b"_")))


@given(names, st.text(max_size=20))
def test_a_name_is_only_a_name(name: str, kind: str) -> None:
    page = render("/" + name, [Entry(name, False, None, None, kind)], above=False)
    links = Links(page)
    [(href, _)] = links.found or [(re.findall(rb'href="([^"]*)"', page)[0].decode(), "")]
    path = urljoin("http://h/folder/", href)
    assert path.startswith("http://h/folder/")
    if name not in (".", ".."):
        assert unquote_to_bytes(path.removeprefix("http://h/folder/")) == os.fsencode(name)
    assert links.tags.count("a") == 1 and "script" not in links.tags


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (1023, "1023B"), (1024, "1K"), (1024**2 - 1, "1023K"), (5 * 1024**2, "5M"), (1024**4, "1024G")],
)
def test_sizes(size: int, text: str) -> None:
    assert formatFileSize(size) == text
