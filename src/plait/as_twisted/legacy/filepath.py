"""What `twisted.python.filepath` is: a path of the file system as an object that keeps children inside their folder.

New programs have `pathlib`. Three things are different here. `FilePath.child` refuses a name that leads out of
the folder, so a name from the network can be given to it. Files are always opened for bytes. And what `stat`
said once is kept until `FilePath.changed` or `FilePath.restat` is called.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
import stat
from functools import total_ordering
from typing import IO, Any, AnyStr, Literal, Self, TypeAlias, TypeVar, cast

from plait.as_twisted.legacy.anypath import (
    RWX,
    AbstractFilePath,
    IFilePath,
    InsecurePath,
    LinkError,
    Permissions,
    UnlistableError,
)

__all__ = [
    "RWX",
    "AbstractFilePath",
    "FileMode",
    "FilePath",
    "IFilePath",
    "InsecurePath",
    "LinkError",
    "OtherAnyStr",
    "Permissions",
    "UnlistableError",
]

FileMode: TypeAlias = Literal["r", "w", "a", "r+", "w+", "a+"]
"""How a file is opened; always for bytes."""

OtherAnyStr = TypeVar("OtherAnyStr", str, bytes)
"""Text or bytes, where another is text or bytes as well."""


def _asFilesystemBytes(path: str | bytes, encoding: str | None = None) -> bytes:
    """A path in bytes, in the file system's encoding, unless told."""
    if isinstance(path, bytes):
        return path
    return path.encode(encoding) if encoding else os.fsencode(path)


def _asFilesystemText(path: str | bytes, encoding: str | None = None) -> str:
    """A path in text, in the file system's encoding, unless told."""
    if isinstance(path, str):
        return path
    return path.decode(encoding) if encoding else os.fsdecode(path)


def _coerceToFilesystemEncoding(path: AnyStr, newpath: str | bytes, encoding: str | None = None) -> AnyStr:
    """The second path in the mode of the first."""
    made: Any = (
        _asFilesystemBytes(newpath, encoding) if isinstance(path, bytes) else _asFilesystemText(newpath, encoding)
    )
    return cast("AnyStr", made)


@total_ordering
class FilePath(AbstractFilePath[AnyStr]):
    """An absolute path, in text or in bytes as it was given.

    With ``alwaysCreate``, `open` makes the file and fails where there is one already.
    """

    path: AnyStr

    def __init__(self, path: AnyStr | os.PathLike[AnyStr], alwaysCreate: bool = False) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.alwaysCreate = alwaysCreate
        self._statinfo: os.stat_result | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What `stat` said is not pickled: it belongs to this machine and moment."""
        return {**self.__dict__, "_statinfo": None}

    def __fspath__(self) -> AnyStr:
        return self.path

    def __repr__(self) -> str:
        return f"FilePath({self.path!r})"

    def __eq__(self, other: object) -> bool:
        return self.path == other.path if isinstance(other, FilePath) else NotImplemented

    def __lt__(self, other: FilePath[AnyStr]) -> bool:
        return self.path < other.path if isinstance(other, FilePath) else NotImplemented

    def __hash__(self) -> int:
        return hash((FilePath, self.path))

    # From one path to another

    def clonePath(self, path: AnyStr, alwaysCreate: bool = False) -> Self:
        """The object for another path that this one leads to; subclasses may make another class of it."""
        make = cast("Any", type(self))
        clone: Self = make(path)
        clone.alwaysCreate = alwaysCreate
        return clone

    def asTextMode(self, encoding: str | None = None) -> FilePath[str]:
        """The same path in text; in the file system's encoding, unless told."""
        if isinstance(self.path, str):
            return self
        clone: Any = self.clonePath
        return cast("FilePath[str]", clone(self._asTextPath(encoding)))

    def asBytesMode(self, encoding: str | None = None) -> FilePath[bytes]:
        """The same path in bytes; in the file system's encoding, unless told."""
        if isinstance(self.path, bytes):
            return self
        clone: Any = self.clonePath
        return cast("FilePath[bytes]", clone(self._asBytesPath(encoding)))

    def _asBytesPath(self, encoding: str | None = None) -> bytes:
        return _asFilesystemBytes(self.path, encoding)

    def _asTextPath(self, encoding: str | None = None) -> str:
        return _asFilesystemText(self.path, encoding)

    def _getPathAsSameTypeAs(self, pattern: OtherAnyStr) -> OtherAnyStr:
        """This path in the mode of a name that is to be put to it."""
        return _coerceToFilesystemEncoding(pattern, self.path)

    @property
    def sep(self) -> AnyStr:
        """What stands between the parts of a path."""
        return _coerceToFilesystemEncoding(self.path, os.sep)

    def child(self, path: AnyStr) -> Self:
        """What has that name in this folder. Raises `InsecurePath` for a name with a separator, or "..".

        Not only the present is concerned: the result is inside this folder whatever the file system holds, as
        long as no link leads out of it.
        """
        name = os.fsdecode(os.path.normpath(path))
        if os.sep in name or (os.altsep and os.altsep in name):
            raise InsecurePath(f"{path!r} is not the name of something in a folder")
        return self.preauthChild(path)

    def preauthChild(self, path: AnyStr) -> Self:
        """What lies at that relative path below. Raises `InsecurePath` where it leads out of this folder."""
        own = self._getPathAsSameTypeAs(path)
        target = os.path.abspath(os.path.join(own, os.path.normpath(path)))
        if target != own and os.path.commonpath((own, target)) != own:
            raise InsecurePath(f"{path!r} leads out of {own!r}")
        return self.clonePath(target)

    def parent(self) -> Self:
        """The folder that this is in; the root is in itself."""
        return self.clonePath(self.dirname())

    def siblingExtension(self, ext: AnyStr) -> Self:
        """The path with something put after its name."""
        return self.clonePath(self._getPathAsSameTypeAs(ext) + ext)

    def siblingExtensionSearch(self, *exts: AnyStr) -> Self | None:
        """The first that exists among the path with each of these endings; "*" stands for any, "" for none."""
        for ext in exts:
            own = self._getPathAsSameTypeAs(ext)
            if ext in ("*", b"*"):
                pattern: Any = b".*" if isinstance(ext, bytes) else ".*"
                found = sorted(glob.glob(glob.escape(own) + pattern))
            else:
                found = [own + ext] if os.path.exists(own + ext) else []
            if found:
                return self.clonePath(found[0])
        return None

    def childSearchPreauth(self, *paths: AnyStr) -> Self | None:
        """The first of these relative paths below that exists. They are trusted: nothing keeps them inside."""
        for path in paths:
            target = os.path.join(self._getPathAsSameTypeAs(path), path)
            if os.path.exists(target):
                return self.clonePath(target)
        return None

    def globChildren(self, pattern: AnyStr) -> list[Self]:
        """All in this folder that match a pattern of the shell."""
        return [
            self.clonePath(found)
            for found in glob.glob(os.path.join(glob.escape(self._getPathAsSameTypeAs(pattern)), pattern))
        ]

    def temporarySibling(self, extension: OtherAnyStr | None = None) -> FilePath[OtherAnyStr]:
        """A path in the same folder that nobody else has; opening it makes the file.

        It is in bytes or in text as the extension is, or without one as this path.
        """
        ending: Any = self.path[:0] if extension is None else extension
        name = _coerceToFilesystemEncoding(ending, secrets.token_hex(10) + os.fsdecode(self.basename()))
        path: FilePath[Any] = self.sibling(name + ending)
        path.requireCreate()
        return path

    def realpath(self) -> Self:
        """Where a link leads to, to the end; the path itself where it is no link.

        Raises `LinkError` where links lead in a circle.
        """
        real = os.path.realpath(self.path)
        if os.path.islink(real):
            raise LinkError(f"{self!r} leads to itself")
        return self if real == self.path else self.clonePath(real)

    def basename(self) -> AnyStr:
        """The last part of the path."""
        return os.path.basename(self.path)

    def dirname(self) -> AnyStr:
        """All but the last part of the path."""
        return os.path.dirname(self.path)

    def splitext(self) -> tuple[AnyStr, AnyStr]:
        """The path without its ending, and the ending with its dot."""
        return os.path.splitext(self.path)

    # What the file system says

    def restat(self, reraise: bool = True) -> None:
        """Ask the file system again. Without ``reraise``, a path that is not there is no error."""
        self._statinfo = None
        try:
            self._statinfo = os.stat(self.path)
        except OSError:
            if reraise:
                raise

    def changed(self) -> None:
        """Forget what the file system said: the next question is asked anew."""
        self._statinfo = None

    def _known(self) -> os.stat_result:
        if self._statinfo is None:
            self.restat()
        return cast("os.stat_result", self._statinfo)

    def _mode(self) -> int:
        """The mode, or 0 where there is nothing."""
        if self._statinfo is None:
            self.restat(False)
        return self._statinfo.st_mode if self._statinfo else 0

    def exists(self) -> bool:
        """Is there anything, with links followed?"""
        return bool(self._mode())

    def isdir(self) -> bool:
        """Is it a folder, or a link to one?"""
        return stat.S_ISDIR(self._mode())

    def isfile(self) -> bool:
        """Is it a regular file, or a link to one?"""
        return stat.S_ISREG(self._mode())

    def isBlockDevice(self) -> bool:
        """Is it a block device?"""
        return stat.S_ISBLK(self._mode())

    def isSocket(self) -> bool:
        """Is it a socket?"""
        return stat.S_ISSOCK(self._mode())

    def islink(self) -> bool:
        """Is it a symbolic link? Asked each time."""
        return os.path.islink(self.path)

    def isabs(self) -> bool:
        """Is it absolute? Always."""
        return os.path.isabs(self.path)

    def getsize(self) -> int:
        """The size in bytes."""
        return self._known().st_size

    def getModificationTime(self) -> float:
        """When the content was changed, in seconds since the epoch."""
        return float(self._known().st_mtime)

    def getAccessTime(self) -> float:
        """When it was read, in seconds since the epoch."""
        return float(self._known().st_atime)

    def getStatusChangeTime(self) -> float:
        """When its entry was changed, in seconds since the epoch."""
        return float(self._known().st_ctime)

    def getInodeNumber(self) -> int:
        """Its number in the file system."""
        return self._known().st_ino

    def getDevice(self) -> int:
        """The number of the device that it is on."""
        return self._known().st_dev

    def getNumberOfHardLinks(self) -> int:
        """How many names it has."""
        return self._known().st_nlink

    def getUserID(self) -> int:
        """The number of its owner."""
        return self._known().st_uid

    def getGroupID(self) -> int:
        """The number of its group."""
        return self._known().st_gid

    def getPermissions(self) -> Permissions:
        """Who may do what with it."""
        return Permissions(stat.S_IMODE(self._known().st_mode))

    def listdir(self) -> list[AnyStr]:
        """The names in this folder."""
        return os.listdir(self.path)

    # What can be done with it

    def open(self, mode: str = "r") -> IO[bytes]:
        """The file, open for bytes. With `alwaysCreate` it is made now, and must not have been there."""
        if not self.alwaysCreate:
            return cast("IO[bytes]", open(self.path, mode.replace("b", "") + "b"))
        if "a" in mode:
            raise ValueError(f"a file that is to be new cannot be opened with {mode!r}: there is nothing to append to")
        return self.create()

    def create(self) -> IO[bytes]:
        """Make the file, open for reading and writing. Raises `FileExistsError` where there is something."""
        return open(self.path, "x+b")

    def requireCreate(self, val: bool = True) -> None:
        """Say whether `open` is to make the file."""
        self.alwaysCreate = val

    def setContent(self, content: bytes, ext: bytes = b".new") -> None:
        """Let the file have this content, at once: whoever reads it gets all of the old or all of the new."""
        beside = self.temporarySibling(cast("Any", ext))
        with beside.open("w") as file:
            file.write(content)
        os.replace(beside.path, self._getPathAsSameTypeAs(beside.path))
        self.changed()

    def touch(self) -> None:
        """Make the file if there is none, and set its times to now."""
        with open(self.path, "ab"):
            pass
        os.utime(self.path)
        self.changed()

    def chmod(self, mode: int) -> None:
        """Set the permissions."""
        os.chmod(self.path, mode)
        self.changed()

    def createDirectory(self) -> None:
        """Make a folder; the one around it must be there."""
        os.mkdir(self.path)
        self.changed()

    def makedirs(self, ignoreExistingDirectory: bool = False) -> None:
        """Make a folder and all around it. With the flag, a folder that is there already is no error."""
        try:
            os.makedirs(self.path)
        except FileExistsError:
            if not (ignoreExistingDirectory and os.path.isdir(self.path)):
                raise
        self.changed()

    def linkTo(self, linkFilePath: FilePath[AnyStr]) -> None:
        """Make a symbolic link at another path that leads here."""
        os.symlink(self.path, linkFilePath.path)

    def remove(self) -> None:
        """Delete it, a folder with all it has. Of a link, only the link."""
        if os.path.isdir(self.path) and not self.islink():
            shutil.rmtree(self.path)
        else:
            os.remove(self.path)
        self.changed()

    def moveTo(self, destination: FilePath[AnyStr], followLinks: bool = True) -> None:
        """Give it another path, also on another file system; there a copy is made, then put in place at once."""
        try:
            os.rename(self.path, destination.path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            beside: FilePath[AnyStr] = destination.temporarySibling()
            self.copyTo(beside, followLinks)
            os.rename(beside.path, destination.path)
            self.remove()
        self.changed()
        destination.changed()

    def copyTo(self, destination: FilePath[AnyStr], followLinks: bool = True) -> None:
        """Copy it, a folder with all it has. Without ``followLinks``, links are copied as links."""
        self.restat(False)
        if self.islink() and not followLinks:
            os.symlink(os.readlink(self.path), destination.path)
        elif self.isdir():
            if not os.path.isdir(destination.path):
                destination.createDirectory()
            for child in self.children():
                child.copyTo(destination.child(child.basename()), followLinks)
        elif self.isfile():
            with destination.open("w") as target, self.open() as source:
                shutil.copyfileobj(source, target)
            shutil.copymode(self.path, destination.path)
        elif not self.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
        else:
            raise NotImplementedError(f"{self!r} is neither a file nor a folder, so it cannot be copied")
        destination.changed()
