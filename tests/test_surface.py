"""The public surface: every name is there, is what type checkers think it is, and says what it does."""

from __future__ import annotations

import ast
import inspect
import json
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import plait

HEAVY = ("asyncio", "concurrent", "httptools", "socket", "ssl", "uvloop", "zope")

ROOMS = sorted(f"plait.{module.name}" for module in pkgutil.iter_modules(plait.__path__) if module.name != "__main__")


def modules_loaded_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has after `statement`, beyond those that it starts with."""
    code = f"import json, sys; old = set(sys.modules); {statement}; print(json.dumps(list(set(sys.modules) - old)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("name", plait.__all__)
def test_each_name_at_the_top_resolves_and_is_documented(name: str) -> None:
    value = getattr(plait, name)
    documented = value if inspect.isclass(value) or inspect.isfunction(value) else type(value)
    assert inspect.getdoc(documented), f"plait.{name} has no docstring"


def test_dir_lists_each_name() -> None:
    assert set(plait.__all__) <= set(dir(plait))


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = plait.nonsense


def test_type_checkers_are_told_the_same_as_the_interpreter() -> None:
    """The imports under TYPE_CHECKING, and __all__, against what is loaded when a name is first used."""
    tree = ast.parse(Path(plait.__file__).read_text(encoding="utf-8"))
    told: dict[str, str | None] = {}
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for entry in ast.walk(node):
                if isinstance(entry, ast.ImportFrom):
                    told.update({alias.name: entry.module for alias in entry.names})
    assert told == plait._NAMES
    assert sorted(plait.__all__) == sorted([*told, "reactor", "__version__"])


def test_importing_plait_loads_no_room_and_nothing_heavy() -> None:
    loaded = modules_loaded_by("import plait")
    assert [name for name in loaded if name.startswith("plait.")] == []
    assert [name for name in loaded if name.split(".")[0] in HEAVY] == []


def test_a_deferred_needs_no_event_loop_library() -> None:
    loaded = modules_loaded_by("from plait import Deferred")
    assert "plait.deferred" in loaded
    assert [name for name in loaded if name.split(".")[0] in ("httptools", "uvloop")] == []


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_says_what_it_is_and_so_do_its_names(room: str) -> None:
    module = import_module(room)
    assert module.__doc__, f"{room} has no docstring"
    bare = []
    for name in getattr(module, "__all__", []):
        value = getattr(module, name)
        ours = getattr(value, "__module__", "").startswith("plait.")
        if ours and (inspect.isclass(value) or inspect.isfunction(value)) and not value.__doc__:
            bare.append(name)
    assert bare == [], f"names of {room} without a docstring"
