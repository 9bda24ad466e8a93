"""``plait inspect``: show what a daemon does."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from plait.daemon.parameters import to_seconds

# The statuses to end with, as of `plait stop`: there is no answer; there is no such daemon.
NO_ANSWER = 1
NOT_FOUND = 3

SORTS = ("bytes", "age", "buffered", "peer")


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``inspect`` to the commands of ``plait``."""
    inspect = commands.add_parser(
        "inspect",
        help="show what a running daemon does",
        description="Show the connections, ports, services, timers, tasks and threads of a daemon that runs: live on a "
        "terminal, once as text anywhere else.",
        allow_abbrev=False,
    )
    inspect.add_argument(
        "daemon", nargs="?", metavar="DAEMON", help="its name, process id or pid file (default: the only one that runs)"
    )
    inspect.add_argument("--pidfile", metavar="FILE", help="the daemon that has this pid file")
    inspect.add_argument("--json", action="store_true", help="write one JSON object, with everything, and end")
    inspect.add_argument("--once", action="store_true", help="write it once as text, also on a terminal")
    inspect.add_argument(
        "--interval", type=to_seconds, metavar="S", default=1.0, help="ask anew every S seconds (default: 1)"
    )
    inspect.add_argument(
        "--sort", choices=SORTS, default="bytes", help="what connections are sorted by (default: bytes)"
    )
    inspect.set_defaults(execute=execute, parser=inspect)


class _NotFound(Exception):
    pass


def execute(options: argparse.Namespace) -> int:
    """Do what ``plait inspect`` says. Returns the status to exit with."""
    from plait.daemon.inspection.asking import Asker, AskError
    from plait.daemon.inspection.tables import plain

    live = sys.stdout.isatty() and not options.once and not options.json
    if options.pidfile is not None and options.daemon is not None:
        print("plait inspect: --pidfile and DAEMON both say which: leave out one", file=sys.stderr)
        return 2
    try:
        if live:
            try:
                from plait.daemon.inspection import screen
            except ImportError:
                print(
                    "plait inspect: the live table needs Rich: pip install 'plait[inspect]', or add --once or --json",
                    file=sys.stderr,
                )
                return NO_ANSWER
        asker = Asker(_socket(options.pidfile, options.daemon))
        try:
            if live:
                screen.show(asker, max(0.1, options.interval), options.sort)
            elif options.json:
                print(json.dumps(asker.ask(), indent=2))
            else:
                print(plain(asker.ask(), options.sort))
        finally:
            asker.close()
    except _NotFound as error:
        print(f"plait inspect: {error}", file=sys.stderr)
        return NOT_FOUND
    except AskError as error:
        print(f"plait inspect: {error}", file=sys.stderr)
        return NO_ANSWER
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        return 0
    except KeyboardInterrupt:
        return 0
    return 0


def _socket(pidfile: str | None, daemon: str | None) -> str:
    """The socket of the daemon that is meant."""
    from plait.daemon.listing import StopError, find
    from plait.daemon.pidfile import PidFile
    from plait.daemon.registry import daemons

    if pidfile is not None or (daemon is not None and os.sep in daemon):
        file = PidFile(os.path.abspath(pidfile or daemon or ""))
        if os.path.exists(file.socket):
            return file.socket
    found = daemons()
    if pidfile is not None or daemon is not None:
        try:
            pid = find(pidfile or daemon or "", found)[0]
        except StopError as error:
            raise _NotFound(str(error)) from None
        found = [one for one in found if one.pid == pid]
    elif not found:
        raise _NotFound("no daemon runs")
    elif len(found) > 1:
        names = ", ".join(f"{one.application} ({one.pid})" for one in found)
        raise _NotFound(f"several daemons run: say which, by name or process id: {_one_line(names)}")
    if not found[0].inspect:
        raise _NotFound(f"process {found[0].pid} has no socket to ask at: its log says why")
    return found[0].inspect


def _one_line(text: str) -> str:
    from plait.daemon.inspection.tables import escaped

    return escaped(text)
