"""What `twisted.persisted.dirdbm` is: a mapping from bytes to bytes that is a folder, each entry a file in it.

Whatever happens, an entry is either the old or the new one: a value is written to a file beside and put in place when
it is whole, ``.new`` for one that was not there and ``.rpl`` for one that was.
"""

from __future__ import annotations

import base64
import os
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

from plait.as_twisted.legacy.filepath import FilePath

__all__ = ["DirDBM", "Shelf", "open"]


class DirDBM:
    """A mapping of bytes in a folder, which is made if need be. What a crash has left half done is put right."""

    def __init__(self, name: str | bytes) -> None:
        self._folder = FilePath(os.fsdecode(name))
        self.dname = self._folder.path
        if not self._folder.isdir():
            self._folder.createDirectory()
            return
        for unfinished in self._folder.globChildren("*.new"):
            unfinished.remove()
        for written in self._folder.globChildren("*.rpl"):
            old = FilePath(written.path.removesuffix(".rpl"))
            if old.exists():
                written.remove()
            else:
                written.moveTo(old)

    def _encode(self, k: bytes) -> bytes:
        """The name of the file of a key: base64, with other characters for those that mean something in a path."""
        if not isinstance(k, bytes):
            raise TypeError(f"a key is bytes, not {k!r}")
        return base64.encodebytes(k).replace(b"\n", b"_").replace(b"/", b"-")

    def _decode(self, k: bytes) -> bytes:
        return base64.decodebytes(k.replace(b"_", b"\n").replace(b"-", b"/"))

    def _path(self, k: bytes) -> FilePath[str]:
        return self._folder.child(os.fsdecode(self._encode(k)))

    def _readFile(self, path: FilePath[str]) -> bytes:
        return path.getContent()

    def _writeFile(self, path: FilePath[str], data: bytes) -> None:
        with path.open("w") as file:
            file.write(data)

    def _in(self, v: Any) -> bytes:
        """A value as it is written."""
        if not isinstance(v, bytes):
            raise TypeError(f"a value is bytes, not {v!r}")
        return v

    def _out(self, data: bytes) -> Any:
        """A value as it is read."""
        return data

    def __len__(self) -> int:
        return len(self._folder.listdir())

    def __setitem__(self, k: bytes, v: Any) -> None:
        """Write a value. Raises `TypeError` for what is not bytes."""
        old = self._path(k)
        data = self._in(v)
        beside = old.siblingExtension(".rpl" if old.exists() else ".new")
        try:
            self._writeFile(beside, data)
        except BaseException:
            beside.remove()
            raise
        os.replace(beside.path, old.path)

    def __getitem__(self, k: bytes) -> Any:
        path = self._path(k)
        try:
            data = self._readFile(path)
        except FileNotFoundError:
            raise KeyError(k) from None
        return self._out(data)

    def __delitem__(self, k: bytes) -> None:
        try:
            self._path(k).remove()
        except FileNotFoundError:
            raise KeyError(k) from None

    def keys(self) -> list[bytes]:
        """All keys."""
        return [self._decode(os.fsencode(name)) for name in self._folder.listdir()]

    def values(self) -> list[Any]:
        """All values."""
        return [self[key] for key in self.keys()]

    def items(self) -> list[tuple[bytes, Any]]:
        """All pairs of key and value."""
        return [(key, self[key]) for key in self.keys()]

    def has_key(self, key: bytes) -> bool:
        """Is there a value for the key?"""
        return self._path(key).isfile()

    __contains__ = has_key

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.keys())

    iterkeys = __iter__

    def itervalues(self) -> Iterator[Any]:
        """All values, one by one."""
        return (self[key] for key in self)

    def iteritems(self) -> Iterator[tuple[bytes, Any]]:
        """All pairs, one by one."""
        return ((key, self[key]) for key in self)

    def setdefault(self, key: bytes, value: Any) -> Any:
        """The value for the key, which is this one where there was none."""
        if key not in self:
            self[key] = value
        return self[key]

    def get(self, key: bytes, default: Any = None) -> Any:
        """The value for the key, or the default."""
        try:
            return self[key]
        except KeyError:
            return default

    def update(self, dict: Mapping[bytes, Any]) -> None:
        """Write all that is in a mapping."""
        for key, value in dict.items():
            self[key] = value

    def copyTo(self, path: str | bytes) -> Any:
        """Another one in another folder, which loses what it had and gets a copy of all that is here."""
        other = type(self)(path)
        other.clear()
        other.update({key: self[key] for key in self})
        return other

    def clear(self) -> None:
        """Delete all."""
        for key in self.keys():
            del self[key]

    def close(self) -> None:
        """Nothing: no file stays open."""

    def getModificationTime(self, key: bytes) -> float:
        """When a value was written, in seconds since the epoch. Raises `KeyError` where there is none."""
        path = self._path(key)
        if not path.isfile():
            raise KeyError(key)
        return path.getModificationTime()


class Shelf(DirDBM):
    """A mapping from bytes to anything that can be pickled. Open only what you trust: a pickle can run code."""

    def _in(self, v: Any) -> bytes:
        return pickle.dumps(v)

    def _out(self, data: bytes) -> Any:
        return pickle.loads(data)


def open(file: str | bytes, flag: object = None, mode: object = None) -> DirDBM:
    """The mapping in a folder; flag and mode are there because other databases have them."""
    return DirDBM(file)
