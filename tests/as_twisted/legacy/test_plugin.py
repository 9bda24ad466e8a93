"""Plugins, found in packages that spread over several folders."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from zope.interface import Interface

from plait.as_twisted.legacy import components, plugin
from plait.log import capturedLogs, formatEvent

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
    assert "twisted.plugins.ciao" in [type(found).__module__ for found in getPlugins(IPlugin)]


def test_modules_of_the_package_can_be_imported(alias: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted import plugins
    from twisted.plugin import getPlugins

    offer(tmp_path / "twisted" / "plugins", "ciao")
    offer(tmp_path / "elsewhere", "ahoj")
    monkeypatch.syspath_prepend(tmp_path)
    plugins.__path__.append(str(tmp_path / "elsewhere"))
    assert importlib.import_module("twisted.plugins.ciao").offered in getPlugins(IGreeter)
    assert [found.name for found in getPlugins(IGreeter)] == ["ciao", "ahoj"]
    with pytest.raises(ModuleNotFoundError, match=r"Plait does not provide twisted\.plugins\.none"):
        importlib.import_module("twisted.plugins.none")


# The cache


def loads(package: ModuleType) -> list[str]:
    """The modules that a question imports when none of them is known."""
    for name in [name for name in sys.modules if name.startswith("greetings.")]:
        del sys.modules[name]
    assert names(package) == names(package)
    return [name for name in sys.modules if name.startswith("greetings.")]


def test_only_modules_with_an_answer_are_imported(package: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "other" / "greetings" / "nothing.py").write_text("")
    assert "greetings.nothing" in loads(package)
    assert sorted(loads(package)) == ["greetings.hello", "greetings.moin"]
    assert (tmp_path / "main" / "greetings" / "dropin.cache").exists()
    cached = plugin.getCache(package)["moin"]
    assert (cached.moduleName, [found.name for found in cached.plugins]) == ("greetings.moin", ["offered"])
    assert cached.plugins[0].provided == [plugin.IPlugin, IGreeter]
    assert repr(cached.plugins[0]) == "<CachedPlugin 'offered'/'greetings.moin' (provides 'IPlugin, IGreeter')>"
    assert cached.plugins[0].load().name == "moin"


def test_a_module_that_changes_or_goes(package: ModuleType, tmp_path: Path) -> None:
    assert names(package) == ["hello", "moin"]
    module = tmp_path / "other" / "greetings" / "moin.py"
    module.write_text(module.read_text().replace("'moin'", "'salve, all'"))
    later = (tmp_path / "other" / "greetings" / "dropin.cache").stat().st_mtime + 10
    os.utime(module, (later, later))
    del sys.modules["greetings.moin"]
    assert names(package) == ["hello", "salve, all"]
    module.unlink()
    assert names(package) == ["hello"]


def test_a_cache_that_cannot_be_used(package: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    monkeypatch.setattr(plugin, "err", lambda _failure, why: logged.append(why))
    cache = tmp_path / "main" / "greetings" / "dropin.cache"
    cache.write_bytes(b"no pickle")
    assert names(package) == ["hello", "moin"]
    assert len(logged) == 1 and str(cache) in logged[0]


def test_a_cache_that_cannot_be_written(package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, content: bytes) -> None:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(plugin.FilePath, "setContent", refuse)
    with capturedLogs() as events:
        assert names(package) == ["hello", "moin"]
    texts = [formatEvent(event) for event in events]
    assert len(texts) == 2 and all("dropin.cache: error number 1" in text for text in texts)


def test_a_name_in_two_folders_is_the_first_ones(package: ModuleType, tmp_path: Path) -> None:
    offer(tmp_path / "other" / "greetings", "hello")
    (tmp_path / "other" / "greetings" / "hello.py").write_text("raise RuntimeError('hidden')")
    assert names(package) == ["hello", "moin"]
