"""What `twisted.persisted.crefutil` is: stand-ins for objects that are known only when more has been loaded.

Where a net of objects leads in a circle, one of them is wanted before it is there. A stand-in takes its place, keeps in
mind where it was put, and is replaced there later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any

from plait.deferred import Deferred

__all__ = ["NotKnown"]


class NotKnown:
    """Stands for an object that is to come."""

    def __init__(self) -> None:
        self.dependants: list[tuple[Any, Any]] = []
        self.resolved = False
        self.resolvedObject: Any = None

    def addDependant(self, mutableObject: Any, key: Any) -> None:
        """The stand-in was put at ``mutableObject[key]``."""
        if self.resolved:
            raise AssertionError("what this stands for is known already: put that into its place")
        self.dependants.append((mutableObject, key))

    def resolveDependants(self, newObject: Any) -> None:
        """The object is there: put it where the stand-in is."""
        self.resolved = True
        self.resolvedObject = newObject
        for mutableObject, key in self.dependants:
            mutableObject[key] = newObject

    def __hash__(self) -> int:
        raise AssertionError("a stand-in was to be the key of a dict")


class _Container(NotKnown):
    """Stands for a container that cannot be changed once it is made, until all its elements are known."""

    def __init__(self, elements: Iterable[Any], containerType: Callable[[list[Any]], Any]) -> None:
        super().__init__()
        self.containerType = containerType
        self.l = list(elements)
        self.locs = set()
        for place, element in enumerate(self.l):
            if isinstance(element, NotKnown):
                self.locs.add(place)
                element.addDependant(self, place)
        if not self.locs:
            self.resolveDependants(self.containerType(self.l))

    def __setitem__(self, n: int, obj: Any) -> None:
        self.l[n] = obj
        if not isinstance(obj, NotKnown):
            self.locs.discard(n)
            if not self.locs:
                self.resolveDependants(self.containerType(self.l))


class _Tuple(_Container):
    """Stands for a tuple."""

    def __init__(self, elements: Iterable[Any]) -> None:
        super().__init__(elements, tuple)


class _InstanceMethod(NotKnown):
    """Stands for a method of an object that is to come."""

    def __init__(self, im_name: str, im_self: NotKnown, im_class: type[Any]) -> None:
        super().__init__()
        self.my_class = im_class
        self.name = im_name
        im_self.addDependant(self, 0)

    def __call__(self, *args: Any, **kw: Any) -> Any:
        raise AssertionError(f"the object of this method is not known yet: {self.my_class.__name__}.{self.name}")

    def __setitem__(self, n: int, obj: Any) -> None:
        if n != 0:
            raise AssertionError("a method waits for its object alone")
        if not isinstance(obj, NotKnown):
            self.resolveDependants(MethodType(getattr(self.my_class, self.name), obj))


class _DictKeyAndValue:
    """An entry of a dict; it is put there when both its key (0) and its value (1) are known."""

    def __init__(self, into: dict[Any, Any]) -> None:
        self.into = into
        self._known: dict[int, Any] = {}

    def __setitem__(self, n: int, obj: Any) -> None:
        if n not in (0, 1):
            raise RuntimeError("an entry of a dict has a key, at 0, and a value, at 1")
        if not isinstance(obj, NotKnown):
            self._known[n] = obj
        elif n == 1:
            self._known.pop(1, None)
        if len(self._known) == 2:
            self.into[self._known[0]] = self._known[1]


class _Dereference(NotKnown):
    """Stands for the object that has a number."""

    def __init__(self, id: int) -> None:
        super().__init__()
        self.id = id


class _Defer(Deferred[Any], NotKnown):
    """A Deferred that fires when what it stands for is put into its only place, at 0."""

    def __init__(self) -> None:
        Deferred.__init__(self)
        NotKnown.__init__(self)

    wasset = False

    def __setitem__(self, n: int, obj: Any) -> None:
        if self.wasset:
            raise RuntimeError(f"setitem should only be called once, setting {n!r} to {obj!r}")
        self.wasset = True
        self.callback(obj)

    def addDependant(self, dep: Any, key: Any) -> None:
        """Not for a Deferred, which is no stand-in for its result: raises `NotImplementedError`."""
        raise NotImplementedError("wait for the Deferred instead")
