"""``plait ps`` and ``plait stop``: which daemons run, and ending one."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from plait.daemon.parameters import to_seconds

if TYPE_CHECKING:
    from plait.daemon.registry import Daemon

# What `plait stop` ends with, besides 0 (the daemon has ended) and the 2 of a command that was typed wrongly.
NOT_STOPPED = 1
NOT_FOUND = 3

DEFAULT_PIDFILE = "plait.pid"


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``ps`` and ``stop`` to the commands of ``plait``."""
    ps = commands.add_parser(
        "ps",
        help="list the daemons that run",
        description="List the daemons of this user that run; as root, those of all users.",
        allow_abbrev=False,
    )
    ps.add_argument("--json", action="store_true", help="write a JSON array, with an object for each daemon")
    ps.set_defaults(execute=list_daemons)
    stop = commands.add_parser(
        "stop",
        help="end a daemon, and wait until it has ended",
        description="End a daemon in good order and wait until it has ended. Statuses: 0, it has ended; 1, it has not, or "
        "may not be told to; 2, the command line is wrong; 3, no such daemon runs.",
        allow_abbrev=False,
    )
    stop.add_argument(
        "daemon",
        nargs="?",
        metavar="PID|PIDFILE|NAME",
        default=DEFAULT_PIDFILE,
        help=f"its process id, its pid file, or the name of its application (default: {DEFAULT_PIDFILE})",
    )
    stop.add_argument(
        "--timeout", type=to_seconds, metavar="S", help="wait at most S seconds (default: until it has ended)"
    )
    stop.add_argument("--now", action="store_true", help="do not let it drain: its connections are cut")
    stop.set_defaults(execute=stop_daemon)


# -- plait ps


def list_daemons(options: argparse.Namespace) -> int:
    """Do what ``plait ps`` says. Returns the status to exit with."""
    from plait.daemon.registry import daemons

    found = daemons()
    if options.json:
        print(json.dumps([_public(daemon) for daemon in found], indent=2))
        return 0
    if not found:
        print("plait ps: no daemon runs", file=sys.stderr)
        return 0
    rows = [("PID", "SINCE", "APPLICATION", "FOLDER", "WORKERS")]
    for daemon in found:
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(daemon.since))
        rows.append((str(daemon.pid), since, daemon.application, daemon.folder, _workers_in_brief(daemon)))
        for worker in daemon.workers:
            state, connections, restarts = (worker.get(name) for name in ("state", "connections", "restarts"))
            rows.append(
                (
                    f"  {worker.get('pid') or '-'}",
                    "",
                    f"  {state}",
                    f"  {connections} connections, {restarts} restarts",
                    "",
                )
            )
    rows = [tuple(_printable(cell) for cell in row) for row in rows]  # type: ignore[misc]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*map(str.ljust, row, widths), row[4]]).rstrip())
    return 0


def _public(daemon: Daemon) -> dict[str, Any]:
    described = asdict(daemon)
    del described["started"]
    return described


def _workers_in_brief(daemon: Daemon) -> str:
    if not daemon.workers:
        return "-"
    ready = sum(worker.get("state") == "ready" for worker in daemon.workers)
    return f"{ready} of {len(daemon.workers)} ready"


def _printable(text: str) -> str:
    # A name is the application's: it must not move the cursor of whoever looks.
    return "".join(character if character.isprintable() else "?" for character in text)


# -- plait stop


class StopError(Exception):
    """There is no such daemon, or it could not be stopped. `status` is what to end with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def stop_daemon(options: argparse.Namespace) -> int:
    """Do what ``plait stop`` says. Returns the status to exit with."""
    from plait.daemon.ending import Target

    try:
        pid, name, started = find(options.daemon)
        try:
            with Target(pid, started) as target:
                ended = target.end(options.timeout, options.now)
        except ProcessLookupError:
            raise StopError(f"{name} does not run: there is no process {pid}", NOT_FOUND) from None
        except PermissionError:
            raise StopError(f"cannot stop {name}: process {pid} belongs to another user", NOT_STOPPED) from None
        if not ended:
            hint = "" if options.now else "; --now does not let it drain"
            raise StopError(f"{name} (process {pid}) still runs after {options.timeout:g} s{hint}", NOT_STOPPED)
    except KeyboardInterrupt:
        print("plait stop: interrupted; the daemon was told to stop", file=sys.stderr)
        return NOT_STOPPED
    except StopError as error:
        print(f"plait stop: {error}", file=sys.stderr)
        return error.status
    return 0


def find(text: str, found: list[Daemon] | None = None) -> tuple[int, str, str]:
    """The process that `text` names, what to call it, and when it was started. `found` are the daemons that run.

    :raises StopError: if there is none, or more than one.
    """
    from plait.daemon.registry import daemons

    found = daemons() if found is None else found
    if text.isascii() and text.isdigit():
        for daemon in found:
            if daemon.pid == int(text):
                return daemon.pid, daemon.application, daemon.started
        raise StopError(f"process {text} is no daemon that runs: see plait ps", NOT_FOUND)
    named = [daemon for daemon in found if daemon.application == text]
    if len(named) == 1:
        return named[0].pid, text, named[0].started
    if named:
        pids = ", ".join(str(daemon.pid) for daemon in named)
        raise StopError(
            f"{len(named)} daemons are called {text!r} (processes {pids}): say which by its number", NOT_FOUND
        )
    return _read_pidfile(text, found)


def _read_pidfile(path: str, found: list[Daemon]) -> tuple[int, str, str]:
    from plait.daemon.errors import StartError, reason
    from plait.daemon.pidfile import PidFile, is_alive

    try:
        pid = PidFile(os.path.abspath(path)).read()
    except FileNotFoundError:
        what = "is not in this folder" if path == DEFAULT_PIDFILE else "is neither a daemon that runs nor a pid file"
        raise StopError(f"{path} {what}: say which daemon, see plait ps", NOT_FOUND) from None
    except OSError as error:
        raise StopError(f"cannot read the pid file {path}: {reason(error)}", NOT_STOPPED) from None
    except StartError as error:
        raise StopError(str(error), NOT_STOPPED) from None
    if not is_alive(pid):
        raise StopError(f"the pid file {path} is stale: it names process {pid}, which is gone", NOT_FOUND)
    for daemon in found:
        if daemon.pid == pid:
            return pid, daemon.application, daemon.started
    # A pid file can be left over, and its number another process's by now.
    raise StopError(
        f"the pid file {path} names process {pid}, which is no daemon that plait ps lists: if it is yours, kill {pid}",
        NOT_STOPPED,
    )
