"""Warnings about old names."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from plait.as_twisted.legacy import deprecate
from plait.as_twisted.version import Version

SINCE = Version("Rope", 1, 2, 3)


def new() -> None: ...


@deprecate.deprecated(SINCE, new)
def old(value: int) -> int:
    """Give it back."""
    return value


class Thing:
    @deprecate.deprecated(SINCE)
    def method(self) -> str:
        return "done"

    @deprecate.deprecatedProperty(SINCE, "other")
    def prop(self) -> int:
        return 5

    @prop.setter
    def prop(self, value: int) -> None:
        self.stored = value

    @deprecate.deprecatedKeywordParameter(SINCE, "b", "c")
    def keyword(self, a: int, b: int = 0, c: int = 0) -> tuple[int, int, int]:
        return a, b, c


def test_a_function() -> None:
    text = f"{__name__}.old was deprecated in Rope 1.2.3; please use {__name__}.new instead"
    with pytest.warns(DeprecationWarning) as caught:
        assert old(3) == 3
    assert str(caught[0].message) == text
    assert caught[0].filename == __file__
    assert old.__name__ == "old"
    assert (
        old.__doc__ is not None
        and old.__doc__.strip() == f"Give it back.\n\nDeprecated in Rope 1.2.3; please use {__name__}.new instead."
    )


def test_a_method_and_a_property() -> None:
    thing = Thing()
    with pytest.warns(DeprecationWarning, match=r"Thing\.method was deprecated in Rope 1\.2\.3$"):
        assert thing.method() == "done"
    with pytest.warns(DeprecationWarning, match=r"Thing\.prop .* please use other"):
        assert thing.prop == 5
    with pytest.warns(DeprecationWarning, match="prop") as caught:
        thing.prop = 7
    assert caught[0].filename == __file__
    assert thing.stored == 7


@pytest.mark.parametrize(("args", "kwargs"), [((1, 2), {}), ((1,), {"b": 2})])
def test_a_parameter(args: tuple[int, ...], kwargs: dict[str, int]) -> None:
    with pytest.warns(DeprecationWarning, match="'b' parameter to .*keyword was deprecated"):
        assert Thing().keyword(*args, **kwargs) == (1, 2, 0)


def test_the_other_parameters_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Thing().keyword(1, c=2) == (1, 0, 2)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with two names."""
    made = ModuleType("rope_module")
    exec("old = 1\nnew = 2\ndef use(): return old", made.__dict__)
    monkeypatch.setitem(sys.modules, "rope_module", made)
    yield made


def test_a_name_of_a_module(module: ModuleType) -> None:
    deprecate.deprecatedModuleAttribute(SINCE, "Use new.", "rope_module", "old")
    deprecate.deprecatedModuleAttribute(SINCE, "No.", "rope_module", "use")
    with pytest.warns(DeprecationWarning) as caught:
        assert module.old == 1
    assert str(caught[0].message) == "rope_module.old was deprecated in Rope 1.2.3: Use new."
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="use"):
        use = module.use
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (module.new, use()) == (2, 1)


def test_the_text() -> None:
    assert deprecate.getDeprecationWarningString(new, SINCE) == f"{__name__}.new was deprecated in Rope 1.2.3"
    assert deprecate.getDeprecationWarningString(new, SINCE, "%(version)s: %(fqpn)s", "x") == (
        f"Rope 1.2.3: {__name__}.new; please use x instead"
    )
    assert deprecate.getVersionString(SINCE) == "Rope 1.2.3"


def test_another_way_to_warn() -> None:
    said = []
    before = deprecate.getWarningMethod()
    deprecate.setWarningMethod(lambda text, kind, stacklevel: said.append((text, kind)))
    try:
        old(1)
    finally:
        deprecate.setWarningMethod(before)
    assert said[0][1] is DeprecationWarning and "old" in said[0][0]


def test_a_warning_at_the_function_itself() -> None:
    with pytest.warns(DeprecationWarning, match="careful") as caught:
        deprecate.warnAboutFunction(new, "careful")
    assert caught[0].filename == __file__
    assert caught[0].lineno == new.__code__.co_firstlineno


def test_docstrings_keep_their_form() -> None:
    def one() -> None:
        """One line."""

    def more() -> None:
        """
        More.

        Much more.
        """

    def none() -> None: ...

    for function, expected in (
        (one, "One line.\n\nOld.\n"),
        (more, "\nMore.\n\nMuch more.\n\nOld.\n"),
        (none, "Old."),
    ):
        deprecate._appendToDocstring(function, "Old.")
        assert function.__doc__ == expected


def test_arguments_that_exclude_each_other() -> None:
    @deprecate._mutuallyExclusiveArguments([("a", "b")])
    def tie(x: int, a: int = 1, b: int = 2, *, c: int = 3) -> int:
        return x + a + b + c

    assert (tie(1), tie(1, 5), tie(1, b=5)) == (7, 11, 10)
    with pytest.raises(TypeError, match=r"'a' and 'b' arguments to .*tie are mutually exclusive"):
        tie(1, 2, 3)


def test_a_module_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "oldpackage").mkdir()
    (tmp_path / "oldpackage" / "gone.py").write_text("value = 3")
    (tmp_path / "oldpackage" / "__init__.py").write_text(
        "from plait.as_twisted.legacy.deprecate import deprecatedModuleAttribute\n"
        "from plait.as_twisted.version import Version\n"
        "deprecatedModuleAttribute(Version('Rope', 1, 2, 3), 'use another', __name__, 'gone')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        for _ in range(2):
            with pytest.warns(DeprecationWarning, match=r"oldpackage.gone was deprecated in Rope 1.2.3: use") as caught:
                from oldpackage import gone  # type: ignore[import-not-found]
            assert gone.value == 3 and len(caught) == 1 and caught[0].filename == __file__
    finally:
        for name in ("oldpackage", "oldpackage.gone"):
            sys.modules.pop(name, None)
