"""Objects found by name, and names found in classes."""

from __future__ import annotations

import os.path
from pathlib import Path

import pytest

from plait.as_twisted.legacy import reflect


class Base:
    rows = ["base"]
    table = {"a": 1, "b": 1}

    def do_walk(self) -> str:
        return "walk"

    def other(self) -> None: ...


class Derived(Base):
    rows = ["derived"]
    table = {"b": 2}

    def do_run(self) -> str:
        return "run"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("os", os), ("os.path", os.path), ("os.path.join", os.path.join), ("builtins.str.upper", str.upper)],
)
def test_any_dotted_name(name: str, expected: object) -> None:
    assert reflect.namedAny(name) is expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", reflect.InvalidName),
        ("os.", reflect.InvalidName),
        (".os", reflect.InvalidName),
        ("os..path", reflect.InvalidName),
        ("nosuchmodule", reflect.ModuleNotFound),
        ("nosuchmodule.thing", reflect.ObjectNotFound),
        ("os.nothing", AttributeError),
        ("os.path.join.nothing", AttributeError),
    ],
)
def test_a_name_of_nothing(name: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        reflect.namedAny(name)


def test_an_error_inside_a_module_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_inside.py").write_text("import nosuchmodule")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nosuchmodule"):
        reflect.namedAny("broken_inside.thing")


def test_names_behind_the_alias(alias: None) -> None:
    from twisted.internet.defer import Deferred

    assert reflect.namedAny("twisted.internet.defer.Deferred") is Deferred


def test_modules_and_objects() -> None:
    assert reflect.namedModule("os.path") is os.path
    assert reflect.namedObject("os.path.join") is reflect.namedClass("os.path.join") is os.path.join
    assert reflect.requireModule("os") is os
    assert reflect.requireModule("nosuchmodule", 5) == 5


def test_full_names() -> None:
    assert reflect.qual(Derived) == f"{__name__}.Derived"
    assert reflect.fullyQualifiedName(Base.do_walk) == f"{__name__}.Base.do_walk"
    assert reflect.fullyQualifiedName(Derived().do_walk) == f"{__name__}.Derived.do_walk"
    assert reflect.fullyQualifiedName(os.path) == os.path.__name__


def test_methods_by_prefix() -> None:
    assert sorted(reflect.prefixedMethodNames(Derived, "do_")) == ["run", "walk"]
    assert sorted(method() for method in reflect.prefixedMethods(Derived(), "do_")) == ["run", "walk"]
    names: dict[str, int] = {}
    reflect.addMethodNamesToDict(Derived, names, "do_", Base)
    assert names == {"run": 1}


def test_attributes_summed_over_the_bases() -> None:
    rows: list[str] = []
    reflect.accumulateClassList(Derived, "rows", rows)
    assert rows == ["base", "derived"]
    table: dict[str, int] = {}
    reflect.accumulateClassDict(Derived, "table", table)
    assert table == {"a": 1, "b": 2}


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no words")

    __str__ = __repr__


def test_what_cannot_describe_itself() -> None:
    assert reflect.safe_repr([1]) == "[1]"
    assert reflect.safe_str(b"caf\xc3\xa9") == "café"
    assert reflect.safe_str(b"\xff") == r"b'\xff'"
    for text in (reflect.safe_repr(Broken()), reflect.safe_str(Broken())):
        assert "Broken" in text and "no words" in text


def test_the_name_of_the_module_in_a_file(tmp_path: Path) -> None:
    package = tmp_path / "outer" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    assert reflect.filenameToModuleName(str(package / "leaf.py")) == "outer.inner.leaf"
    assert reflect.filenameToModuleName(os.fsencode(package / "__init__.py")) == "outer.inner"
