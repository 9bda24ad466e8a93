"""All chapters alike: every interface is offered by the room, every member says what it is, and zope can check it."""

from __future__ import annotations

import ast
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from zope.interface import Interface as ZopeInterface
from zope.interface.interface import Method

from plait import interfaces
from plait.interfaces import Interface, implementer, verifyObject

CHAPTERS = [m.name for m in pkgutil.iter_modules(interfaces.__path__) if not m.name.startswith("_")]
INTERFACES = [n for n in interfaces.__all__ if n.startswith("I") and n != "Interface"]


def classes(chapter: str) -> list[ast.ClassDef]:
    module = import_module(f"plait.interfaces.{chapter}")
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.ClassDef)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_interface_is_offered_by_the_room_and_nothing_else_is_defined_in_a_chapter(chapter: str) -> None:
    module = import_module(f"plait.interfaces.{chapter}")
    assert module.__doc__
    for node in classes(chapter):
        if not node.name.startswith("_"):
            assert getattr(interfaces, node.name) is getattr(module, node.name)
            assert node.name in interfaces.__all__


def test_every_chapter_is_in_the_table_of_contents() -> None:
    for chapter in CHAPTERS:
        assert f"`plait.interfaces.{chapter}`" in (interfaces.__doc__ or "")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_member_says_what_it_is(chapter: str) -> None:
    silent = []
    for node in classes(chapter):
        if not ast.get_docstring(node):
            silent.append(node.name)
        for member in node.body:
            if isinstance(member, ast.FunctionDef):
                if not ast.get_docstring(member):
                    silent.append(f"{node.name}.{member.name}")
                assert member.args.args[0].arg == "self", f"{node.name}.{member.name}"
            if isinstance(member, ast.AnnAssign) and member.value is None:
                silent.append(f"{node.name}.{ast.unparse(member.target)}")
    assert silent == []


@pytest.mark.parametrize("name", INTERFACES)
def test_a_class_that_has_all_members_passes_and_one_that_lacks_any_does_not(name: str) -> None:
    """zope.interface finds every member, with the caller's arguments, and nothing but the members."""
    interface: Any = getattr(interfaces, name)
    assert interface.extends(ZopeInterface) and interface.extends(Interface)
    members = dict(interface.namesAndDescriptions(True))
    body = {key: _like(value) for key, value in members.items()}
    assert verifyObject(interface, implementer(interface)(type("Whole", (), body))())
    for missing in members:
        rest = {key: value for key, value in body.items() if key != missing}
        with pytest.raises(Exception, match=missing):
            verifyObject(interface, implementer(interface)(type("Lacking", (), rest))())


def _like(member: Any) -> Any:
    """A method that takes what `member` says, or a value for an attribute."""
    if not isinstance(member, Method):
        return None
    function: dict[str, Any] = {}
    arguments = member.getSignatureString()[1:-1]
    exec(f"def method(self, {arguments}): pass", function)
    return function["method"]
