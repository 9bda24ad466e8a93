"""What `twisted.python.rebuild` is: a module loaded again while the program runs, its old classes and functions replaced.

What can be found is replaced: names in other modules, the classes of objects that exist, and the bases of classes. What
a program keeps elsewhere, such as a bound method in a list, stays as it was.
"""

from __future__ import annotations

import gc
import importlib
import sys
import time
from types import FunctionType, MethodType, ModuleType
from typing import Any

from plait.as_twisted.legacy import components
from plait.log.legacy import msg

__all__ = [
    "RebuildError",
    "Sensitive",
    "lastRebuild",
    "latestClass",
    "latestFunction",
    "rebuild",
    "updateInstance",
]

lastRebuild = time.time()
"""When a module was loaded again, in seconds since the epoch; at first, when this one was."""


class RebuildError(Exception):
    """A module could not be loaded again."""


class Sensitive:
    """An object that wants to know whether it is of an old version."""

    lastRebuild = lastRebuild

    def needRebuildUpdate(self) -> bool:
        """Has a module been loaded again since the last `rebuildUpToDate`?"""
        return self.lastRebuild < lastRebuild

    def rebuildUpToDate(self) -> None:
        """Say that the object is up to date now."""
        self.lastRebuild = time.time()

    def latestVersionOf(self, anObject: Any) -> Any:
        """The newest version of a class, function, method or object (which is given its newest class)."""
        if isinstance(anObject, type):
            return latestClass(anObject)
        if isinstance(anObject, FunctionType):
            return latestFunction(anObject)
        if isinstance(anObject, MethodType):
            return getattr(self.latestVersionOf(anObject.__self__), anObject.__name__)
        updateInstance(anObject)
        return anObject


def latestFunction(oldFunc: Any) -> Any:
    """What the module of a function has under its name now."""
    return getattr(sys.modules.get(oldFunc.__module__), oldFunc.__name__, oldFunc)


def latestClass(oldClass: type[Any]) -> type[Any]:
    """What the module of a class has under its name now, with the newest versions of its bases."""
    if oldClass.__module__ == "builtins":
        return oldClass
    found = getattr(sys.modules.get(oldClass.__module__), oldClass.__name__, oldClass)
    newest: type[Any] = found if isinstance(found, type) else oldClass
    bases = tuple(latestClass(base) for base in newest.__bases__)
    if bases != newest.__bases__:
        try:
            newest.__bases__ = bases
        except TypeError as error:
            msg(f"WARNING: {newest!r} keeps its old bases: {error}")
    return newest


def updateInstance(self: Any) -> None:
    """Give an object the newest version of its class, if it can have another one."""
    newest = latestClass(type(self))
    if newest is not type(self):
        try:
            self.__class__ = newest
        except TypeError as error:
            msg(f"WARNING: {type(self)!r} cannot be replaced: {error}")


def rebuild(module: ModuleType, doLog: bool = True) -> ModuleType:
    """Load a module again and replace what is known of it. The module is handed back.

    An adapter that the module registers may replace another meanwhile. An error in the module is raised as it is.
    """
    global lastRebuild
    lastRebuild = time.time()
    if doLog:
        msg(f"Rebuilding {module.__name__}...")
    old = _defined_in(module)
    allowed, components.ALLOW_DUPLICATES = components.ALLOW_DUPLICATES, True
    try:
        importlib.reload(module)
    finally:
        components.ALLOW_DUPLICATES = allowed
    for was in old:
        if isinstance(was, type):
            newest = latestClass(was)
            if newest is not was:
                _replace_class(was)
    by_id = {id(was): was for was in old}
    for other in list(sys.modules.values()):
        for name, value in list(getattr(other, "__dict__", {}).items()):
            if id(value) in by_id:
                newest = latestClass(value) if isinstance(value, type) else latestFunction(value)
                if newest is not value:
                    vars(other)[name] = newest
    if doLog:
        msg(f"Rebuilt {module.__name__}.")
    return module


def _defined_in(module: ModuleType) -> list[Any]:
    """The classes and functions that a module has and that are its own."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type | FunctionType) and value.__module__ == module.__name__
    ]


def _replace_class(was: type[Any]) -> None:
    """Give the objects of a class, and the classes under it, the newest version."""
    for holder in gc.get_referrers(was):
        if type(holder) is was:
            updateInstance(holder)
    for below in was.__subclasses__():
        latestClass(below)
