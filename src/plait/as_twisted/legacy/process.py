"""What `twisted.internet.process` has beyond the processes themselves: a class that programs derive from, and small things."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from plait.interfaces import IProcessProtocol
from plait.transport import process
from plait.transport.launch import PIPES, ChildFDs, Launch, Text, Wiring

__all__ = ["Process", "_getFileActions", "_listOpenFDs"]


class Process(process.Process):
    """A child process with pipes, started by making one of these in place of ``reactor.spawnProcess``.

    What overrides `_setupChild` does something in the child before the program runs, such as making it the leader of a
    process group.
    """

    def __init__(
        self,
        reactor: Any,
        executable: Text,
        args: Sequence[Text],
        environment: Mapping[Any, Any] | None,
        path: Text | None,
        proto: IProcessProtocol,
        uid: int | None = None,
        gid: int | None = None,
        childFDs: ChildFDs | None = None,
    ) -> None:
        in_child = self._setupChild if type(self)._setupChild is not Process._setupChild else None
        launch = Launch(executable, args, environment, path, uid, gid, in_child)
        super().__init__(reactor._net, proto, launch, Wiring.pipes(PIPES if childFDs is None else childFDs))

    def _setupChild(self, *args: Any, **kw: Any) -> None:
        """Called in the child, which has its descriptors by then."""


def _listOpenFDs() -> list[int]:
    """The descriptors that are open in this process."""
    open_ones = []
    for fd in map(int, os.listdir("/dev/fd")):
        try:
            os.fstat(fd)
        except OSError:
            continue  # that by which the folder was read
        open_ones.append(fd)
    return open_ones


def _getFileActions(
    fdState: Iterable[tuple[int, bool]], childToParentFD: Mapping[int, int], doClose: int, doDup2: int
) -> list[tuple[int, ...]]:
    """The steps for `os.posix_spawn` that give a child just the descriptors that it is to have.

    :param fdState: what is open here, and whether it is closed on exec.
    :param childToParentFD: the child's numbers, and ours.
    """
    closes_itself = dict(fdState)
    steps: list[tuple[int, ...]] = []
    moved: dict[int, int] = {}  # where a descriptor of ours is now, that was in the way
    spare = max([*closes_itself, *childToParentFD, -1]) + 1
    to_do = dict(childToParentFD)
    copies = []
    for child in sorted(childToParentFD):
        ours = to_do.pop(child)
        stays = ours == child
        if child in to_do.values() or (stays and closes_itself.get(ours)):
            steps.append((doDup2, child, spare))
            moved[child] = spare
            copies.append(spare)
            spare += 1
        if moved.get(ours, ours) != child:
            steps.append((doDup2, moved.get(ours, ours), child))
    unwanted = [fd for fd, itself in closes_itself.items() if not itself and fd not in childToParentFD]
    return steps + [(doClose, fd) for fd in [*copies, *unwanted]]
