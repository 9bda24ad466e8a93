"""How a child process is started: what its descriptors are, and who it is.

`subprocess.Popen` makes the child: it forks in C, safely also in a program with threads, closes in the child every descriptor
that is not the child's, and tells what went wrong before the program ran. Python code runs in the child only where Popen
has no option for it: for descriptors above 2, a terminal, and signals that we ignore.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Text = str | bytes
PTY = tuple[int, int, Text]
ChildFDs = Mapping[int, int | str]

PIPES: ChildFDs = {0: "w", 1: "r", 2: "r"}


class Wiring:
    """The descriptors of one child that is to be.

    Attributes: `child` (its numbers, and our descriptors for them), `readers` and `writers` (our ends, by its numbers),
    `theirs` (what is open in us only for the child), `terminal`.
    """

    def __init__(self) -> None:
        self.child: dict[int, int] = {}
        self.readers: dict[int, int] = {}
        self.writers: dict[int, int] = {}
        self.theirs: list[int] = []
        self.terminal = False
        self._given: int | None = None  # the master of a terminal that was there before

    @classmethod
    def pipes(cls, wanted: ChildFDs) -> Wiring:
        """A pipe for each "r" and "w", and descriptors of ours.

        :raises ValueError: for anything else.
        """
        for number, what in wanted.items():
            right = what in ("r", "w") or (isinstance(what, int) and what >= 0)
            if not right or not isinstance(number, int) or number < 0:
                raise ValueError(
                    f'childFDs has {number!r}: {what!r}; it maps numbers to "r", "w" or descriptors of ours'
                )
        self = cls()
        try:
            for number, what in wanted.items():
                if isinstance(what, int):
                    self.child[number] = what
                    continue
                reading, writing = os.pipe()
                if what == "r":
                    self.readers[number], theirs = reading, writing
                else:
                    self.writers[number], theirs = writing, reading
                self.theirs.append(theirs)
                self.child[number] = theirs
        except BaseException:
            self.close_ours()
            self.close_theirs()
            raise
        return self

    @classmethod
    def pty(cls, given: PTY | None) -> Wiring:
        """A new terminal, or one that is there. We read and write at its master, with a descriptor for each."""
        self = cls()
        if given is None:
            master, slave = os.openpty()
            self.theirs.append(slave)
        else:
            master, slave, _ = given
            self._given = master
            os.set_inheritable(master, False)
        try:
            self.writers[0] = os.dup(master)
        except BaseException:
            if given is None:
                os.close(master)
            self.close_theirs()
            raise
        self.readers[1] = master
        self.child = {0: slave, 1: slave, 2: slave}
        self.terminal = True
        return self

    def close_theirs(self) -> None:
        """The child has its descriptors: close them in us."""
        for fd in self.theirs:
            os.close(fd)
        self.theirs.clear()

    def close_ours(self) -> None:
        """There will be no child: close our ends, and leave a terminal that was there to whoever has brought it."""
        for fd in (*self.readers.values(), *self.writers.values()):
            if fd != self._given:
                os.close(fd)


class Launch:
    """One program, with its arguments and its user; the reactor's `spawnProcess` says what they mean.

    :param in_child: called in the child before the program, after all else.
    """

    def __init__(
        self,
        executable: Text,
        args: Sequence[Text],
        env: Mapping[Any, Any] | None,
        path: Text | None,
        uid: int | None,
        gid: int | None,
        in_child: Callable[[], object] | None = None,
    ) -> None:
        self._executable = _encoded("executable", executable)
        self._args = [_encoded("an argument", argument) for argument in args]
        self._env: dict[bytes, bytes] | None = None
        if env is not None:
            self._env = {_encoded("a name in env", k): _encoded("a value in env", v) for k, v in env.items()}
        self._path = None if path is None else _encoded("path", path)
        self._uid = uid
        self._gid = gid
        self._in_child = in_child

    def start(self, wiring: Wiring) -> subprocess.Popen[bytes] | None:
        """The process; None if its program could not be started, and then the child's standard error output says why.

        :raises OSError: if no process could be made, or it could not become the user.
        """
        moves, keep = _above_two(wiring)
        ignored = [n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]
        # Popen does it for these
        reset = [n for n in ignored if n not in (signal.SIGPIPE, getattr(signal, "SIGXFSZ", None))]
        then = self._in_child

        def in_the_child() -> None:
            for source, target in moves:
                os.dup2(source, target)
            if wiring.terminal:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            for number in reset:
                signal.signal(number, signal.SIG_DFL)
            if then is not None:
                then()

        group, groups = self._groups()
        needed = moves or wiring.terminal or reset or then is not None
        try:
            return subprocess.Popen(
                self._args,
                executable=self._executable,
                # A program whose first file became its standard output would write into it: none of the three stays closed.
                stdin=wiring.child.get(0, subprocess.DEVNULL),
                stdout=wiring.child.get(1, subprocess.DEVNULL),
                stderr=wiring.child.get(2, subprocess.DEVNULL),
                env=self._env,
                cwd=self._path,
                user=self._uid,
                group=group,
                extra_groups=groups,
                pass_fds=keep,
                start_new_session=wiring.terminal,
                preexec_fn=in_the_child if needed else None,
            )
        except PermissionError as e:
            if e.filename is None and (self._uid is not None or self._gid is not None):
                who = f"uid {self._uid}, gid {self._gid}"
                raise PermissionError(e.errno, f"only the superuser can start a process as another user ({who})") from e
            self._tell(wiring, e)
        except OSError as e:
            self._tell(wiring, e)
        return None

    def _tell(self, wiring: Wiring, error: OSError) -> None:
        """The program or its folder is not there, or not for us: that is told where the program would have told its errors."""
        if error.filename is None:
            raise error
        stderr = wiring.child.get(2)
        if stderr is not None and (wiring.terminal or stderr in wiring.theirs):
            name = os.fsdecode(self._executable)
            os.write(stderr, f"cannot run {name!r}: {error}\n".encode(errors="surrogateescape")[:512])

    def _groups(self) -> tuple[int | None, list[int] | None]:
        """The group and the further groups of another user: the account's own, and not those of the superuser."""
        if self._uid is None:
            return self._gid, None
        import pwd

        try:
            account = pwd.getpwuid(self._uid)
        except KeyError:
            return self._gid, []
        gid = account.pw_gid if self._gid is None else self._gid
        return gid, os.getgrouplist(account.pw_name, gid)


def _above_two(wiring: Wiring) -> tuple[list[tuple[int, int]], list[int]]:
    """The descriptors above 2: which are to be moved where in the child, and which it keeps."""
    wanted = {number: ours for number, ours in wiring.child.items() if number > 2}
    if all(number == ours for number, ours in wanted.items()):
        return [], list(wanted)
    above = max(wanted) + 1
    moves = []
    for number, ours in wanted.items():
        # out of the way of all targets, so that their order does not matter
        copy = fcntl.fcntl(ours, fcntl.F_DUPFD_CLOEXEC, above)
        wiring.theirs.append(copy)
        moves.append((copy, number))
    for copy, number in moves:
        # each target is open in us too, or Popen could not keep it, and might have its own pipe there
        wiring.theirs.append(fcntl.fcntl(copy, fcntl.F_DUPFD_CLOEXEC, number))
    return moves, list(wanted)


def _encoded(what: str, value: object) -> bytes:
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"{what} must be text or bytes, not {value!r}")
    data = os.fsencode(value)
    if b"\0" in data:
        raise TypeError(f"{what} holds a NUL, which no program can get: {value!r}")
    return data
