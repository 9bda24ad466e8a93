"""Text with attributes."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy import textattributes as ta


class State(ta._FormattingStateMixin):
    def __init__(self) -> None:
        self.bold = False
        self.foreground = "none"
        self._subtracting = False

    def toMarks(self) -> str:
        return f"<{'b' if self.bold else ''}{self.foreground}{'!' if self._subtracting else ''}>"


class Attributes(ta.CharacterAttributesMixin):
    attrs = {"bold": "b"}
    fg = ta._ColorAttribute(ta._ForegroundColorAttr, {"red": "R"})


A = Attributes()


def test_a_tree() -> None:
    tree = A.normal["a", A.bold["b", A.fg.red["c"], -A.bold["d"], A.normal["e"]], "f"]
    assert ta.flatten(tree, State(), "toMarks") == "<none>a<bnone>b<bR>c<none!>d<none>e<none>f"
    assert ta.flatten(A.bold["a"], ta.DefaultFormattingState()) == "a"


def test_a_list_in_brackets() -> None:
    pieces: list[str] = []
    A.bold[["a", "b"]].serialize(pieces.append)
    assert pieces == ["", "a", "", "b"]


def test_states() -> None:
    assert ta.DefaultFormattingState() == ta.DefaultFormattingState() != "x"
    state = State()
    assert state._withAttribute("bold", False) == state != state._withAttribute("bold", True)


@pytest.mark.parametrize("ask", [lambda: A.none, lambda: A.fg.none])
def test_what_is_not_there(ask) -> None:
    with pytest.raises(AttributeError, match="none"):
        ask()
