"""Objects that are saved and loaded: as pickles, as source, with versions, and in a folder."""

from __future__ import annotations

import copyreg
import io
import math
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from plait.as_twisted.legacy import aot, components, crefutil, dirdbm, sob, styles
from plait.service import Application, MultiService


class Knot(styles.Versioned):
    persistenceVersion = 1
    persistenceForgets = ("rope",)

    def __init__(self) -> None:
        self.name = "bowline"
        self.rope: Any = lambda: None


class Hitch(Knot):
    persistenceVersion = 1


class Reel(components.Componentized):
    turns = 0


class Plain:
    def method(self) -> Plain:
        return self


class Stated:
    state: Any = None

    def __getstate__(self) -> Any:
        return self.state

    def __setstate__(self, state: Any) -> None:
        self.state = state


class Registered:
    pass


class Turn:
    def __init__(self, number: int) -> None:
        self.number = number


copyreg.pickle(Registered, lambda thing: (Turn, (7,)))  # type: ignore[arg-type]


def there_and_back(thing: Any) -> Any:
    source = aot.jellyToSource(thing)
    assert source is not None
    return aot.unjellyFromSource(source)


# Versions


def test_a_class_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = pickle.dumps([Knot(), Hitch()])
    calls: list[str] = []
    monkeypatch.setattr(Knot, "persistenceVersion", 3)
    monkeypatch.setattr(Knot, "upgradeToVersion2", lambda self: calls.append("2"), raising=False)
    monkeypatch.setattr(Knot, "upgradeToVersion3", lambda self: calls.append("3"), raising=False)
    monkeypatch.setattr(Hitch, "persistenceVersion", 2)
    monkeypatch.setattr(Hitch, "upgradeToVersion2", lambda self: calls.append("hitch"), raising=False)
    knot, hitch = pickle.loads(saved)
    assert calls == [] and not hasattr(knot, "rope") and knot.name == hitch.name == "bowline"
    styles.doUpgrade()
    assert sorted(calls) == ["2", "2", "3", "3", "hitch"]
    assert calls[-3:] == ["2", "3", "hitch"] or calls[:3] == ["2", "3", "hitch"]
    styles.doUpgrade()
    assert len(calls) == 5
    assert vars(pickle.loads(pickle.dumps(knot)))["name"] == "bowline"
    styles.doUpgrade()
    assert len(calls) == 5


def test_one_upgrade_needs_another_object(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = Knot(), Knot()
    first.rope, first.name = None, "first"
    first.__dict__["other"] = second
    saved = pickle.dumps(first)
    order: list[str] = []

    def upgrade(self: Any) -> None:
        if self.name == "first":
            styles.requireUpgrade(self.other)
        order.append(self.name)

    monkeypatch.setattr(Knot, "persistenceVersion", 2)
    monkeypatch.setattr(Knot, "upgradeToVersion2", upgrade, raising=False)
    assert pickle.loads(saved).name == "first"
    styles.doUpgrade()
    assert order == ["bowline", "first"]


def test_what_is_not_saved() -> None:
    class_of_loaded = type(pickle.loads(pickle.dumps(styles.Ephemeral())))
    assert class_of_loaded is styles.Ephemeral


def test_modules_in_pickles() -> None:
    assert pickle.loads(pickle.dumps(math)) is math
    stand_in = ModuleType("gone")
    styles.oldModules["gone"] = stand_in
    try:
        assert styles.unpickleModule("gone") is stand_in
    finally:
        del styles.oldModules["gone"]


# Source


@pytest.mark.parametrize(
    "thing",
    [None, 1, -2.5, math.inf, 1j, "a\n'b\u20ac", b"\0x", ..., slice(1, 2), [], {}, (), [1, [2, {"a": (3,)}]], {1: [2]}],
)
def test_plain_values(thing: Any) -> None:
    assert there_and_back(thing) == thing


def test_no_number() -> None:
    assert math.isnan(there_and_back(math.nan))


def test_one_object_in_two_places() -> None:
    shared = ["x"]
    one, other = there_and_back([shared, {"again": shared}])
    assert one is other["again"]


def test_circles() -> None:
    ring: list[Any] = ["x"]
    ring.append((ring, {"ring": ring}))
    made = there_and_back(ring)
    assert made[1][0] is made and made[1][1]["ring"] is made
    thing = Plain()
    thing.__dict__.update(own=thing, call=thing.method)
    made = there_and_back(thing)
    assert made.own is made and made.call() is made


def test_a_tuple_in_itself() -> None:
    inner: list[Any] = []
    outer = (inner, 1)
    inner.append(outer)
    made = there_and_back(outer)
    assert isinstance(made, tuple) and made[0][0] is made


def test_names_and_methods() -> None:
    assert there_and_back([Plain, math, test_circles]) == [Plain, math, test_circles]
    method = there_and_back(Plain().method)
    assert isinstance(method(), Plain)


def test_states_of_objects() -> None:
    stated = Stated()
    for state in ("text", {"a": [1]}, [stated]):
        stated.state = state
        made = there_and_back(stated)
        assert made.state == state if not isinstance(state, list) else made.state[0] is made
    thing = Plain()
    thing.__dict__.update({"class": 1, "self": 2, "ok": 3})
    assert vars(there_and_back(thing)) == vars(thing)
    assert there_and_back(Registered()).number == 7


def test_what_cannot_be_kept() -> None:
    with pytest.raises(TypeError, match="Unsupported type: generator"):
        aot.jellyToSource(x for x in ())
    with pytest.raises(ValueError, match="'app'"):
        aot.unjellyFromSource("other = 1")
    with pytest.raises(ValueError, match="not in it"):
        aot.unjellyFromSource("app = Deref(4)")


def test_source_in_a_file() -> None:
    file = io.BytesIO()
    aot.jellyToSource({"a": ["\u20ac"]}, file)
    assert file.getvalue().decode() == "app={\n  'a':[\n    '\u20ac',\n    ],\n  }"
    file.seek(0)
    assert aot.unjellyFromSource(file) == {"a": ["\u20ac"]}


def test_stand_ins() -> None:
    holder: list[Any] = [None]
    stand_in = crefutil.NotKnown()
    stand_in.addDependant(holder, 0)
    stand_in.resolveDependants("here")
    assert holder == ["here"]
    with pytest.raises(AssertionError):
        stand_in.addDependant(holder, 0)
    deferred = crefutil._Defer()
    deferred[0] = 3
    results: list[int] = []
    deferred.addCallback(results.append)
    assert results == [3]


# Files


@pytest.mark.parametrize("style", ["pickle", "source"])
def test_save_and_load(tmp_path: Path, style: str) -> None:
    reel = Reel()
    reel.turns = 3
    reel.setComponent(sob.IPersistable, sob.Persistent(reel, str(tmp_path / "reel")))
    keeper = sob.IPersistable(reel)  # type: ignore[misc]
    keeper.setStyle(style)
    keeper.save()
    keeper.save("tagged")
    ending = "tap" if style == "pickle" else "tas"
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"reel-tagged.{ending}", f"reel.{ending}"]
    loaded = sob.load(str(tmp_path / f"reel.{ending}"), style)
    assert loaded.turns == 3
    assert sob.IPersistable(loaded).style == style  # type: ignore[misc]


@pytest.mark.parametrize("style", ["pickle", "source"])
def test_an_application(tmp_path: Path, style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    application = Application("ropes", uid=1, gid=2)
    part = MultiService()
    part.setName("part")
    part.setServiceParent(application)
    sob.IPersistable(application).setStyle(style)  # type: ignore[misc]
    sob.IPersistable(application).save()  # type: ignore[misc]
    loaded = sob.load("ropes.tap" if style == "pickle" else "ropes.tas", style)
    assert (loaded.name, loaded.uid, loaded.gid) == ("ropes", 1, 2)
    again = loaded.getServiceNamed("part")
    assert again.parent is loaded and not again.running
    assert sob.IPersistable(loaded).style == style  # type: ignore[misc]
    assert sob.IPersistable(loaded).original is loaded  # type: ignore[misc]


def test_errors_of_saving(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="passphrase"):
        sob.Persistent(1, "x").save(passphrase="secret")
    with pytest.raises(ValueError, match="'xml'"):
        sob.Persistent(1, "x").setStyle("xml")
    with pytest.raises(ValueError, match="'xml'"):
        sob.load(str(tmp_path / "none"), "xml")


def test_the_main_module_is_there_again_after_an_error(tmp_path: Path) -> None:
    import sys

    main = sys.modules["__main__"]
    (tmp_path / "bad.tas").write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        sob.load(str(tmp_path / "bad.tas"), "source")
    assert sys.modules["__main__"] is main


def test_a_variable_of_a_program(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("value = __file__.upper()")
    assert sob.loadValueFromFile(str(tmp_path / "app.py"), "value").endswith("APP.PY")
    with pytest.raises(KeyError):
        sob.loadValueFromFile(str(tmp_path / "app.py"), "other")
    assert [sob.guessType(n) for n in ("a.tac", "b.tap", "c.tas")] == ["python", "pickle", "source"]
    with pytest.raises(KeyError):
        sob.guessType("a.txt")


# A folder as a mapping


def test_a_mapping_in_a_folder(tmp_path: Path) -> None:
    mapping = dirdbm.open(str(tmp_path / "db"))
    long = bytes(range(180))
    mapping.update({b"a/b": b"1", long: b"2"})
    mapping[b"a/b"] = b"3"
    assert sorted(mapping.items()) == sorted([(long, b"2"), (b"a/b", b"3")])
    again = dirdbm.DirDBM(str(tmp_path / "db"))
    assert again[b"a/b"] == b"3" and long in again and b"c" not in again and again.get(b"c", b"?") == b"?"
    assert again.getModificationTime(long) > 0
    del again[long]
    assert list(mapping) == [b"a/b"] and len(mapping) == 1 and mapping.setdefault(b"a/b", b"x") == b"3"
    for wrong in (lambda: mapping[b"c"], lambda: mapping.__delitem__(b"c"), lambda: mapping.getModificationTime(b"c")):
        with pytest.raises(KeyError):
            wrong()
    with pytest.raises(TypeError, match="a key is bytes"):
        mapping["a"]  # type: ignore[index]
    with pytest.raises(TypeError, match="a value is bytes"):
        mapping[b"a"] = 1
    copy = mapping.copyTo(str(tmp_path / "copy"))
    copy.clear()
    assert (len(copy), len(mapping)) == (0, 1)


def test_what_a_crash_left(tmp_path: Path) -> None:
    mapping = dirdbm.DirDBM(str(tmp_path))
    name = {key: mapping._encode(key).decode() for key in (b"1", b"2", b"3")}
    (tmp_path / f"{name[b'1']}.rpl").write_bytes(b"whole")
    (tmp_path / name[b"2"]).write_bytes(b"old")
    (tmp_path / f"{name[b'2']}.rpl").write_bytes(b"half")
    (tmp_path / f"{name[b'3']}.new").write_bytes(b"half")
    assert dict(dirdbm.DirDBM(str(tmp_path)).items()) == {b"1": b"whole", b"2": b"old"}


def test_a_write_that_fails_leaves_the_old_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = dirdbm.DirDBM(str(tmp_path))
    mapping[b"a"] = b"old"

    def full(path: Any, data: bytes) -> None:
        path.setContent(data[:1])
        raise OSError("no space")

    monkeypatch.setattr(mapping, "_writeFile", full)
    with pytest.raises(OSError, match="no space"):
        mapping[b"a"] = b"new"
    assert dict(mapping.items()) == {b"a": b"old"}


def test_objects_in_a_folder(tmp_path: Path) -> None:
    shelf = dirdbm.Shelf(str(tmp_path / "db"))
    shelf[b"k"] = {"a": [1]}
    assert dirdbm.Shelf(str(tmp_path / "db"))[b"k"] == {"a": [1]}
