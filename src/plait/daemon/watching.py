"""``--reload``: when a file of the program changes, the same process begins anew with it. For development.

The process runs itself again (exec), so the terminal, its number and its parent stay what they are. The listening sockets stay
open on the way, as at an upgrade. Python files that have changed are compiled first: with a syntax error in one the program
goes on as it is. If the new code cannot start for another reason, the process waits for the next change.

Source of the notices: the package watchfiles. Folders are watched, and not files: editors put a new file in the old one's place.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import cache_from_source, find_spec
from typing import Any, NoReturn

from plait.daemon.errors import StartError
from plait.daemon.loading import compile_file
from plait.daemon.starting import INTERRUPTED
from plait.daemon.toml import Table
from plait.daemon.upgrade import VARIABLE, Origin
from plait.deferred import Deferred
from plait.engine import deferToThread
from plait.errors import ReactorNotRunning
from plait.log import Logger
from plait.transport.handover import Place, inherited

_log = Logger(namespace="plait.daemon")

# Seconds that connections have at a restart: whoever works on a program does not want to wait for those that are idle.
DRAIN = 1.0

# Milliseconds after which to look whether modules have been loaded from further folders.
_LOOK_AGAIN = 2000

_STANDARD = os.path.dirname(os.__file__)


def missing() -> str | None:
    """What to say if watchfiles is not installed."""
    if find_spec("watchfiles") is None:
        return "--reload needs the package watchfiles: pip install 'plait[reload]'"
    return None


def run_watched(serve: Callable[[Watching], int], extra: Iterable[str], origin: Origin) -> int:
    """Call `serve`, until it ends for another reason than a change. Returns the status to exit with."""
    watching = Watching(extra)
    try:
        status = serve(watching)
        if not watching.wanted:
            return status
    except StartError as error:
        print(f"plait: {error}", file=sys.stderr)
        if str(error) == INTERRUPTED:
            return error.status
        try:
            watching.wait()
        except KeyboardInterrupt:
            return error.status
    watching.begin_anew(origin)


class Watching:
    """Watches the files of the program, and stops the reactor to begin anew with what has changed.

    :param extra: files that count besides those of the loaded modules: the application's, or the configuration.
    """

    def __init__(self, extra: Iterable[str]) -> None:
        self._extra = frozenset(map(os.path.realpath, extra))
        self._began = time.time()
        self._stop = threading.Event()
        self._done: Deferred[None] | None = None
        self._kept: list[tuple[Place, int]] = inherited.copies()
        self.wanted = False
        """Whether the process is to begin anew."""

    def start(self, reactor: Any) -> None:
        """The program serves: watch it."""
        self._forget_copies()
        self._reactor = reactor
        self._done = deferToThread(self._watch)
        self._done.addErrback(lambda failure: _log.failure("The files are not watched any more", failure))
        reactor.addSystemEventTrigger("before", "shutdown", self._end)

    def _end(self) -> Deferred[None] | None:
        self._stop.set()
        return self._done

    def _watch(self) -> None:
        for files in _changes(self._extra, self._files, self._began, self._stop):
            self._reactor.callFromThread(self._changed, files)

    def _files(self) -> frozenset[str]:
        return self._extra | _loaded()

    def _candidates(self) -> frozenset[str]:
        # A module that has failed to load is not among the loaded ones.
        found = set(self._extra)
        for folder in _folders(self._extra):
            found.update(entry.path for entry in os.scandir(folder) if entry.name.endswith(".py"))
        return frozenset(found)

    def _changed(self, files: list[str]) -> None:
        _log.info("Changed: {files}.", files=", ".join(map(os.path.relpath, files)))
        if message := _mistake(files):
            _log.error("{message} -- the program goes on as it was.", message=message)
            return
        self.wanted = True
        ports = [port for port in self._reactor._net.ports if port.place is not None]
        self._kept = [(port.place, os.dup(port.fileno())) for port in ports]
        for port in ports:
            port.hand_over(os.getpid())
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            pass  # it is stopping already, and not for good

    def wait(self) -> None:
        """The program could not start: wait for a change in its folders after which it may. KeyboardInterrupt ends the wait."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("plait: waiting for a change", file=sys.stderr, flush=True)
        for files in _changes(self._extra, self._candidates, self._began, self._stop):
            if message := _mistake(files):
                print(f"plait: {message}", file=sys.stderr, flush=True)
            else:
                return

    def begin_anew(self, origin: Origin) -> NoReturn:
        """Run this process again, as it was started, with the sockets of now."""
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        for _, descriptor in self._kept:
            os.set_inheritable(descriptor, True)
        for descriptor in origin.given:
            os.set_inheritable(descriptor, True)
        description = {"link": None, "keeper": None, "sockets": self._kept, "given": origin.given}
        os.chdir(origin.folder)
        os.execve(origin.command[0], origin.command, {**origin.environment, VARIABLE: json.dumps(description)})

    def _forget_copies(self) -> None:
        for _, descriptor in self._kept:
            os.close(descriptor)
        self._kept = []


def _changes(
    extra: frozenset[str], files: Callable[[], frozenset[str]], began: float, stop: threading.Event
) -> Iterator[list[str]]:
    """Those of the files that have changed, as they do: also before the folders are watched, but after the time `began`."""
    from watchfiles import watch

    known = {file: _state(file) for file in files()}
    now = time.time()  # after that look: what was written during it is not to be taken for one from the future
    if early := sorted(file for file, (changed, _) in known.items() if began <= changed <= now):
        yield early
    while not stop.is_set():
        folders = _folders(extra)
        notices = watch(
            *folders,
            watch_filter=None,
            debounce=200,
            rust_timeout=_LOOK_AGAIN,
            yield_on_timeout=True,
            recursive=False,
            stop_event=stop,
        )
        for _ in notices:
            # A notice says that it is time to look. What counts is what is found.
            found = {file: _state(file) for file in files()}
            changed = sorted(file for file, state in found.items() if known.get(file, state) != state)
            known |= found
            if changed:
                yield changed
            if _folders(extra) != folders:
                break


def _state(file: str) -> tuple[float, int]:
    """When a file was changed, and its size."""
    try:
        status = os.stat(file)
    except OSError:
        return 0.0, 0
    return status.st_mtime, status.st_size


def _loaded() -> frozenset[str]:
    """The files of the modules that are loaded, but for those of Python itself."""
    found = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py"):
            found.add(os.path.realpath(file))
    return frozenset(file for file in found if os.path.dirname(file) != _STANDARD and _of_a_program(file))


def _of_a_program(file: str) -> bool:
    return not file.startswith(os.path.join(_STANDARD, "")) or "site-packages" in file


def _folders(extra: frozenset[str]) -> frozenset[str]:
    return frozenset(folder for folder in map(os.path.dirname, extra | _loaded()) if os.path.isdir(folder))


def _mistake(files: Iterable[str]) -> str | None:
    """What is wrong with the first of the files that is wrong."""
    for file in files:
        try:
            if file.endswith(".py") and os.path.exists(file):
                compile_file(file)
                _forget_compiled(file)
            elif file.endswith(".toml"):
                Table(file, os.path.relpath(file))
        except StartError as error:
            return str(error)
    return None


def _forget_compiled(file: str) -> None:
    # Python tells by the second whether the compiled file is of that source, and two changes can be within one.
    try:
        os.unlink(cache_from_source(file))
    except (OSError, NotImplementedError):
        pass
