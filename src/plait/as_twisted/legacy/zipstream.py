"""What `twisted.python.zipstream` is: archives unpacked piece by piece. `zipfile` does the work."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from typing import IO, Any

__all__ = ["ChunkingZipFile", "countFileChunks", "countZipFileChunks", "unzipIterChunky"]


class ZipFileEntry:
    """A file in an archive, open for reading."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    @property
    def closed(self) -> bool:
        """Has it been closed?"""
        return self._stream.closed

    finished = closed

    def isatty(self) -> bool:
        """Is it a terminal? No."""
        return False

    def close(self) -> None:
        """Close it; the archive stays open."""
        self._stream.close()

    def tell(self) -> int:
        """How many bytes have been read."""
        return self._stream.tell()

    def read(self, n: int | None = None) -> bytes:
        """So many bytes, or all that are left."""
        return self._stream.read(-1 if n is None else n)

    def readline(self) -> bytes:
        """A line, with its end; ``b""`` where there is no more."""
        return self._stream.readline()

    def readlines(self) -> list[bytes]:
        """All lines that are left."""
        return list(self)

    def xreadlines(self) -> ZipFileEntry:
        """The lines one by one: the file itself."""
        return self

    __iter__ = xreadlines

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    next = __next__

    def __enter__(self) -> ZipFileEntry:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


DeflatedZipFileEntry = ZipFileEntry
"""It was another class, for files that are compressed."""


class ChunkingZipFile(zipfile.ZipFile):
    """An archive whose files can be read piece by piece."""

    def readfile(self, name: str) -> ZipFileEntry:
        """A file of the archive.

        Raises `RuntimeError` where the archive is closed or open for writing, `KeyError` where there is no such file,
        and `zipfile.BadZipFile` where it cannot be read.
        """
        if self.mode not in ("r", "a"):
            raise RuntimeError('read() requires mode "r" or "a"')
        if self.fp is None:
            raise RuntimeError("Attempt to read ZIP archive that was already closed")
        try:
            return ZipFileEntry(self.open(name))
        except NotImplementedError as error:
            raise zipfile.BadZipFile(str(error)) from error


def unzipIterChunky(
    filename: Any, directory: Any = ".", overwrite: bool = False, chunksize: int = 4096
) -> Iterator[int]:
    """Unpack an archive into a folder, so many bytes at each step, and say how many steps are left.

    A file that is there already stays as it is, unless ``overwrite``. Raises `zipfile.BadZipFile` for a name that leads
    out of the folder.
    """
    with ChunkingZipFile(filename, "r") as archive:
        left = countZipFileChunks(filename, chunksize)
        for info in archive.infolist():
            target = _inside(directory, info.filename)
            if info.is_dir():
                os.makedirs(target, exist_ok=True)
                left -= 1
                yield left
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.exists(target) and not overwrite:
                left -= countFileChunks(info, chunksize)
                yield left
                continue
            with open(target, "wb") as out, archive.readfile(info.filename) as source:
                for _ in range(countFileChunks(info, chunksize)):
                    out.write(source.read(chunksize))
                    left -= 1
                    yield left


def _inside(directory: str, name: str) -> str:
    root = os.path.abspath(directory)
    target = os.path.abspath(os.path.join(root, name))
    if os.path.commonpath((root, target)) != root:
        raise zipfile.BadZipFile(f"the archive has a file that would lie outside of the folder: {name!r}")
    return target


def countZipFileChunks(filename: Any, chunksize: int) -> int:
    """How many steps unpacking an archive takes, with pieces of that size."""
    with ChunkingZipFile(filename) as archive:
        return sum(countFileChunks(info, chunksize) for info in archive.infolist())


def countFileChunks(zipinfo: zipfile.ZipInfo, chunksize: int) -> int:
    """How many steps unpacking one file of an archive takes; one for an empty file, and for a folder."""
    return max(1, -(-zipinfo.file_size // chunksize))
