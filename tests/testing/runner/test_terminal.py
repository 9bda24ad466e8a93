"""Colours where they can be seen, and writes that are not cut short."""

from __future__ import annotations

import sys
from io import StringIO
from typing import Any

import pytest

from plait.testing.runner.terminal import AnsiColorizer, PlainColorizer, SafeStream, colorizer_for


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Curses:
    """A curses library of a terminal with some colours, which may have to be set up first."""

    error = RuntimeError

    def __init__(self, colours: int, known: bool = True) -> None:
        self.colours = colours
        self.known = known

    def setupterm(self) -> None:
        self.known = True

    def tigetnum(self, name: str) -> int:
        if not self.known:
            raise self.error("setupterm first")
        return self.colours


@pytest.mark.parametrize(
    ("curses", "environment", "stream", "supported"),
    [
        (Curses(8), {}, Terminal(), True),
        (Curses(8, known=False), {}, Terminal(), True),
        (Curses(2), {}, Terminal(), False),
        (Curses(8), {"NO_COLOR": "1"}, Terminal(), False),
        (Curses(8), {"NO_COLOR": ""}, Terminal(), True),
        (Curses(8), {}, StringIO(), False),
        (None, {}, Terminal(), False),
        (object(), {}, Terminal(), False),
    ],
)
def test_where_there_are_colours(
    curses: Any, environment: dict[str, str], stream: Any, supported: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "curses", curses)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert AnsiColorizer.supported(stream) is supported
    assert isinstance(colorizer_for(stream), AnsiColorizer) is supported


def test_text_in_colours_and_without() -> None:
    stream = StringIO()
    AnsiColorizer(stream).write("good", "green")
    PlainColorizer(stream).write(" plain", "red")
    assert stream.getvalue() == "\x1b[32;1mgood\x1b[0m plain"
    assert PlainColorizer.supported(stream)


def test_a_write_that_a_signal_interrupts_is_tried_again() -> None:
    class Interrupted(StringIO):
        times = 2

        def write(self, text: str) -> int:
            self.times -= 1
            if self.times >= 0:
                raise InterruptedError
            return super().write(text)

    original = Interrupted()
    stream = SafeStream(original)
    stream.write("whole")
    stream.flush()
    assert original.getvalue() == "whole" and stream.isatty() is False
