"""`twisted.internet.inotify`: files and folders that are watched."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plait import engine

if sys.platform != "linux":
    pytest.skip("inotify is Linux's", allow_module_level=True)

from plait.as_twisted.legacy import inotify, inotifycalls
from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.legacy.inotify import INotify, INotifyError, humanReadableMask


class Told:
    """A callback, and what it was told: pairs of a path and a mask."""

    def __init__(self, enough: Callable[[list[tuple[str, int]]], bool]) -> None:
        self.events: list[tuple[str, int]] = []
        self.enough = enough
        self.done = asyncio.Event()

    def __call__(self, watcher: INotify, path: FilePath[bytes], mask: int) -> None:
        self.events.append((os.fsdecode(path.path), mask))
        if self.enough(self.events):
            self.done.set()

    async def wait(self) -> None:
        await asyncio.wait_for(self.done.wait(), 10)


@pytest.fixture
async def watcher() -> Any:
    watcher = INotify(engine.getReactor())
    watcher.startReading()
    yield watcher
    watcher.loseConnection()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FilePath[str]]:
    yield FilePath(str(tmp_path))


async def test_a_file_that_is_made_is_told(watcher: INotify, folder: FilePath[str]) -> None:
    told = Told(lambda events: len(events) == 2)
    assert watcher.watch(folder, mask=inotify.IN_CREATE | inotify.IN_CLOSE_WRITE, callbacks=[told]) > 0
    folder.child("file").open("w").close()
    await told.wait()
    path = folder.child("file").path
    assert told.events == [(path, inotify.IN_CREATE), (path, inotify.IN_CLOSE_WRITE)]


async def test_what_is_ignored_is_not_told(watcher: INotify, folder: FilePath[str]) -> None:
    ignored, told = Told(bool), Told(bool)
    for name, callback in (("ignored", ignored), ("seen", told)):
        folder.child(name).makedirs()
        watcher.watch(folder.child(name), mask=inotify.IN_CREATE, callbacks=[callback])
    folder.child("ignored").child("file").touch()
    watcher.ignore(folder.child("ignored"))  # what has happened and was not told yet is not told either
    folder.child("seen").child("file").touch()
    await told.wait()
    assert ignored.events == []
    with pytest.raises(KeyError, match="not watched"):
        watcher.ignore(folder.child("ignored"))


async def test_new_folders_are_watched_with_what_is_in_them(watcher: INotify, folder: FilePath[str]) -> None:
    a, b = folder.child("a"), folder.child("a").child("b")
    late = b.child("late").path
    told = Told(lambda events: any(path == late for path, _ in events))
    watcher.watch(folder, mask=inotify.IN_CREATE, autoAdd=True, callbacks=[told])
    b.makedirs()
    b.child("early").touch()
    while not watcher._isWatched(b):
        await asyncio.wait_for(asyncio.sleep(0), 10)
    b.child("late").touch()
    await told.wait()
    assert {path for path, _ in told.events} == {a.path, b.path, b.child("early").path, late}
    assert all(bool(mask & inotify.IN_ISDIR) == (path in (a.path, b.path)) for path, mask in told.events)


async def test_all_below_is_watched_and_links_are_not_followed(watcher: INotify, folder: FilePath[str]) -> None:
    top, below = folder.child("top"), folder.child("top").child("below")
    below.makedirs()
    folder.child("other").child("linked").makedirs()
    os.symlink(folder.child("other").path, top.child("link").path)
    told = Told(bool)
    watcher.watch(top, recursive=True, callbacks=[told])
    assert watcher._isWatched(below)
    assert not watcher._isWatched(top.child("link").child("linked"))
    below.child("file").touch()
    await told.wait()


async def test_it_is_closed_when_all_that_it_watches_is_deleted(watcher: INotify, folder: FilePath[str]) -> None:
    one, other = folder.child("one"), folder.child("other")
    told = Told(lambda events: len(events) == 2)
    for each in (one, other):
        each.touch()
        watcher.watch(each, mask=0, callbacks=[told])
    one.remove()
    other.remove()
    await told.wait()
    assert told.events == [(one.path, inotify.IN_DELETE_SELF), (other.path, inotify.IN_DELETE_SELF)]
    await asyncio.sleep(0)
    assert not watcher.connected and watcher.fileno() == -1


async def test_a_path_that_is_watched_twice_tells_all(watcher: INotify, folder: FilePath[str]) -> None:
    first, second = Told(bool), Told(bool)
    number = watcher.watch(folder, mask=inotify.IN_CREATE, callbacks=[first])
    assert watcher.watch(folder, mask=inotify.IN_MODIFY, callbacks=[first, second]) == number
    folder.child("file").touch()
    await second.wait()
    assert first.events == second.events == [(folder.child("file").path, inotify.IN_CREATE)]


async def test_an_error_of_one_callback_is_logged_and_the_next_is_told(
    watcher: INotify, folder: FilePath[str], flushLoggedErrors: Any
) -> None:
    def wrong(*args: object) -> None:
        raise ZeroDivisionError

    told = Told(bool)
    watcher.watch(folder, mask=inotify.IN_CREATE, callbacks=[wrong, told])
    folder.child("file").touch()
    await told.wait()
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


async def test_what_cannot_be_watched_is_refused(watcher: INotify, folder: FilePath[str]) -> None:
    with pytest.raises(INotifyError, match="No such file"):
        watcher.watch(folder.child("nothing"))


def test_a_system_without_it_is_refused() -> None:
    with pytest.raises(ImportError, match="inotify_init"):
        inotifycalls.initializeModule(object())


def test_masks_in_words() -> None:
    assert humanReadableMask(inotify.IN_CREATE | inotify.IN_ISDIR) == ["create", "is_dir"]
    assert humanReadableMask(inotify.IN_CLOSE) == ["close_write", "close_nowrite"]
