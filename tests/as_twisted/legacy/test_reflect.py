"""Objects found by name, and names found in classes."""

from __future__ import annotations

import os.path
import weakref
from collections import deque
from pathlib import Path

import pytest

from plait.as_twisted.legacy import objgrep, reflect


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


def test_where_an_object_is_held() -> None:
    class Holder:
        def method(self) -> None: ...

    wanted, holder = object(), Holder()
    holder.__dict__["deque"] = deque([None, (wanted,)])
    table = {"list": [holder], wanted: "key"}
    assert sorted(objgrep.objgrep(table, wanted, objgrep.isSame)) == ["['list'][0].deque[1][0]", "{'key'}"]
    assert objgrep.objgrep(table, wanted, objgrep.isSame, maxDepth=1) == ["{'key'}"]
    assert objgrep.objgrep(holder.method, wanted, objgrep.isSame, "m") == ["m.__self__.deque[1][0]"]
    assert objgrep.objgrep(weakref.ref(holder), holder, objgrep.isSame) == ["()"]
    assert objgrep.findInstances([3, "a", [4]], str) == ["[1]"]
    ring: list[object] = []
    ring.append(ring)
    assert objgrep.objgrep(ring, ring, objgrep.isSame) == ["", "[0]"]
    deep: list[object] = [wanted]
    for _ in range(5000):
        deep = [deep]
    assert objgrep.objgrep(deep, wanted, objgrep.isSame) == ["[0]" * 5001]


def test_methods_for_later_and_names_of_functions() -> None:
    calls: list[tuple[str, tuple[object, ...]]] = []
    reflect.QueueMethod("tie", calls)("a", 1)
    assert calls == [("tie", ("a", 1))]
    assert reflect.fullFuncName(os.path.join) == f"{os.path.join.__module__}.join"
    with pytest.raises(ValueError, match="is not what is found"):
        reflect.fullFuncName(type("X", (), {"__module__": "os.path", "__name__": "join"})())


def test_a_repr_that_fails_shows_where() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

    text = reflect.safe_repr(Bad())
    assert text.startswith("<Bad instance at 0x") and __file__ in text and "RuntimeError: no repr" in text
