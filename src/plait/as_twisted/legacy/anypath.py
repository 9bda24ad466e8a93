"""What every kind of path can do that knows its parent, its children and how it is opened; errors and permissions.

`plait.as_twisted.legacy.filepath` has the paths of the file system, which build on this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import IO, Any, AnyStr, Generic, Self

from plait.interfaces import Interface, implementer

__all__ = ["RWX", "AbstractFilePath", "IFilePath", "InsecurePath", "LinkError", "Permissions", "UnlistableError"]


class IFilePath(Interface):
    """A path in a tree of files and folders."""

    sep: Any

    def child(self, name: Any) -> Any:
        """What has that name in this folder. Raises `InsecurePath` for a name that leads out of it."""

    def open(self, mode: str = "r") -> Any:
        """The file, open for bytes."""

    def changed(self) -> None:
        """Forget what was known of the file: the next question is asked anew."""

    def getsize(self) -> int:
        """The size in bytes."""

    def getModificationTime(self) -> float:
        """When the content was changed, in seconds since the epoch."""

    def getStatusChangeTime(self) -> float:
        """When its entry was changed, in seconds since the epoch."""

    def getAccessTime(self) -> float:
        """When it was read, in seconds since the epoch."""

    def exists(self) -> bool:
        """Is there anything?"""

    def isdir(self) -> bool:
        """Is it a folder?"""

    def isfile(self) -> bool:
        """Is it a file?"""

    def children(self) -> Any:
        """All that is in this folder."""

    def basename(self) -> Any:
        """The last part of the path."""

    def parent(self) -> Any:
        """The folder that this is in."""

    def sibling(self, name: Any) -> Any:
        """What has that name in the same folder."""


class InsecurePath(Exception):
    """The name leads out of the folder in which it was to be found."""


class LinkError(Exception):
    """A symbolic link leads back to a folder that contains it."""


class UnlistableError(OSError):
    """A path has no children that can be listed: it is missing, no folder, or closed to us.

    `originalException` is what the system said.
    """

    def __init__(self, originalException: OSError) -> None:
        super().__init__(*originalException.args)
        self.originalException = originalException


class RWX:
    """What one group of people may do with a file."""

    def __init__(self, readable: bool, writable: bool, executable: bool) -> None:
        self.read = readable
        self.write = writable
        self.execute = executable

    def __eq__(self, other: object) -> bool:
        return self.shorthand() == other.shorthand() if isinstance(other, RWX) else NotImplemented

    def __hash__(self) -> int:
        return hash((RWX, self.shorthand()))

    def __repr__(self) -> str:
        return f"RWX(read={self.read}, write={self.write}, execute={self.execute})"

    def shorthand(self) -> str:
        """As `ls` writes it, ``"rw-"``."""
        pairs = (("r", self.read), ("w", self.write), ("x", self.execute))
        return "".join(letter if allowed else "-" for letter, allowed in pairs)


class Permissions:
    """Who may do what with a file, read from the bits of its mode: `user`, `group` and `other`."""

    def __init__(self, statModeInt: int) -> None:
        self.user, self.group, self.other = (
            RWX(*(bool(statModeInt >> shift & bit) for bit in (4, 2, 1))) for shift in (6, 3, 0)
        )

    def __eq__(self, other: object) -> bool:
        return self.shorthand() == other.shorthand() if isinstance(other, Permissions) else NotImplemented

    def __hash__(self) -> int:
        return hash((Permissions, self.shorthand()))

    def __repr__(self) -> str:
        return f"[{self.user!r} | {self.group!r} | {self.other!r}]"

    def shorthand(self) -> str:
        """As `ls` writes it, ``"rw-r--r--"``."""
        return self.user.shorthand() + self.group.shorthand() + self.other.shorthand()


@implementer(IFilePath)
class AbstractFilePath(Generic[AnyStr]):
    """A path that knows its parent, its children, and how it is opened.

    A subclass provides `child`, `parent`, `listdir`, `open`, `isdir`, `islink` and `realpath`.
    """

    def child(self, path: AnyStr) -> Self:
        """What has that name in this folder."""
        raise NotImplementedError(f"{type(self).__name__} does not provide child()")

    def parent(self) -> Self:
        """The folder that this is in."""
        raise NotImplementedError(f"{type(self).__name__} does not provide parent()")

    def listdir(self) -> list[AnyStr]:
        """The names in this folder."""
        raise NotImplementedError(f"{type(self).__name__} does not provide listdir()")

    def open(self, mode: str = "r") -> IO[bytes]:
        """The file, open for bytes."""
        raise NotImplementedError(f"{type(self).__name__} does not provide open()")

    def isdir(self) -> bool:
        """Is it a folder?"""
        raise NotImplementedError(f"{type(self).__name__} does not provide isdir()")

    def islink(self) -> bool:
        """Is it a symbolic link? No, where there are none."""
        return False

    def realpath(self) -> Self:
        """What it leads to when links are followed: itself, where there are none."""
        return self

    def basename(self) -> AnyStr:
        """The last part of the path."""
        raise NotImplementedError(f"{type(self).__name__} does not provide basename()")

    def getModificationTime(self) -> float:
        """When the content was changed, in seconds since the epoch."""
        raise NotImplementedError(f"{type(self).__name__} does not provide getModificationTime()")

    def getAccessTime(self) -> float:
        """When it was read, in seconds since the epoch."""
        raise NotImplementedError(f"{type(self).__name__} does not provide getAccessTime()")

    def getStatusChangeTime(self) -> float:
        """When its entry was changed, in seconds since the epoch."""
        raise NotImplementedError(f"{type(self).__name__} does not provide getStatusChangeTime()")

    def getmtime(self) -> int:
        """`getModificationTime` in whole seconds."""
        return int(self.getModificationTime())

    def getatime(self) -> int:
        """`getAccessTime` in whole seconds."""
        return int(self.getAccessTime())

    def getctime(self) -> int:
        """`getStatusChangeTime` in whole seconds."""
        return int(self.getStatusChangeTime())

    def sibling(self, path: AnyStr) -> Self:
        """What has that name in the same folder."""
        return self.parent().child(path)

    def getContent(self) -> bytes:
        """All that is in the file."""
        with closing(self.open()) as file:
            return file.read()

    def parents(self) -> Iterator[Self]:
        """The folder, its folder, and so on up to the root."""
        below, path = self, self.parent()
        while path != below:
            yield path
            below, path = path, path.parent()

    def children(self) -> list[Self]:
        """All that is in this folder. Raises `UnlistableError` where that cannot be told."""
        try:
            names = self.listdir()
        except OSError as error:
            raise UnlistableError(error) from error
        return [self.child(name) for name in names]

    def walk(self, descend: Callable[[Self], bool] | None = None) -> Iterator[Self]:
        """This path and all below it, each folder before what it has.

        ``descend`` says which folders are entered, all unless told. Raises `LinkError` where a link leads back
        to a folder around it.
        """
        yield self
        if not self.isdir():
            return
        for child in self.children():
            if child.isdir() and (descend is None or descend(child)):
                if child.islink() and child.realpath() in (self.realpath(), *self.realpath().parents()):
                    raise LinkError(f"{child!r} leads back to a folder that it is in")
                yield from child.walk(descend)
            else:
                yield child

    def descendant(self, segments: Sequence[AnyStr]) -> Self:
        """Child of child, for each of the names."""
        path = self
        for name in segments:
            path = path.child(name)
        return path

    def segmentsFrom(self, ancestor: AbstractFilePath[AnyStr]) -> list[AnyStr]:
        """The names that lead from a folder further up to this path. Raises `ValueError` if it is not there."""
        path: AbstractFilePath[AnyStr] = self
        names: list[AnyStr] = []
        while path != ancestor:
            above = path.parent()
            if above == path:
                raise ValueError(f"{ancestor!r} does not contain {self!r}")
            names.insert(0, path.basename())
            path = above
        return names
