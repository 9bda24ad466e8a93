"""What `twisted.persisted.styles` is: objects that are not saved, objects whose class may change after they were, and
modules in pickles.
"""

from __future__ import annotations

import copyreg
import pickle
from io import StringIO
from types import MethodType, ModuleType
from typing import Any, ClassVar

from plait.as_twisted.finder import AliasModule
from plait.as_twisted.legacy.reflect import namedModule, qual
from plait.log.legacy import msg

__all__ = [
    "Ephemeral",
    "Versioned",
    "doUpgrade",
    "oldModules",
    "pickleMethod",
    "pickleModule",
    "pickleStringI",
    "pickleStringO",
    "requireUpgrade",
    "unpickleMethod",
    "unpickleModule",
    "unpickleStringI",
    "unpickleStringO",
    "upgraded",
    "versionedsToUpgrade",
]

oldModules: dict[str, ModuleType] = {}
"""Modules that stand for those whose names are in old pickles."""


class _UniversalPicklingError(pickle.PicklingError):
    """Something cannot be pickled."""


def pickleMethod(method: MethodType) -> tuple[Any, ...]:
    """How a bound method is pickled: its name, its object and the object's class."""
    return unpickleMethod, (method.__name__, method.__self__, type(method.__self__))


def unpickleMethod(im_name: str, im_self: Any, im_class: type[Any]) -> Any:
    """The method with a name, of a class, bound to an object; where the class has none, the object's own class."""
    if im_self is None:
        return getattr(im_class, im_name)
    if im_name in vars(im_class):
        return MethodType(vars(im_class)[im_name], im_self)
    return getattr(im_self, im_name)


def pickleModule(module: ModuleType) -> tuple[Any, ...]:
    """How a module is pickled: by its name."""
    return unpickleModule, (module.__name__,)


def unpickleModule(name: str) -> ModuleType:
    """The module with a name, or the one that stands for it in `oldModules`."""
    return oldModules.get(name) or namedModule(name)


copyreg.pickle(ModuleType, pickleModule)
copyreg.pickle(AliasModule, pickleModule)


def pickleStringO(stringo: StringIO) -> tuple[Any, ...]:
    """How a file in memory is pickled: its text and the place in it."""
    return unpickleStringO, (stringo.getvalue(), stringo.tell())


def unpickleStringO(val: str, sek: int) -> StringIO:
    """A file in memory with a text, at a place in it."""
    file = StringIO()
    file.write(val)
    file.seek(sek)
    return file


def pickleStringI(stringi: StringIO) -> tuple[Any, ...]:
    """The same as `pickleStringO`, for files that were made for reading."""
    return unpickleStringI, (stringi.getvalue(), stringi.tell())


unpickleStringI = unpickleStringO


class Ephemeral:
    """An object that is not saved: in its place an empty `Ephemeral` is loaded. Doing so is logged."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Ephemeral, ())

    def __getstate__(self) -> None:
        msg(f"WARNING: serializing ephemeral {self!r}")

    def __setstate__(self, state: object) -> None:
        self.__class__ = Ephemeral


versionedsToUpgrade: dict[int, Versioned] = {}
"""What has been loaded and may have to be brought to the version of its class, by its `id`."""

upgraded: dict[int, int] = {}
"""What has been, since the last `doUpgrade`."""


def doUpgrade() -> None:
    """Bring all objects that have been loaded to the versions that their classes have now.

    Call it when all is loaded: an upgrade may look at other objects.
    """
    while versionedsToUpgrade:
        requireUpgrade(next(iter(versionedsToUpgrade.values())))
    upgraded.clear()


def requireUpgrade(obj: Any) -> Any:
    """Bring an object that was just loaded to its class's version now, because another upgrade needs it. It is returned."""
    if versionedsToUpgrade.pop(id(obj), None) is not None:
        upgraded[id(obj)] = 1
        obj.versionUpgrade()
    return obj


def _aybabtu(c: type[Any]) -> list[type[Any]]:
    """The classes between `Versioned` and a class, the nearest first."""
    return [base for base in c.__mro__[1:] if issubclass(base, Versioned) and base is not Versioned]


class Versioned:
    """An object that is saved with the version of its class.

    When the class changes, `persistenceVersion` is counted up, and a method ``upgradeToVersionN`` makes of an object as
    the class was at N - 1 one as it is at N. `persistenceForgets` names the attributes that are not saved. Each class in
    a hierarchy has its own version and methods.
    """

    persistenceVersion: ClassVar[int] = 0
    persistenceForgets: ClassVar[Any] = ()

    def _versioned_classes(self) -> list[type[Any]]:
        return [*reversed(_aybabtu(type(self))), type(self)]

    def __getstate__(self, dict: dict[str, Any] | None = None) -> dict[str, Any]:
        state = {**(vars(self) if dict is None else dict)}
        for kind in self._versioned_classes():
            for name in vars(kind).get("persistenceForgets", ()):
                state.pop(name, None)
            if "persistenceVersion" in vars(kind):
                state[f"{qual(kind)}.persistenceVersion"] = kind.persistenceVersion
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        versionedsToUpgrade[id(self)] = self
        self.__dict__ = state

    def versionUpgrade(self) -> None:
        """Call each ``upgradeToVersionN`` that lies between what was saved and what is, those of the bases first."""
        for kind in self._versioned_classes():
            saved = self.__dict__.pop(f"{qual(kind)}.persistenceVersion", 0)
            for version in range(saved + 1, vars(kind).get("persistenceVersion", 0) + 1):
                upgrade = vars(kind).get(f"upgradeToVersion{version}")
                if upgrade is not None:
                    msg(f"Upgrading {qual(kind)} (of {qual(type(self))} @ {id(self)}) to version {version}")
                    upgrade(self)
