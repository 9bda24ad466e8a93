"""When a log file is put aside, and what becomes of the ones that were.

A file that is put aside bears the time of its last line, ``plait.log.2026-11-23T20-30-00``, and no other name ever after, so
that nothing has to be renamed when the next one comes, and several processes can do it without a word between them.
"""

from __future__ import annotations

import contextlib
import glob
import gzip
import os
import re
import shutil
import time
from dataclasses import dataclass
from typing import Literal

from plait.log._descriptor import lock

Period = Literal["hour", "day"]

# Behind the name of the log: the time, a number if there was such a file already, and that it is compressed.
_STAMP = "%Y-%m-%dT%H-%M-%S"
_ASIDE = re.compile(r"\.\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:-\d+)?(?:\.gz)?")

_PIECE = 1 << 18

# Seconds. Hours begin, in all time zones, with one of these.
_QUARTER = 900


@dataclass(frozen=True)
class Rotation:
    """When a log file is put aside: before it would have more than `maxSize` bytes, and at the first line of another hour or
    day (local time). None for neither.

    :param keep: how many that were put aside are kept, None for all.
    :param compress: compress them, but for the newest, which another process may still be writing to.
    """

    maxSize: int | None = None
    every: Period | None = None
    keep: int | None = None
    compress: bool = False

    def isDue(self, size: int, changed: float, now: float, more: int) -> bool:
        """Whether a file of `size` bytes that was `changed` then is put aside now, before `more` bytes are written to it."""
        if not size:
            return False
        if self.maxSize is not None and size + more > self.maxSize:
            return True
        if self.every is None or now <= changed or now // _QUARTER == changed // _QUARTER:
            return False
        return self._period(changed) != self._period(now)

    def _period(self, when: float) -> tuple[int, ...]:
        return time.localtime(when)[: 3 if self.every == "day" else 4]


def name_aside(path: str, changed: float) -> str:
    """A path, that nothing has yet, for the file at `path` which was `changed` last at that time."""
    name = base = f"{path}.{time.strftime(_STAMP, time.localtime(changed))}"
    number = 1
    while os.path.lexists(name) or os.path.lexists(f"{name}.gz"):
        name = f"{base}-{number}"
        number += 1
    return name


def files_aside(path: str) -> list[str]:
    """The files that were put aside, the newest first."""
    found = []
    for name in glob.glob(f"{glob.escape(path)}.*"):
        if _ASIDE.fullmatch(name, len(path)):
            with contextlib.suppress(OSError):  # another process has removed it
                found.append((os.stat(name).st_mtime_ns, name))
    return [name for _, name in sorted(found, reverse=True)]


def tidy(path: str, rotation: Rotation) -> None:
    """Delete the files that are not to be kept, and compress the others. OSError if that is not possible."""
    names = files_aside(path)
    if rotation.keep is not None:
        for name in names[rotation.keep :]:
            with contextlib.suppress(FileNotFoundError):
                os.remove(name)
        names = names[: rotation.keep]
    if rotation.compress:
        for name in names[1:]:
            if not name.endswith(".gz"):
                _compress(name)


def _compress(name: str) -> None:
    """Put a compressed file in the place of this one; it is there as a whole, or not at all."""
    try:
        source = open(name, "rb")  # noqa: SIM115
    except FileNotFoundError:
        return
    part = f"{name}.gz.part"
    with source:
        if not lock(source.fileno(), wait=False) or not os.path.exists(name):
            return  # another process is at it, or has done it
        if os.path.exists(f"{name}.gz"):
            os.remove(name)  # one that was ended just before it could do that
            return
        state = os.fstat(source.fileno())
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, state.st_mode & 0o777)
        try:
            with open(descriptor, "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=state.st_mtime) as target:
                shutil.copyfileobj(source, target, _PIECE)
            os.utime(part, ns=(state.st_atime_ns, state.st_mtime_ns))
            os.replace(part, f"{name}.gz")
        except OSError:
            with contextlib.suppress(OSError):
                os.remove(part)
            raise
        os.remove(name)
