"""Plugins, found in packages that spread over several folders."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from zope.interface import Interface

from plait.as_twisted.legacy import components, plugin

OFFER = """
from zope.interface import implementer
from plait.as_twisted.legacy.plugin import IPlugin
from {test} import IGreeter

@implementer(IPlugin, IGreeter)
class Greeter:
    name = {name!r}

offered = Greeter()

@implementer(IGreeter)
class NoPlugin:
    name = "none"

not_offered = NoPlugin()
"""


class IGreeter(Interface):
    pass


class IOther(Interface):
    pass


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    """What a test imports is forgotten after it."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("greetings", "twisted.plugins")):
            del sys.modules[name]


def offer(folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(OFFER.format(test=__name__, name=name))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package in one folder, which also takes modules from another."""
    offer(tmp_path / "main" / "greetings", "hello")
    (tmp_path / "main" / "greetings" / "__init__.py").write_text(
        "from plait.as_twisted.legacy.plugin import pluginPackagePaths\n__path__.extend(pluginPackagePaths(__name__))"
    )
    offer(tmp_path / "other" / "greetings", "moin")
    monkeypatch.syspath_prepend(tmp_path / "other")
    monkeypatch.syspath_prepend(tmp_path / "main")
    return importlib.import_module("greetings")


def names(package: ModuleType | None = None) -> list[str]:
    return sorted(found.name for found in plugin.getPlugins(IGreeter, package))


def test_plugins_of_a_package(package: ModuleType, tmp_path: Path) -> None:
    assert names(package) == ["hello", "moin"]
    assert list(plugin.getPlugins(IOther, package)) == []
    offer(tmp_path / "other" / "greetings", "salve")
    assert names(package) == ["hello", "moin", "salve"]


def test_a_broken_module_is_logged_and_left_out(
    package: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(plugin, "err", lambda _failure, why: logged.append(why))
    (tmp_path / "other" / "greetings" / "broken.py").write_text("1 / 0")
    assert names(package) == ["hello", "moin"]
    assert len(logged) == 1 and "greetings.broken" in logged[0]


def test_what_goes_wrong_with_a_plugin_is_not_the_modules_fault(package: ModuleType) -> None:
    with pytest.raises(ZeroDivisionError):
        for _ in plugin.getPlugins(IGreeter, package):
            raise ZeroDivisionError


def test_adapted_plugins(package: ModuleType) -> None:
    components.registerAdapter(lambda greeter: ("adapted", greeter.name), IGreeter, IOther)
    try:
        assert sorted(plugin.getPlugins(IOther, package)) == [("adapted", "hello"), ("adapted", "moin")]
    finally:
        components.globalRegistry.unregister([IGreeter], IOther, "")


def test_the_folders_of_a_package(package: ModuleType, tmp_path: Path) -> None:
    folders = plugin.pluginPackagePaths("greetings")
    assert str(tmp_path / "other" / "greetings") in folders
    assert str(tmp_path / "main" / "greetings") not in folders


def test_the_package_of_all_programs(alias: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.plugin import IPlugin, getPlugins

    offer(tmp_path / "twisted" / "plugins", "ciao")
    monkeypatch.syspath_prepend(tmp_path)
    assert [found.name for found in getPlugins(IGreeter)] == ["ciao"]
    assert [type(found).__module__ for found in getPlugins(IPlugin)][:1] == ["twisted.plugins.ciao"]
