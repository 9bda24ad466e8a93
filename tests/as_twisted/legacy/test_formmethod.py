"""What a form asks for."""

from __future__ import annotations

from typing import Any

import pytest

from plait.as_twisted.legacy import formmethod as fm

FRUIT = [("a", "apple", "An apple"), ("b", "banana", "A banana")]


@pytest.mark.parametrize(
    ("argument", "filled", "value"),
    [
        (fm.String("x"), 3, "3"),
        (fm.Text("x", min=2), "ab", "ab"),
        (fm.VerifiedPassword("x"), ["s", "s"], "s"),
        (fm.Integer("x"), " -3", -3),
        (fm.Integer("x"), "", None),
        (fm.IntegerRange("x", 1, 3), "3", 3),
        (fm.IntegerRange("x", 1, 3), "", None),
        (fm.Float("x"), "1.5", 1.5),
        (fm.RadioGroup("x", FRUIT), "b", "banana"),
        (fm.CheckGroup("x", FRUIT), ["b", "a"], ["banana", "apple"]),
        (fm.Boolean("x"), "No ", 0),
        (fm.Boolean("x"), "on", 1),
        (fm.File("x"), b"", None),
        (fm.File("x"), b"f", b"f"),
        (fm.Date("x"), ("2028", "2", "29"), (2028, 2, 29)),
        (fm.Date("x"), ["", "", ""], None),
        (fm.Submit("x"), "Submit", "submit"),
    ],
)
def test_what_is_made_of_what_was_filled_in(argument: fm.Argument, filled: Any, value: Any) -> None:
    assert argument.coerce(filled) == value


@pytest.mark.parametrize(
    ("argument", "filled"),
    [
        (fm.String("x", max=2), "abc"),
        (fm.String("x", min=1), ""),
        (fm.VerifiedPassword("x"), ["s", "t"]),
        (fm.VerifiedPassword("x"), ["s"]),
        (fm.Integer("x"), "2.5"),
        (fm.Integer("x", allowNone=False), ""),
        (fm.IntegerRange("x", 1, 3), "4"),
        (fm.Float("x"), "1,5"),
        (fm.Choice("x", FRUIT), "c"),
        (fm.Flags("x", FRUIT), ["a", "c"]),
        (fm.File("x", allowNone=False), None),
        (fm.Date("x"), ("2027", "2", "29")),
        (fm.Date("x"), ("2027", "13", "1")),
        (fm.Date("x"), ("0", "1", "1")),
        (fm.Date("x"), ("1", "1")),
        (fm.Date("x", allowNone=False), ("", "", "")),
    ],
)
def test_what_is_wrong(argument: fm.Argument, filled: Any) -> None:
    with pytest.raises(fm.InputError):
        argument.coerce(filled)


def test_texts_and_hints() -> None:
    argument = fm.String("name", shortDesc="Your name")
    argument.addHints(width=3)
    assert (argument.getShortDescription(), argument.getLongDescription()) == ("Your name", "")
    assert (argument.getHint("width"), argument.getHint("height", 7), argument.default) == (3, 7, "")
    assert fm.Integer("age").getShortDescription() == "Age"
    assert fm.FormException("bad", age="too old").descriptions == {"age": "too old"}
    with pytest.raises(NotImplementedError):
        fm.Argument("x").coerce("")


def test_a_form() -> None:
    age = fm.Integer("age")
    form = fm.MethodSignature(fm.String("name"), fm.PresentationHint(), age).method(lambda name, age: (name, age))
    assert form.signature.getArgument("age") is age and form.signature.getArgument("none") is None
    assert len(form.getArgs()) == 3 and form.call("Ann", age=3) == ("Ann", 3) and not form.takesRequest
