"""From a name to what it names: a dotted name, the path of a file, or a folder that is a package."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

__all__ = ["filenameToModule"]


class NameNotFoundError(ImportError):
    """There is no module, and nothing in a module, of this name."""


def filenameToModule(fn: str) -> ModuleType:
    """The module in a file, or the package in a folder, imported under the name that it has in its package.

    The folder in which its outermost package lies is added to ``sys.path``, at the end. ValueError if there is nothing
    at this path, or a folder that is no package. What is raised while the module is imported is raised here.
    """
    path = os.path.abspath(fn)
    if not os.path.exists(path):
        raise ValueError(f"{fn!r} doesn't exist")
    file = path
    if os.path.isdir(path):
        file = os.path.join(path, "__init__.py")
        if not os.path.isfile(file):
            raise ValueError(f"{fn!r} is not a package directory")
    root, name = _place_of(path)
    if root not in sys.path:
        sys.path.append(root)
        importlib.invalidate_caches()
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        # Something else with the name of its package was found, or a name that no import statement has.
        if not _is_part(name, error.name):
            raise
        return _load(name, file)
    found = getattr(module, "__file__", None)
    if found is not None and os.path.exists(found) and os.path.samefile(found, file):
        return module
    # Another file of this name was imported before, or comes first on the path.
    return _load(name, file)


def _place_of(path: str) -> tuple[str, str]:
    """The folder that has to be on ``sys.path`` for what lies at `path`, and its dotted name."""
    folder, last = os.path.split(path)
    words = [os.path.splitext(last)[0] if os.path.isfile(path) else last]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, last = os.path.split(folder)
        words.insert(0, last)
    return folder, ".".join(words)


def _is_part(name: str, missing: str | None) -> bool:
    return missing is not None and f"{name}.".startswith(f"{missing}.")


def _load(name: str, file: str) -> ModuleType:
    """Run a file as a module of this name, whatever had the name before."""
    spec = importlib.util.spec_from_file_location(name, file, loader=SourceFileLoader(name, file))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


def walk_name(qualName: str) -> Iterator[tuple[str, list[str]]]:
    """A dotted name, and shorter ones down to the first word, each with the words that were left off."""
    words = qualName.split(".")
    for end in range(len(words), 0, -1):
        yield ".".join(words[:end]), words[end:]


def module_of(qualName: str) -> tuple[ModuleType, list[str]]:
    """The module at the beginning of a dotted name, and the words that follow. NameNotFoundError if there is none.

    An error in a module that is there is raised as it is.
    """
    for name, rest in walk_name(qualName):
        try:
            return import_module(name), rest
        except ModuleNotFoundError as error:
            # An importer that leaves `name` empty may say in `missing` what there is not.
            if not _is_part(name, getattr(error, "missing", error.name)):
                raise
        except (ValueError, TypeError):
            break  # an empty word
    raise NameNotFoundError(f"no module, package, file or folder is called {qualName!r}")


def find(qualName: str) -> tuple[Any, Any, ModuleType]:
    """What a dotted name names, what it was found in, and the module. AttributeError if the module has no such thing."""
    module, rest = module_of(qualName)
    parent: Any = None
    found: Any = module
    for word in rest:
        parent, found = found, getattr(found, word)
    return found, parent, module
