"""Every row of the table is true: its rooms exist, and so does each name that it promises."""

from __future__ import annotations

from importlib import import_module

import pytest

from plait.as_twisted.table import MODULES, REACTOR, Row


@pytest.mark.parametrize("row", MODULES.values(), ids=MODULES)
def test_the_rooms_of_a_row_exist(row: Row) -> None:
    for room in row.rooms:
        assert import_module(room)
    for source in row.renamed.values():
        room, _, attribute = source.partition(":")
        assert hasattr(import_module(room), attribute), source


@pytest.mark.parametrize("name", MODULES)
def test_a_module_has_its_package(name: str) -> None:
    package = name.rpartition(".")[0]
    assert package in MODULES or name == "twisted"


@pytest.mark.parametrize("row", MODULES.values(), ids=MODULES)
def test_a_row_that_lists_names_provides_some_of_them(row: Row) -> None:
    if row.only:
        offered = {name for room in row.rooms for name in dir(import_module(room))}
        assert row.only & offered


@pytest.mark.parametrize("name", [n for n in MODULES if n != REACTOR])
def test_every_module_can_be_imported_whole(alias: None, name: str) -> None:
    namespace: dict[str, object] = {}
    exec(f"from {name} import *", namespace)
    names = set(namespace) - {"__builtins__"}
    module = import_module(name)
    assert names == set(module.__all__)
    assert names <= set(dir(module))
