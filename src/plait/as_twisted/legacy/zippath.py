"""What `twisted.python.zippath` is: paths into an archive, used as those of the file system are."""

from __future__ import annotations

import errno
import os
import time
import zipfile
from functools import total_ordering
from typing import IO, Any, AnyStr, Generic, Self, cast

from plait.as_twisted.legacy.anypath import AbstractFilePath, UnlistableError
from plait.as_twisted.legacy.filepath import FilePath, OtherAnyStr, _coerceToFilesystemEncoding
from plait.as_twisted.legacy.zipstream import ChunkingZipFile

__all__ = ["ZIP_PATH_SEP", "ZipArchive", "ZipPath"]

ZIP_PATH_SEP = "/"
"""What stands between the parts of a path in an archive."""


@total_ordering
class ZipPath(AbstractFilePath[AnyStr]):
    """A file or folder in an archive, which need not be there; in text or in bytes, as it was given.

    `archive` is the `ZipArchive`, `pathInArchive` the way from there, and `path` the path as if the archive were a
    folder.
    """

    archive: Any
    pathInArchive: AnyStr
    path: AnyStr

    def __init__(self, archive: Any, pathInArchive: AnyStr) -> None:
        self.archive = archive
        self.pathInArchive = pathInArchive
        name = _coerceToFilesystemEncoding(pathInArchive, archive.zipfile.filename)
        self.path = os.path.join(name, *pathInArchive.split(self.sep))

    @property
    def sep(self) -> AnyStr:
        """What stands between the parts of a path."""
        return _coerceToFilesystemEncoding(self.pathInArchive, ZIP_PATH_SEP)

    @property
    def _name(self) -> str:
        return os.fsdecode(self.pathInArchive)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ZipPath):
            return NotImplemented
        return bool((self.archive, self.pathInArchive) == (other.archive, other.pathInArchive))

    def __lt__(self, other: Any) -> bool:
        if not isinstance(other, ZipPath):
            return NotImplemented
        return bool((self.archive, self.pathInArchive) < (other.archive, other.pathInArchive))

    def __hash__(self) -> int:
        return hash((ZipPath, self.archive, self.pathInArchive))

    def __repr__(self) -> str:
        parts = [os.path.abspath(os.fsdecode(self.archive.path)), *self._name.split(ZIP_PATH_SEP)]
        return f"ZipPath({os.sep.join(parts)!r})"

    # From one path to another

    def child(self, path: OtherAnyStr) -> ZipPath[OtherAnyStr]:
        """What has that name in this folder. ".." is a name like any other: it leads nowhere."""
        own = _coerceToFilesystemEncoding(path, self.pathInArchive)
        return ZipPath(self.archive, _coerceToFilesystemEncoding(path, ZIP_PATH_SEP).join((own, path)))

    def parent(self) -> Any:
        """The folder that this is in, up to the archive, which is in itself."""
        above, _, _ = self.pathInArchive.rpartition(self.sep)
        return ZipPath(self.archive, above) if above else self.archive

    def sibling(self, path: OtherAnyStr) -> ZipPath[OtherAnyStr]:
        """What has that name in the same folder."""
        return cast("ZipPath[OtherAnyStr]", self.parent().child(path))

    def basename(self) -> AnyStr:
        """The last part of the path."""
        return self.pathInArchive.rpartition(self.sep)[2]

    def dirname(self) -> AnyStr:
        """All but the last part of the path."""
        return cast("AnyStr", self.parent().path)

    # What the archive says

    def exists(self) -> bool:
        """Is there a file or folder?"""
        return self.isdir() or self.isfile()

    def isdir(self) -> bool:
        """Is it a folder?"""
        return self._name in self.archive.childmap

    def isfile(self) -> bool:
        """Is it a file?"""
        return self._name in self.archive.zipfile.NameToInfo

    def listdir(self) -> list[AnyStr]:
        """The names in this folder. Raises `UnlistableError` where it is none."""
        if self.isdir():
            names = self.archive.childmap[self._name]
            return [_coerceToFilesystemEncoding(self.pathInArchive, name) for name in names]
        if self.isfile():
            raise UnlistableError(OSError(errno.ENOTDIR, "Leaf zip entry listed"))
        raise UnlistableError(OSError(errno.ENOENT, "Non-existent zip entry listed"))

    def splitext(self) -> tuple[AnyStr, AnyStr]:
        """The path without its ending, and the ending with its dot."""
        return os.path.splitext(self.path)

    def _info(self) -> zipfile.ZipInfo:
        info: zipfile.ZipInfo = self.archive.zipfile.getinfo(self._name)
        return info

    def getsize(self) -> int:
        """The size in bytes, unpacked."""
        return self._info().file_size

    def getModificationTime(self) -> float:
        """When the file was changed, in seconds since the epoch; for a folder, when the archive was."""
        if not self.isfile():
            return cast("float", self.archive.getModificationTime())
        return time.mktime((*self._info().date_time, 0, 0, 0))

    def getAccessTime(self) -> float:
        """When the archive was read, in seconds since the epoch."""
        return cast("float", self.archive.getAccessTime())

    def getStatusChangeTime(self) -> float:
        """The same as `getModificationTime`."""
        return self.getModificationTime()

    def changed(self) -> None:
        """Nothing: what is in an archive is not kept apart from it."""

    def restat(self) -> None:
        """Nothing: what is in an archive is not kept apart from it."""

    def open(self, mode: str = "r") -> IO[bytes]:
        """The file, open for reading."""
        if "r" not in mode:
            raise OSError(errno.EROFS, f"an archive can be read only, not opened with {mode!r}")
        return cast("IO[bytes]", self.archive.zipfile.readfile(self._name))


class ZipArchive(ZipPath[AnyStr], Generic[AnyStr]):
    """An archive as the folder of all that is in it. Its file is read once, when this object is made."""

    def __init__(self, archivePathname: AnyStr) -> None:
        self.path = archivePathname
        self.zipfile = ChunkingZipFile(os.fsdecode(archivePathname))
        self.archive = self
        self.pathInArchive = archivePathname[:0]
        self.childmap: dict[str, dict[str, int]] = {"": {}}
        for name in self.zipfile.namelist():
            parts = name.rstrip(ZIP_PATH_SEP).split(ZIP_PATH_SEP)
            if name.endswith(ZIP_PATH_SEP):
                self.childmap.setdefault(ZIP_PATH_SEP.join(parts), {})
            for depth in range(len(parts)):
                self.childmap.setdefault(ZIP_PATH_SEP.join(parts[:depth]), {})[parts[depth]] = 1

    def __eq__(self, other: object) -> bool:
        return os.fsdecode(self.path) == os.fsdecode(other.path) if isinstance(other, ZipArchive) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, ZipArchive):
            return os.fsdecode(self.path) < os.fsdecode(other.path)
        return NotImplemented

    def __hash__(self) -> int:
        return hash((ZipArchive, os.fsdecode(self.path)))

    def __repr__(self) -> str:
        return f"ZipArchive({os.path.abspath(os.fsdecode(self.path))!r})"

    def _file(self) -> FilePath[AnyStr]:
        return FilePath(self.path)

    def child(self, path: OtherAnyStr) -> ZipPath[OtherAnyStr]:  # type: ignore[override]
        """What has that name at the top of the archive."""
        return ZipPath(self, path)

    def basename(self) -> AnyStr:
        """The name of the archive's file."""
        return self._file().basename()

    def exists(self) -> bool:
        """Is the archive's file still there?"""
        return self._file().exists()

    def getsize(self) -> int:
        """The size of the archive's file in bytes."""
        return self._file().getsize()

    def getModificationTime(self) -> float:
        """When the archive's file was changed, in seconds since the epoch."""
        return self._file().getModificationTime()

    def getAccessTime(self) -> float:
        """When the archive's file was read, in seconds since the epoch."""
        return self._file().getAccessTime()

    def getStatusChangeTime(self) -> float:
        """When the entry of the archive's file was changed, in seconds since the epoch."""
        return self._file().getStatusChangeTime()

    def realpath(self) -> Self:
        """The archive itself."""
        return self
