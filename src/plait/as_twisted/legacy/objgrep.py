"""The part of `twisted.python.reflect` that searches: where in a net of objects is one of them held?"""

from __future__ import annotations

import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

__all__ = ["findInstances", "isLike", "isOfType", "isSame", "modgrep", "objgrep"]


def isSame(a: object, b: object) -> bool:
    """Are they one object?"""
    return a is b


def isLike(a: object, b: object) -> bool:
    """Are they equal?"""
    return a == b


def isOfType(start: object, goal: type[Any]) -> bool:
    """Is the one an instance of the other, and of no subclass?"""
    return type(start) is goal


def modgrep(goal: object) -> list[str]:
    """Where in the modules that are imported is an object equal to this one held?"""
    return objgrep(sys.modules, goal, isLike, "sys.modules")


def findInstances(start: object, t: type[Any]) -> list[str]:
    """Where below an object are instances of a class held?"""
    return objgrep(start, t, isOfType)


def objgrep(
    start: Any,
    goal: Any,
    eq: Callable[[Any, Any], bool] = isLike,
    path: str = "",
    paths: list[str] | None = None,
    seen: dict[int, Any] | None = None,
    showUnknowns: bool = False,
    maxDepth: int | None = None,
) -> list[str]:
    """The ways that lead from an object to those for which ``eq(object, goal)`` says yes, as Python would write them.

    They are put into ``paths``, each after ``path``; a key of a dict is shown as ``{value}``, and what a weak reference
    leads to as ``()``. No object is looked at twice: those in ``seen``, by their `id`, are left out. The search goes
    ``maxDepth`` steps deep, as deep as it can unless told. With ``showUnknowns``, objects that cannot be looked into
    are printed.
    """
    if paths is None:
        paths = []
    if seen is None:
        seen = {}
    # a list of what is still to be looked at, since the net may be deeper than Python's stack
    waiting = [(start, path, 0)]
    while waiting:
        here, way, depth = waiting.pop()
        if eq(here, goal):
            paths.append(way)
        if id(here) in seen:
            continue
        seen[id(here)] = here  # kept, so that no other object gets its id
        if maxDepth is not None and depth >= maxDepth:
            continue
        below = [(held, way + step, depth + 1) for held, step in _held(here)]
        if showUnknowns and not below and not hasattr(here, "__dict__"):
            print("unknown type", type(here), here)
        waiting.extend(reversed(below))
    return paths


def _held(o: Any) -> Iterator[tuple[Any, str]]:
    """What an object holds, each with the step that leads to it."""
    if isinstance(o, dict):
        for key, value in list(o.items()):
            yield key, f"{{{value!r}}}"
            yield value, f"[{key!r}]"
    elif isinstance(o, list | tuple | deque):
        for place, value in enumerate(list(o)):
            yield value, f"[{place}]"
    elif isinstance(o, MethodType):
        yield o.__self__, ".__self__"
        yield o.__func__, ".__func__"
        yield o.__self__.__class__, ".__self__.__class__"
    elif isinstance(o, weakref.ref):
        yield o(), "()"
    elif not isinstance(o, type) and hasattr(o, "__dict__"):
        for name, value in list(vars(o).items()):
            yield value, f".{name}"
        yield o.__class__, ".__class__"
