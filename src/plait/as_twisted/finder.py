"""How the import system is told that `twisted` is made of Plait's rooms.

A finder stands first on `sys.meta_path` and answers for every module of Twisted, from `table` alone: a
`twisted` folder that lies on `sys.path` is never looked at, and half of a program can never run on one engine
and half on the other.

Four things here look odd until one knows the import system:

- Every alias module has an empty ``__path__``, as if it were a package. ``from twisted.internet.protocol
  import Foo`` on a module without ``Foo`` then asks the finder for ``twisted.internet.protocol.Foo``, and so
  the finder can say in plain words what is missing. `getattr` and `hasattr` on the module are not concerned.
- `NotProvidedError` leaves ``name`` empty. Where the ``name`` of a `ModuleNotFoundError` is the very module
  that a ``from … import`` asked for, the import system swallows the error and says "cannot import name"
  instead.
- The package ``twisted.plugins`` belongs to all: its modules lie in folders ``twisted/plugins`` on `sys.path`, and those
  alone are loaded from there.
- ``twisted.internet.reactor`` is an object, not a module. Its loader puts the reactor into `sys.modules`,
  which the import system allows; the package answers for the name by itself, so that it is always the reactor
  that ``plait.reactor`` is at that moment, and none is made before somebody asks.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution, DistributionFinder
from importlib.util import find_spec
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from plait.as_twisted.table import MODULES, REACTOR, Row
from plait.as_twisted.version import __version__, getVersionString
from plait.current import getReactor, substituteReactor
from plait.daemon.sources import sources

__all__ = ["PLUGINS", "NotProvidedError", "folders_of", "install", "installed", "uninstall"]

PLUGINS = "twisted.plugins"
"""The package to which every program adds modules."""

_MISSING = object()


class NotProvidedError(ModuleNotFoundError):
    """A module of Twisted, or a name in one, that Plait does not provide yet.

    The full name is in `missing`, as in ``"twisted.words"``.
    (``name`` is None: the module docstring tells why.)
    """

    def __init__(self, missing: str, why: str = "") -> None:
        super().__init__(f"Plait does not provide {missing} yet{why}")
        self.missing = missing


class AliasModule(ModuleType):
    """A module of Twisted whose names are looked up in the rooms of its row when they are first used."""

    def __init__(self, name: str, row: Row) -> None:
        super().__init__(name, f"{name}, provided by {_rooms_of(row)}.")
        self.__dict__["_row"] = row
        self.__dict__["_replaced"] = {}

    def __getattr__(self, name: str) -> object:
        row: Row = self.__dict__["_row"]
        value = _look_up(row, name)
        if value is _MISSING:
            text = f"module {self.__name__!r} ({_rooms_of(row)}) has no attribute {name!r}"
            raise AttributeError(text, name=name, obj=self)
        if name in row.deprecated:
            # For "from module import name" the import system looks as well, whether the name is there.
            if sys._getframe(1).f_globals.get("__name__") != "importlib._bootstrap":
                version, advice = row.deprecated[name]
                text = f"{self.__name__}.{name} was deprecated in {getVersionString(version)}: {advice}"
                warnings.warn(text, DeprecationWarning, stacklevel=2)
        elif isinstance(value, type | FunctionType):
            # Classes and functions are not bound anew, so they may be kept. Variables are asked each time.
            self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: object) -> None:
        # A test that puts another function in the place of one means the one that is called: that of the room.
        # Modules that lie below this one are put here by the import system.
        below = f"{self.__name__}.{name}" in MODULES
        place = None if below or name.startswith("__") else _place(self.__dict__["_row"], name)
        if place is None:
            super().__setattr__(name, value)
            return
        replaced = self.__dict__["_replaced"]
        original = replaced.setdefault(name, getattr(*place))
        setattr(*place, value)
        if value is original:
            del replaced[name]
            self.__dict__.pop(name, None)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        # What was put in a place goes, and what was there before comes back.
        place = _place(self.__dict__["_row"], name) if name in self.__dict__["_replaced"] else None
        if place is None:
            super().__delattr__(name)
            return
        super().__delattr__(name)
        setattr(*place, self.__dict__["_replaced"].pop(name))

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *_public_names(self.__dict__["_row"])} - {"_row", "_replaced"})


class InternetPackage(AliasModule):
    """The package `twisted.internet`, which has the reactor among its names."""

    def __getattr__(self, name: str) -> object:
        if name == "reactor":
            # Programs also ask sys.modules whether there is a reactor, so from now on it must be there.
            sys.modules[REACTOR] = reactor = _reactor()
            return reactor
        return super().__getattr__(name)

    def __setattr__(self, name: str, value: object) -> None:
        if name != "reactor":
            super().__setattr__(name, value)
            return
        del self.reactor
        # The import system binds each submodule in its package when it is loaded. The reactor must not be
        # bound: another loop has another one. Any other object that is put here, say a fake one by a test, is
        # the reactor then, to Plait's own code too.
        if value is not sys.modules.get(REACTOR) or value is not _reactor():
            super().__setattr__(name, value)
            substituteReactor(value)

    def __delattr__(self, name: str) -> None:
        if name != "reactor":
            super().__delattr__(name)
        elif self.__dict__.pop(name, None) is not None:  # most of the time it is not bound, though it is there
            substituteReactor(None)


class AliasLoader(Loader):
    """Makes the module of one row of the table."""

    def __init__(self, row: Row) -> None:
        self._row = row

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module: the rooms are not imported yet."""
        kind = InternetPackage if spec.name == "twisted.internet" else AliasModule
        return kind(spec.name, self._row)

    def exec_module(self, module: ModuleType) -> None:
        """Import the rooms, so that one that cannot be imported fails where the program says ``import``."""
        if module.__name__ == REACTOR:
            sys.modules[REACTOR] = _reactor()
            return
        for room in self._row.rooms:
            import_module(room)

    def get_code(self, fullname: str) -> CodeType | None:
        """What ``python -m`` runs: the code of the room that a ``__main__`` stands for."""
        if not self._row.rooms:
            return None
        spec = find_spec(self._row.rooms[0])
        return spec.loader.get_code(spec.name) if spec is not None and isinstance(spec.loader, InspectLoader) else None


class AliasFinder(MetaPathFinder):
    """Answers for `twisted` and all that is under it, and for nothing else."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an alias module; None for what is not Twisted's.

        Raises `NotProvidedError` for what is Twisted's and not in the table.
        """
        if fullname != "twisted" and not fullname.startswith("twisted."):
            return None
        row = MODULES.get(fullname)
        if row is not None:
            # A package cannot be run by ``python -m``.
            package = not fullname.endswith(".__main__")
            return ModuleSpec(fullname, AliasLoader(row), origin=_rooms_of(row), is_package=package)
        module, _, name = fullname.rpartition(".")
        if module == PLUGINS:
            plugin = PathFinder.find_spec(fullname, [*(path or ()), *folders_of(PLUGINS)])
            if plugin is not None:
                return plugin
        row = MODULES.get(module)
        if row is None or not row.rooms:
            raise NotProvidedError(fullname)
        raise NotProvidedError(fullname, f" (it comes from {', '.join(row.rooms)}, which has no {name})")

    def find_distributions(self, context: DistributionFinder.Context | None = None) -> Iterator[Distribution]:
        """What `importlib.metadata` knows of Twisted: programs, and pytest, ask it for the version."""
        if context is not None and (context.name or "").lower() == "twisted":
            yield AliasDistribution()


class AliasDistribution(Distribution):
    """Twisted as an installed package: a name and a version, and no files."""

    def read_text(self, filename: str) -> str | None:
        """The metadata; None for any other file."""
        if filename != "METADATA":
            return None
        return f"Metadata-Version: 2.1\nName: Twisted\nVersion: {__version__}\n"

    def locate_file(self, path: object) -> Any:
        """A place at which there is nothing."""
        return Path(__file__).parent / "twisted" / str(path)


_finder = AliasFinder()

_CHILDREN = str(Path(__file__).parent / "children")


def _tell_children() -> None:
    """Let the Python programs that this one starts have the alias: see `children/sitecustomize.py`.

    It is in `sys.path` too, for programs often make a child's ``PYTHONPATH`` of that.
    """
    given = os.environ.get("PYTHONPATH")
    if given is None or _CHILDREN not in given.split(os.pathsep):
        os.environ["PYTHONPATH"] = os.pathsep.join([_CHILDREN, given] if given else [_CHILDREN])
    if _CHILDREN not in sys.path:
        sys.path.insert(1, _CHILDREN)


def _tell_children_no_more() -> None:
    if given := os.environ.get("PYTHONPATH"):
        os.environ["PYTHONPATH"] = os.pathsep.join(f for f in given.split(os.pathsep) if f != _CHILDREN)
        if not os.environ["PYTHONPATH"]:
            del os.environ["PYTHONPATH"]
    if _CHILDREN in sys.path:
        sys.path.remove(_CHILDREN)


def install() -> None:
    """Turn the alias on: from now on ``import twisted`` and all under it means Plait.

    So it does in the Python programs that this one starts, for which a folder is put on the ``PYTHONPATH``.

    Doing it twice does no harm. Raises `RuntimeError` where Twisted itself has been imported already, since
    what holds its classes would go on with another engine.
    """
    if _finder in sys.meta_path:
        # Somebody else may have stood in front since.
        sys.meta_path.remove(_finder)
    else:
        for name, module in _twisted_modules():
            where = getattr(module, "__file__", None) or "no file"
            raise RuntimeError(
                f"{name} is imported already, from {where}; turn the alias on before anything imports it, "
                "by plait.as_twisted.install() or python -m plait.as_twisted PROGRAM"
            )
    sys.meta_path.insert(0, _finder)
    if _service_makers not in sources:
        sources.append(_service_makers)
    _tell_children()


def uninstall() -> None:
    """Turn the alias off and forget its modules: ``import twisted`` means Twisted again, if it is there.

    What has been imported keeps what it got, as with any import.
    """
    if _finder not in sys.meta_path:
        return
    sys.meta_path.remove(_finder)
    sources.remove(_service_makers)
    _tell_children_no_more()
    substituteReactor(None)
    for name, module in list(_twisted_modules()):
        if name == REACTOR or isinstance(module, AliasModule):
            del sys.modules[name]


def _service_makers() -> Iterator[tuple[str, Callable[[], Any]]]:
    """What ``plait run`` can run besides, while the alias is on."""
    found: Iterator[tuple[str, Callable[[], Any]]] = import_module("plait.as_twisted.legacy.makers").service_makers()
    return found


def installed() -> bool:
    """Is the alias on?"""
    return _finder in sys.meta_path


def folders_of(package: str) -> list[str]:
    """The folders on `sys.path` for modules of that package, except those with an ``__init__.py``: they are another's."""
    folders = (os.path.abspath(os.path.join(place, *package.split("."))) for place in sys.path)
    return [folder for folder in folders if not os.path.exists(os.path.join(folder, "__init__.py"))]


def _twisted_modules() -> Iterator[tuple[str, object]]:
    return ((n, m) for n, m in sorted(sys.modules.items()) if n == "twisted" or n.startswith("twisted."))


def _reactor() -> ModuleType:
    """What ``plait.reactor`` is now. No module, but what `sys.modules` holds for one."""
    reactor: ModuleType = getReactor()
    return reactor


def _rooms_of(row: Row) -> str:
    return " and ".join(row.rooms) or "Plait"


def _look_up(row: Row, name: str) -> object:
    """The value that a row gives to a name of Twisted's, or _MISSING."""
    place = _place(row, name)
    if place is not None:
        return getattr(*place)
    return _public_names(row) if name == "__all__" else _MISSING


def _place(row: Row, name: str) -> tuple[ModuleType, str] | None:
    """The room that has a name of Twisted's, and what it is called there."""
    if name in row.renamed:
        room, _, attribute = row.renamed[name].partition(":")
        return import_module(room), attribute
    if name.startswith("__") or (row.only and name not in row.only):
        return None
    for room in row.rooms:
        module = import_module(room)
        value = getattr(module, name, _MISSING)
        # What a room has imported for itself is not its name to give.
        if value is not _MISSING and not isinstance(value, ModuleType):
            return module, name
    return None


def _public_names(row: Row) -> list[str]:
    """What ``from module import *`` brings: nothing of which one would be warned."""
    names = set(row.renamed)
    for room in row.rooms:
        offered = _names_in(room)
        names.update(offered & row.only if row.only else offered)
    return sorted(names - row.deprecated.keys())


@cache
def _names_in(room: str) -> frozenset[str]:
    module = import_module(room)
    declared: Sequence[str] | None = getattr(module, "__all__", None)
    if declared is not None:
        return frozenset(declared)
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", None) == room)
    return frozenset(name for name in own if not name.startswith("_"))
