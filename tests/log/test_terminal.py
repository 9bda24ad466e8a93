"""Lines in colour."""

from __future__ import annotations

import io
import re

import pytest

from plait.failure import Failure
from plait.log import LogLevel, terminalLogObserver
from plait.log._terminal import wantsColour


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (object(), {}, False),
    ],
)
def test_who_wants_colour(stream: object, environ: dict[str, str], wanted: bool) -> None:
    assert wantsColour(stream, environ) is wanted


def test_without_its_colours_a_line_is_the_same() -> None:
    try:
        raise ValueError("\x1b[31m")
    except ValueError:
        event = {"log_format": "a] b\x1b", "log_namespace": "x", "log_level": LogLevel.error, "log_failure": Failure()}
    plain, coloured = io.StringIO(), io.StringIO()
    terminalLogObserver(plain, None, colour=False)(event)
    terminalLogObserver(coloured, None, colour=True)(event)
    assert "\x1b" not in plain.getvalue()
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured.getvalue()) == plain.getvalue()
    assert "\x1b[31m[x#error] " in coloured.getvalue()
