"""Pages for errors."""

from __future__ import annotations

import pytest

from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage, forbidden, notFound
from tests.web.requests import FakeRequest


def test_a_page_is_escaped() -> None:
    request = FakeRequest()
    assert errorPage(410, "Gone & lost", "<script>").render(request) is NOT_DONE_YET
    assert request.finished
    assert request.code == 410
    assert request.responseHeaders.getRawHeaders("content-type") == ["text/html; charset=utf-8"]
    assert request.written == (
        b"<!DOCTYPE html>\n<html><head><title>410 - Gone &amp; lost</title></head>"
        b"<body><h1>Gone &amp; lost</h1><p>&lt;script&gt;</p></body></html>"
    )


def test_the_usual_ones() -> None:
    for page, code in ((notFound(), 404), (forbidden(message="No."), 403)):
        request = FakeRequest()
        page.render(request)
        assert request.code == code
    assert b"<p>No.</p>" in request.written


def test_it_stands_for_what_is_below_it() -> None:
    page = notFound()
    assert page.getChild(b"x", None) is page.getChildWithDefault(b"y", None) is page
    with pytest.raises(TypeError, match="no children"):
        page.putChild(b"x", page)
