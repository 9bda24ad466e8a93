"""What `twisted.plugin` is: objects that other packages offer, found in the modules of a package.

A plugin is an object at the top of such a module that provides `IPlugin` and the interface that is asked for. The
package spreads over several folders: it says ``__path__.extend(pluginPackagePaths(__name__))``, and everybody who
offers something puts a module into a folder of that name, without an ``__init__.py``. The modules are imported at each
question (those that are known already are not run again); no cache is written.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from zope.interface import Interface  # type: ignore[import-untyped]

from plait.as_twisted import finder
from plait.as_twisted.table import MODULES
from plait.log.legacy import err

__all__ = ["IPlugin", "getPlugins", "pluginPackagePaths"]

DEFAULT_PACKAGE = "twisted.plugins"
"""Where plugins are looked for, unless told."""


class IPlugin(Interface):  # type: ignore[misc]
    """Mark of all objects that are to be found as plugins."""


def getPlugins(interface: Any, package: ModuleType | None = None) -> Iterator[Any]:
    """All plugins in a package that provide an interface, or can be adapted to it; adapted they are handed over.

    The package is ``twisted.plugins`` unless told: the folders of that name beside the modules of ``sys.path``.
    A module that cannot be imported is logged and left out.
    """
    for module in _modules(package):
        for offered in list(vars(module).values()):
            if IPlugin(offered, None) is None:
                continue
            adapted = interface(offered, None)
            if adapted is not None:
                yield adapted


def pluginPackagePaths(name: str) -> list[str]:
    """The folders that belong to a package of this name, except those with an ``__init__.py``: they are another's."""
    folders = (os.path.abspath(os.path.join(place, *name.split("."))) for place in sys.path)
    return [folder for folder in folders if not os.path.exists(os.path.join(folder, "__init__.py"))]


def _modules(package: ModuleType | None) -> Iterator[ModuleType]:
    """The modules of the package that can be imported."""
    importlib.invalidate_caches()
    name = DEFAULT_PACKAGE if package is None else package.__name__
    paths: Iterable[str] = pluginPackagePaths(name) if package is None else package.__path__
    seen = set()
    for found in pkgutil.iter_modules(list(paths), f"{name}."):
        if found.name in seen:
            continue
        seen.add(found.name)
        try:
            if package is None:
                module = _load(found.name, paths)
            else:
                module = importlib.import_module(found.name)
        except Exception:
            err(None, f"the plugins of {found.name} cannot be had")
            continue
        yield module
    if package is None:
        yield from _built_in()


def _built_in() -> Iterator[ModuleType]:
    """The modules of the default package that Plait itself provides: those of the alias."""
    if finder.installed():
        for name, row in MODULES.items():
            if name.startswith(f"{DEFAULT_PACKAGE}."):
                yield from map(importlib.import_module, row.rooms)


def _load(name: str, paths: Iterable[str]) -> ModuleType:
    """A module of the default package: under the alias it is in no folder, so the import system finds nothing."""
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = _spec(name, list(paths))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _spec(name: str, paths: Sequence[str]) -> Any:
    spec = importlib.machinery.PathFinder.find_spec(name, paths)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return spec
