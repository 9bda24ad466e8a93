"""Lines and words."""

from __future__ import annotations

import io

import pytest

from plait.as_twisted.legacy import text


def test_wrap() -> None:
    lines = text.greedyWrap("one two three\nfour\n\nfive", 9)
    assert lines == ["one two", "three", "four", "", "five", ""]
    assert text.wordWrap("extraordinary", 5) == ["extraordinary", ""]


def test_words_between_quotation_marks() -> None:
    assert text.splitQuoted('tie "a  bowline" now') == ["tie", "a  bowline", "now"]


def test_blank_lines() -> None:
    assert text.removeLeadingBlanks(["", " ", "a ", ""]) == ["a", ""]
    assert text.removeLeadingTrailingBlanks("\n\na\nb\n\n") == "a\nb\n"


def test_shown_expanded() -> None:
    assert text.stringyString(["a", ("b", "c")]) == "[a,\n (b,\n  c,),]\n"
    assert text.stringyString({"a": "b"}) == "{a: b}"


@pytest.mark.parametrize(
    ("wanted", "found"), [("rope", True), ("x", False), ("", True), ("end", True), ("ROPE", False), ("ope e", True)]
)
def test_text_in_a_file(wanted: str, found: bool) -> None:
    assert text.strFile(wanted, io.StringIO("a rope end")) is found


def test_text_across_what_is_read_at_once() -> None:
    class Slow:
        pieces = iter(["a r", "o", "pe", ""])

        def read(self, size: int) -> str:
            return next(self.pieces)

    assert text.strFile("ROPE", Slow(), False)


def test_lines() -> None:
    assert text.isMultiline("a\nb") and not text.isMultiline("a")
    assert text.endsInNewline("a\n") and not text.endsInNewline("a")
