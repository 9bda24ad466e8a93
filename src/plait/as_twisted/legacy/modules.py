"""What `twisted.python.modules` is: the modules that could be imported, found without importing them.

`getModule` gives one by its name, `iterModules` and `walkModules` all of them. A `PythonModule` tells where it lies and
what lies below it; its `PythonModule.load` imports it. Modules in zip files are found as well; those that come from
elsewhere, from a finder on ``sys.meta_path``, only once they are imported and have a file: before, there is no path to look
at.
"""

from __future__ import annotations

import inspect
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from types import ModuleType
from typing import Any

from plait.as_twisted.legacy.filepath import FilePath, UnlistableError
from plait.as_twisted.legacy.reflect import namedAny
from plait.as_twisted.legacy.zippath import ZipArchive

__all__ = [
    "PathEntry",
    "PythonAttribute",
    "PythonModule",
    "PythonPath",
    "getModule",
    "iterModules",
    "theSystemPath",
    "walkModules",
]

_SUFFIXES = [*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES]
"""How files of modules end; where a module has two files, the one whose ending is first here counts."""

_nothing: Any = object()


class _Place:
    """What has modules below it: an entry of the path, or a package."""

    def _packagePaths(self) -> Iterator[Any]:
        raise NotImplementedError

    def _getEntry(self) -> PathEntry:
        raise NotImplementedError

    def _subModuleName(self, mn: str) -> str:
        return mn

    def iterModules(self) -> Iterator[PythonModule]:
        """The modules and packages right below, by their names; nothing where this is a module and no package."""
        seen = set()
        for place in self._packagePaths():
            for word, path in sorted(_modules_in(place).items()):
                name = self._subModuleName(word)
                if name not in seen:
                    seen.add(name)
                    yield PythonModule(name, path, self._getEntry())

    def walkModules(self, importPackages: bool = False) -> Iterator[PythonModule]:
        """All modules below, and this one if it is one.

        A package says where it has modules only when it is imported: with ``importPackages`` each of them is.
        """
        for module in self.iterModules():
            yield from module.walkModules(importPackages)

    def __getitem__(self, modname: str) -> PythonModule:
        """The module right below with that name. Raises `KeyError` where there is none."""
        name = self._subModuleName(modname)
        for module in self.iterModules():
            if module.name == name:
                return module
        raise KeyError(modname)

    def __iter__(self) -> Iterator[Any]:
        """Not told which modules are meant: raises `NotImplementedError`."""
        raise NotImplementedError("say iterModules() for those right below, or walkModules() for all")


def _modules_in(place: Any) -> dict[str, Any]:
    """The files of the modules in a folder, by the modules' last names."""
    found: dict[str, tuple[int, Any]] = {}
    try:
        children = place.children()
    except UnlistableError:
        return {}
    for child in children:
        base = os.fsdecode(child.basename())
        if child.isdir():
            child, rank, word = child.child("__init__.py"), -1, base
            if not (word.isidentifier() and child.exists()):
                continue
        else:
            suffix = next((s for s in _SUFFIXES if base.endswith(s)), None)
            word = base.removesuffix(suffix or "")
            if suffix is None or word == "__init__" or not word.isidentifier():
                continue
            rank = _SUFFIXES.index(suffix)
        if word not in found or rank < found[word][0]:
            found[word] = rank, child
    return {word: path for word, (_, path) in found.items()}


class PythonAttribute:
    """A name in a module, or in a class of one: `name` in full, and `onObject`, what has it."""

    def __init__(self, name: str, onObject: Any, loaded: bool, pythonValue: object) -> None:
        self.name = name
        self.onObject = onObject
        self._loaded = loaded
        self.pythonValue = pythonValue

    def __repr__(self) -> str:
        return f"PythonAttribute<{self.name!r}>"

    def isLoaded(self) -> bool:
        """Has the module been imported?"""
        return self._loaded

    def load(self, default: Any = _nothing) -> Any:
        """The value."""
        return self.pythonValue

    def iterAttributes(self) -> Iterator[PythonAttribute]:
        """What the value has in turn."""
        for name, value in inspect.getmembers(self.load()):
            yield PythonAttribute(f"{self.name}.{name}", self, True, value)


class PythonModule(_Place):
    """A module that could be imported: `name`, `filePath`, and the `pathEntry` in which it was found."""

    def __init__(self, name: str, filePath: Any, pathEntry: PathEntry) -> None:
        self.name = name
        self.filePath = filePath
        self.parentPath = filePath.parent()
        self.pathEntry = pathEntry

    def __repr__(self) -> str:
        return f"PythonModule<{self.name!r}>"

    def __eq__(self, other: object) -> bool:
        return self.name == other.name if isinstance(other, PythonModule) else NotImplemented

    def __hash__(self) -> int:
        return hash((PythonModule, self.name))

    def _getEntry(self) -> PathEntry:
        return self.pathEntry

    def _subModuleName(self, mn: str) -> str:
        return f"{self.name}.{mn}"

    def _imported(self) -> ModuleType | None:
        return self.pathEntry.pythonPath.moduleDict.get(self.name)

    def isLoaded(self) -> bool:
        """Has it been imported?"""
        return self._imported() is not None

    def isPackage(self) -> bool:
        """Is it a package?"""
        return os.fsdecode(self.filePath.basename()).startswith("__init__.")

    def load(self, default: Any = _nothing) -> Any:
        """Import it. Where that fails, the default if there is one; else the error is raised as it is."""
        try:
            return self.pathEntry.pythonPath.moduleLoader(self.name)
        except Exception:
            if default is _nothing:
                raise
            return default

    def iterAttributes(self) -> Iterator[PythonAttribute]:
        """The names in it. Raises `NotImplementedError` where it has not been imported."""
        if not self.isLoaded():
            raise NotImplementedError(f"{self.name} has not been imported: call load() first")
        for name, value in inspect.getmembers(self.load()):
            yield PythonAttribute(f"{self.name}.{name}", self, True, value)

    def walkModules(self, importPackages: bool = False) -> Iterator[PythonModule]:
        """This one and all below it; with ``importPackages`` each package is imported to learn where it has modules."""
        if importPackages and self.isPackage():
            self.load()
        yield self
        yield from super().walkModules(importPackages)

    def _packagePaths(self) -> Iterator[Any]:
        if not self.isPackage():
            return
        imported = self._imported()
        if imported is None:
            yield self.parentPath
        else:
            for folder in getattr(imported, "__path__", ()):
                yield self.pathEntry.pythonPath._smartPath(folder)


class PathEntry(_Place):
    """One entry of the path: `filePath`, the folder or archive, and `pythonPath`, whose entry it is."""

    def __init__(self, filePath: Any, pythonPath: PythonPath) -> None:
        self.filePath = filePath
        self.pythonPath = pythonPath

    def __repr__(self) -> str:
        return f"PathEntry<{self.filePath!r}>"

    def _getEntry(self) -> PathEntry:
        return self

    def _packagePaths(self) -> Iterator[Any]:
        yield self.filePath


class PythonPath:
    """Where modules are looked for: ``sys.path`` as it is at each question, or other folders and archives.

    ``moduleDict`` has the modules that are imported already, and ``moduleLoader`` imports one. Hooks and importers are
    taken and not asked.
    """

    def __init__(
        self,
        sysPath: Sequence[str] | None = None,
        moduleDict: MutableMapping[str, Any] | None = None,
        sysPathHooks: Any = None,
        importerCache: Any = None,
        moduleLoader: Callable[[str], Any] = namedAny,
    ) -> None:
        self._sys_path = sysPath
        self._module_dict = moduleDict
        self.moduleLoader = moduleLoader

    @property
    def sysPath(self) -> Sequence[str]:
        """The entries, as paths."""
        return sys.path if self._sys_path is None else self._sys_path

    @property
    def moduleDict(self) -> MutableMapping[str, Any]:
        """The modules that are imported already."""
        return sys.modules if self._module_dict is None else self._module_dict

    def _smartPath(self, pathName: str) -> Any:
        """A path of the file system, or one into the archive that the name leads through."""
        below: list[str] = []
        place = os.path.abspath(pathName)
        while not os.path.exists(place) and os.path.dirname(place) != place:
            place, word = os.path.split(place)
            below.insert(0, word)
        if os.path.isfile(place) and zipfile.is_zipfile(place):
            return ZipArchive(place).descendant(below)
        return FilePath(pathName)

    def iterEntries(self) -> Iterator[PathEntry]:
        """The entries, in their order."""
        for name in self.sysPath:
            yield PathEntry(self._smartPath(name), self)

    def __getitem__(self, modname: str) -> PythonModule:
        """The module with a dotted name. Raises `KeyError` where there is none."""
        first, *rest = modname.split(".")
        for entry in self.iterEntries():
            try:
                module = entry[first]
                for word in rest:
                    module = module[word]
            except KeyError:
                continue
            return module
        file = getattr(self.moduleDict.get(modname), "__file__", None)
        if file is None:
            raise KeyError(modname)
        path = self._smartPath(file)
        return PythonModule(modname, path, PathEntry(path.parent(), self))

    def __contains__(self, module: str) -> bool:
        """Is there a module with that dotted name?"""
        try:
            self[module]
        except KeyError:
            return False
        return True

    def __repr__(self) -> str:
        return f"PythonPath({self.sysPath!r})"

    def walkModules(self, importPackages: bool = False) -> Iterator[PythonModule]:
        """All modules that can be found, packages and what is below them too."""
        for module in self.iterModules():
            yield from module.walkModules(importPackages)

    def iterModules(self) -> Iterator[PythonModule]:
        """All modules and packages at the top; where a name is in two entries, the first one's."""
        seen = set()
        for entry in self.iterEntries():
            for module in entry.iterModules():
                if module.name not in seen:
                    seen.add(module.name)
                    yield module

    def __iter__(self) -> Iterator[Any]:
        """Not told which modules are meant: raises `NotImplementedError`."""
        raise NotImplementedError("say iterModules() for those at the top, or walkModules() for all")


theSystemPath = PythonPath()
"""Where this program looks for modules."""


def walkModules(importPackages: bool = False) -> Iterator[PythonModule]:
    """All modules that this program can import; see `PythonPath.walkModules`."""
    return theSystemPath.walkModules(importPackages)


def iterModules() -> Iterator[PythonModule]:
    """All modules and packages at the top that this program can import."""
    return theSystemPath.iterModules()


def getModule(moduleName: str) -> PythonModule:
    """The module with a dotted name. Raises `KeyError` where there is none."""
    return theSystemPath[moduleName]
