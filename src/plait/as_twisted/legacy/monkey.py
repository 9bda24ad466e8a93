"""What `twisted.python.monkey` is: attributes replaced for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["MonkeyPatcher"]

_T = TypeVar("_T")


class MonkeyPatcher:
    """A list of attributes and what they are to be, each as ``(object, name, value)``."""

    def __init__(self, *patches: tuple[Any, str, Any]) -> None:
        self._patches: list[tuple[Any, str, Any]] = []
        self._originals: list[tuple[Any, str, Any]] = []
        for patch in patches:
            self.addPatch(*patch)

    def addPatch(self, obj: Any, name: str, value: Any) -> None:
        """Add an attribute to the list."""
        self._patches.append((obj, name, value))

    def patch(self) -> None:
        """Set all attributes. Raises `AttributeError` for one that is not there."""
        for obj, name, value in self._patches:
            if not any((obj, name) == (known, known_name) for known, known_name, _ in self._originals):
                self._originals.append((obj, name, getattr(obj, name)))
            setattr(obj, name, value)

    __enter__ = patch

    def restore(self) -> None:
        """Set all attributes to what they were."""
        while self._originals:
            setattr(*self._originals.pop())

    def __exit__(self, *error: object) -> None:
        self.restore()

    def runWithPatches(self, f: Callable[..., _T], *args: Any, **kw: Any) -> _T:
        """Call a function while the attributes are replaced."""
        self.patch()
        try:
            return f(*args, **kw)
        finally:
            self.restore()
