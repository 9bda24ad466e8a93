"""The small old modules of ``twisted.web``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plait.as_twisted.legacy import abnf, html, webpages, webtesting
from plait.log import capturedLogs
from plait.web import pages
from plait.web.request import Request
from tests.web.requests import FakeRequest


@pytest.mark.parametrize("data", [b"+1", b"-1", b"\v1", b"1_0", b"1 0", b"", b" ", "1".encode("utf-16")])
def test_what_is_no_number(data: bytes) -> None:
    with pytest.raises(ValueError, match="is not a decimal number"):
        abnf.decimal(data)
    with pytest.raises(ValueError, match="is not a hexadecimal number"):
        abnf.hexadecimal(data)


def test_numbers() -> None:
    assert abnf.decimal(b" \t0010\t ") == 10
    assert abnf.hexadecimal(b"fF") == 255
    assert abnf.is_token(b"X-A") and not abnf.is_token(b"X A") and not abnf.is_token(b"")


def test_pieces_of_html() -> None:
    with pytest.warns(DeprecationWarning, match="use twisted.web.template instead") as warned:
        assert html.PRE("<a>") == "<pre>&lt;a&gt;</pre>"
        assert html.UL(["<b>x</b>"]) == "<ul><li><b>x</b></li>\n</ul>"
        assert html.linkList([('/?a="', "x")]) == '<ul><li><a href="/?a=&quot;">x</a></li>\n</ul>'
        assert html.output(str.upper, "x") == "X"
    assert {warning.filename for warning in warned} == {__file__}


def test_an_error_goes_into_the_log_and_not_to_the_visitor_as_html() -> None:
    with capturedLogs() as seen, pytest.warns(DeprecationWarning, match="output"):
        assert html.output(int, "<b>") == "<pre>invalid literal for int() with base 10: &#x27;&lt;b&gt;&#x27;</pre>"
    (event,) = [event for event in seen if event.get("log_failure")]
    assert event["log_failure"].check(ValueError)


@pytest.mark.parametrize(
    ("page", "code", "replacement"),
    [
        (lambda: webpages.ErrorPage(410, "gone", "<i>lost</i>"), 410, "errorPage"),
        (lambda: webpages.NoResource("<i>lost</i>"), 404, "notFound"),
        (lambda: webpages.ForbiddenResource("<i>lost</i>"), 403, "forbidden"),
    ],
)
def test_pages_that_escape_nothing(page: Callable[[], webpages.ErrorPage], code: int, replacement: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"twisted.web.pages.{replacement}") as warned:
        made = page()
    assert warned[0].filename == __file__
    request = FakeRequest()
    request.render(made)
    assert request.code == code
    assert b"<p><i>lost</i></p>" in request.written
    assert made.getChild(b"x", request) is made


def test_a_page_of_today_is_known_as_what_it_stands_for() -> None:
    assert isinstance(pages.notFound(), webpages.NoResource)
    assert isinstance(pages.notFound(), webpages.ErrorPage)
    assert not isinstance(pages.forbidden(), webpages.NoResource)
    assert not isinstance(object(), webpages.ErrorPage)


def test_a_target_that_is_text_is_refused() -> None:
    with pytest.raises(TypeError, match="bytes, not '/x'"):
        Request(webtesting.DummyChannel()).requestReceived(b"GET", "/x", b"HTTP/1.1")  # type: ignore[arg-type]
