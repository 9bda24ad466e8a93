"""What `twisted.persisted.sob` is: an object saved to a file, as a pickle or as source, and loaded again.

Load only files that you trust: both kinds can run code.
"""

from __future__ import annotations

import os
import pickle
import sys
from typing import Any, cast

from plait.as_twisted.legacy import aot, styles
from plait.as_twisted.legacy.components import registerAdapter
from plait.interfaces import Interface, adapt, implementer
from plait.log.legacy import msg
from plait.service import Application

__all__ = [
    "IPersistable",
    "Persistant",
    "Persistent",
    "guessType",
    "load",
    "loadValueFromFile",
]

_ENDINGS = {"pickle": "tap", "source": "tas"}

_TYPES = {
    **dict.fromkeys((".py", ".tac", ".etac"), "python"),
    **dict.fromkeys((".tap", ".etap"), "pickle"),
    **dict.fromkeys((".tas", ".etas"), "source"),
}


class IPersistable(Interface):
    """An object that can be saved."""

    def setStyle(self, style: str) -> None:
        """Say how it is saved: ``"pickle"`` or ``"source"``."""

    def save(self, tag: str | None = None, filename: str | None = None, passphrase: str | None = None) -> None:
        """Save it: to that file, or to one with its name, and the tag."""


@implementer(IPersistable)
class Persistent:
    """Saves an object, under a name."""

    style = "pickle"

    def __init__(self, original: Any, name: str) -> None:
        self.original = original
        self.name = name

    def setStyle(self, style: str) -> None:
        """Say how it is saved: ``"pickle"`` or ``"source"``. Raises `ValueError` for another word."""
        if style not in _ENDINGS:
            raise ValueError(f"an object is saved as 'pickle' or 'source', not as {style!r}")
        self.style = style

    def save(self, tag: str | None = None, filename: str | None = None, passphrase: str | None = None) -> None:
        """Save it to ``filename``, or to ``NAME-TAG.tap`` (``.tas`` for source). The file is replaced when it is whole.

        Raises `TypeError` for a passphrase: there is no encryption any more.
        """
        if passphrase is not None:
            raise TypeError("passphrase must be None: saved objects are not encrypted")
        final = filename or f"{self.name}{f'-{tag}' if tag else ''}.{_ENDINGS[self.style]}"
        msg(f"Saving {self.name or final} to {final}...")
        beside = f"{final}-2"
        with open(beside, "wb") as file:
            if self.style == "source":
                aot.jellyToSource(self.original, file)
            else:
                pickle.dump(self.original, file)
        os.replace(beside, final)
        msg("Saved.")


def _of_application(application: Any) -> Persistent:
    """What saves an application, under its name; the same each time."""
    keeper = Persistent(application, application.name)
    application.setComponent(IPersistable, keeper)
    return keeper


registerAdapter(_of_application, Application, IPersistable)


Persistant = Persistent
"""As it was spelled once."""


class _EverythingEphemeral(styles.Ephemeral):
    """Stands for ``__main__`` while an object is loaded.

    What the program that saved it had there is not there now, so that all of it becomes an `Ephemeral`. The loading
    itself sees the real one.
    """

    initRun = False

    def __init__(self, mainMod: Any) -> None:
        self.__dict__["mainMod"] = mainMod

    def __getattr__(self, key: str) -> Any:
        try:
            return getattr(self.__dict__["mainMod"], key)
        except AttributeError:
            if self.initRun:
                raise
            msg(f"Warning!  Loading from __main__: {key}")
            return styles.Ephemeral()


def load(filename: str, style: str) -> Any:
    """The object that was saved in a file, with a style of ``"pickle"`` or ``"source"``.

    Raises `ValueError` for another style.
    """
    if style not in _ENDINGS:
        raise ValueError(f"an object is loaded from 'pickle' or 'source', not from {style!r}")
    main = sys.modules["__main__"]
    stand_in = _EverythingEphemeral(main)
    sys.modules["__main__"] = cast("Any", stand_in)
    stand_in.__dict__["initRun"] = True
    try:
        with open(filename, "rb") as file:
            value = pickle.load(file) if style == "pickle" else aot.unjellyFromSource(file)
    finally:
        sys.modules["__main__"] = main
        stand_in.__dict__["initRun"] = False
    styles.doUpgrade()
    persistable = adapt(IPersistable, value, None)
    if persistable is not None:
        persistable.setStyle(style)
    return value


def loadValueFromFile(filename: str, variable: str) -> Any:
    """The value that a variable has after a file of Python has run. Raises `KeyError` where it has none."""
    with open(filename, "rb") as file:
        code = compile(file.read(), filename, "exec")
    namespace: dict[str, Any] = {"__file__": filename}
    exec(code, namespace)
    return namespace[variable]


def guessType(filename: str) -> str:
    """What is in a file, by its ending: ``"python"``, ``"pickle"`` or ``"source"``. Raises `KeyError` for another one."""
    return _TYPES[os.path.splitext(filename)[1]]
