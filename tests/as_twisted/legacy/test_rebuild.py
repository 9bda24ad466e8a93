"""Modules loaded again."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from plait.as_twisted.legacy import components, rebuild

OLD = """
class Base:
    def name(self):
        return "old"

class Below(Base):
    pass

class Slotted:
    __slots__ = ("a",)

def make():
    return "old"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "rebuilt.py").write_text(OLD)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("rebuilt")
    sys.modules.pop("rebuilt")


def change(module: ModuleType, old: str, new: str) -> None:
    path = Path(str(module.__file__))
    path.write_text(path.read_text().replace(old, new))
    os.utime(path, (2_000_000_000, 2_000_000_000))  # the compiled file is of another time for sure


def test_objects_and_names_follow(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    thing, below, slotted = module.Base(), module.Below(), module.Slotted()
    slotted.a = 7

    class Outside(module.Below):
        pass

    outside = Outside()
    monkeypatch.setattr(sys.modules[__name__], "make", module.make, raising=False)
    change(module, '"old"', '"new"')
    assert rebuild.rebuild(module, doLog=False) is module
    assert [of.name() for of in (thing, below, outside)] == ["new"] * 3
    assert type(thing) is module.Base and type(below) is module.Below and type(slotted) is module.Slotted
    assert slotted.a == 7
    assert sys.modules[__name__].make is module.make and module.make() == "new"


def test_an_error_leaves_adapters_strict(module: ModuleType) -> None:
    change(module, "class Slotted", "1 / 0\nclass Slotted")
    with pytest.raises(ZeroDivisionError):
        rebuild.rebuild(module)
    assert components.ALLOW_DUPLICATES is False


def test_an_object_that_wants_to_know(module: ModuleType) -> None:
    sensitive = rebuild.Sensitive()
    sensitive.rebuildUpToDate()
    assert not sensitive.needRebuildUpdate()
    old, old_function, thing = module.Base, module.make, module.Base()
    exec(Path(str(module.__file__)).read_text(), vars(module))
    assert sensitive.latestVersionOf(old) is module.Base is not old
    assert sensitive.latestVersionOf(old_function) is module.make is not old_function
    assert sensitive.latestVersionOf(thing.name) == thing.name and type(thing) is module.Base
    assert rebuild.latestClass(Exception) is Exception
