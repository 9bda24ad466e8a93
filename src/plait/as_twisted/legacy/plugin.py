"""What `twisted.plugin` is: objects that other packages offer, found in the modules of a package.

A plugin is an object at the top of such a module that provides `IPlugin` and the interface that is asked for. The
package spreads over several folders: it says ``__path__.extend(pluginPackagePaths(__name__))``, and everybody who
offers something puts a module into a folder of that name, without an ``__init__.py``.

What the modules of a folder offer is kept in its file ``dropin.cache``, so that a question imports only the modules
that have an answer. A module that is younger than the cache is looked at again. Where the file cannot be written, all
works, slower.
"""

from __future__ import annotations

import errno
import importlib
import importlib.machinery
import os
import pickle
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from zope.interface import Interface, providedBy  # type: ignore[import-untyped]

from plait.as_twisted import finder
from plait.as_twisted.legacy.components import getAdapterFactory
from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.table import MODULES
from plait.log import Logger
from plait.log.legacy import err

__all__ = ["CachedDropin", "CachedPlugin", "IPlugin", "getCache", "getPlugIns", "getPlugins", "pluginPackagePaths"]

_CACHE = "dropin.cache"

_log = Logger("plait.as_twisted.plugin")


class IPlugin(Interface):  # type: ignore[misc]
    """Mark of all objects that are to be found as plugins."""


class CachedPlugin:
    """What is known of a plugin without importing it: its `name` in the module, `description`, and what it `provided`."""

    def __init__(self, dropin: CachedDropin, name: str, description: str | None, provided: list[Any]) -> None:
        self.dropin = dropin
        self.name = name
        self.description = description
        self.provided = provided
        dropin.plugins.append(self)

    def __repr__(self) -> str:
        provided = ", ".join(interface.__name__ for interface in self.provided)
        return f"<CachedPlugin {self.name!r}/{self.dropin.moduleName!r} (provides {provided!r})>"

    def load(self) -> Any:
        """The plugin itself; its module is imported if it was not."""
        return getattr(importlib.import_module(self.dropin.moduleName), self.name)

    def __conform__(self, interface: Any, registry: Any = None, default: Any = None) -> Any:
        """The plugin, adapted to the interface if need be, or the default: nothing is imported for that."""
        for provided in self.provided:
            if provided.isOrExtends(interface):
                return self.load()
            if getAdapterFactory(provided, interface, None) is not None:
                return interface(self.load(), default)
        return default


class CachedDropin:
    """A module that offers `plugins`: its name, and the docstring as `description`."""

    def __init__(self, moduleName: str, description: str | None) -> None:
        self.moduleName = moduleName
        self.description = description
        self.plugins: list[CachedPlugin] = []


def getPlugins(interface: Any, package: ModuleType | None = None) -> Iterator[Any]:
    """All plugins in a package that provide an interface, or can be adapted to it; adapted they are handed over.

    The package is ``twisted.plugins`` unless told: the folders of that name beside the modules of ``sys.path``.
    A module that cannot be imported is logged and left out.
    """
    for dropin in _dropins(package).values():
        for offered in dropin.plugins:
            try:
                adapted = interface(offered, None)
            except Exception:
                err(None, f"the plugin {offered.name} of {dropin.moduleName} cannot be had")
                continue
            if adapted is not None:
                yield adapted


getPlugIns = getPlugins


def getCache(module: ModuleType) -> dict[str, CachedDropin]:
    """What each module of a package offers, by the module's last name. A cache that is old is made anew."""
    return _dropins(module)


def pluginPackagePaths(name: str) -> list[str]:
    """The folders that belong to a package of this name, except those with an ``__init__.py``: they are another's."""
    return finder.folders_of(name)


def _dropins(package: ModuleType | None) -> dict[str, CachedDropin]:
    importlib.invalidate_caches()
    if package is None or package.__name__ == finder.PLUGINS:
        known = dict(_built_in())
        added = getattr(sys.modules.get(finder.PLUGINS), "__path__", ())
        name, paths = finder.PLUGINS, [*finder.folders_of(finder.PLUGINS), *added]
    else:
        known, name, paths = {}, package.__name__, list(package.__path__)
    for folder in paths:
        for word, dropin in _folder(folder, name, seen=known).items():
            known.setdefault(word, dropin)
    return known


def _built_in() -> Iterator[tuple[str, CachedDropin]]:
    """The modules of the default package that Plait itself provides: those of the alias."""
    if finder.installed():
        for name in MODULES:
            if name.startswith(f"{finder.PLUGINS}."):
                module = importlib.import_module(name)
                offered = {word: getattr(module, word) for word in module.__all__}
                yield name.rpartition(".")[2], _described(name, module.__doc__, offered)


def _folder(folder: str, package: str, seen: Mapping[str, Any]) -> dict[str, CachedDropin]:
    """What the modules of one folder offer, from its cache where that is younger than they are."""
    cache = FilePath(os.path.join(folder, _CACHE))
    written, kept = _read(cache)
    found: dict[str, CachedDropin] = {}
    for entry in pkgutil.iter_modules([folder]):
        if entry.name in seen:
            continue  # a module of that name in an earlier folder hides this one
        name = f"{package}.{entry.name}"
        if entry.name in kept and _changed(folder, entry.name) < written:
            found[entry.name] = kept[entry.name]
            continue
        try:
            module = importlib.import_module(name)
        except Exception:
            err(None, f"the plugins of {name} cannot be had")
        else:
            found[entry.name] = _described(name, module.__doc__, vars(module))
    if found != kept and os.path.isdir(folder):
        _write(cache, found)
    return found


def _described(name: str, doc: str | None, offered: Mapping[str, Any]) -> CachedDropin:
    dropin = CachedDropin(name, doc)
    for word, value in list(offered.items()):
        plugin = IPlugin(value, None)
        if plugin is not None:
            CachedPlugin(dropin, word, value.__doc__, list(providedBy(plugin)))
    return dropin


def _changed(folder: str, name: str) -> float:
    """When the file of a module was changed, in seconds since the epoch."""
    spec = importlib.machinery.PathFinder.find_spec(name, [folder])
    try:
        return os.stat(spec.origin or folder).st_mtime if spec is not None else float("inf")
    except OSError:
        return float("inf")


def _read(cache: FilePath[str]) -> tuple[float, dict[str, CachedDropin]]:
    """When a cache was written, and what it says; nothing where it cannot be read, or is of a package that is gone."""
    try:
        written = cache.getModificationTime()
        kept = pickle.loads(cache.getContent())
    except FileNotFoundError:
        return 0, {}
    except NotADirectoryError:
        return 0, {}
    except Exception:
        err(None, f"the plugin cache {cache.path} cannot be read and is made anew")
        return 0, {}
    return (written, kept) if isinstance(kept, dict) else (0, {})


def _write(cache: FilePath[str], found: dict[str, CachedDropin]) -> None:
    try:
        cache.setContent(pickle.dumps(found))
    except OSError as error:
        _log.warn(
            "Unable to write to plugin cache {path}: error number {errno}",
            path=cache.path,
            errno=errno.EPERM if error.errno == errno.EACCES else error.errno,
        )
    except Exception:
        err(None, f"the plugin cache {cache.path} cannot be written")
