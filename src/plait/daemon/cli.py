"""The command line of ``plait run``: what may be typed, and what each option means."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from plait.daemon import log_options, plugins
from plait.daemon.errors import StartError
from plait.daemon.parameters import to_seconds
from plait.daemon.plugins import ListingHelp

# The status of a command that was typed wrongly; a start that failed ends with 1, a clean stop with 0.
USAGE_ERROR = 2

# More workers than this are a slip of the finger.
MOST_WORKERS = 1000


def _umask(text: str) -> int:
    try:
        mask = int(text, 8)
    except ValueError:
        mask = -1
    if not 0 <= mask <= 0o777:
        raise argparse.ArgumentTypeError(f"{text!r} is not an octal number between 0 and 777, such as 022")
    return mask


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes: it has to be from 1 to {MOST_WORKERS}")
    return int(text)


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``run`` to the commands of ``plait``."""
    run = commands.add_parser(
        "run",
        help="run an application file or a service, as a daemon unless -n is given",
        usage="plait run [OPTIONS] (-y FILE | -f FILE | --config FILE | SERVICE [OPTIONS OF THE SERVICE])",
        description="Run the `application` of a Python file, or a service that an installed package offers:\nin the "
        "background, with a pid file and a log file, or with -n on the terminal.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    run.add_argument("-h", "--help", action=ListingHelp, help="show this text and the services that there are")
    run.add_argument("service", nargs="?", metavar="SERVICE", help="the name of a service that a package offers")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    run.add_argument("-y", "--python", metavar="FILE", help="the Python file that defines `application`")
    run.add_argument("-f", "--file", metavar="FILE", help="a file that an application was saved in, as a pickle (.tap)")
    run.add_argument(
        "--config", metavar="FILE", help="run the services that the TOML file FILE describes, with the options in it"
    )
    run.add_argument(
        "-n", "--nodaemon", action="store_true", help="stay in the foreground, with the log on the terminal"
    )
    run.add_argument(
        "-l",
        "--logfile",
        metavar="FILE",
        help="append the log to FILE, '-' is standard output (default: plait.log; with -n: standard output)",
    )
    run.add_argument(
        "--pidfile",
        metavar="FILE",
        default="plait.pid",
        help="write the process id to FILE, '' for no such file (default: plait.pid)",
    )
    run.add_argument(
        "--stale-pidfile",
        choices=["refuse", "remove"],
        default="refuse",
        help="what to do with a pid file whose process is gone (default: refuse to start)",
    )
    run.add_argument(
        "-d",
        "--rundir",
        metavar="FOLDER",
        default=".",
        help="the folder to run in; log and pid file are there (default: the current one)",
    )
    run.add_argument("-u", "--uid", metavar="USER", help="become this user, by name or number, once ports are open")
    run.add_argument(
        "-g", "--gid", metavar="GROUP", help="become this group, by name or number (default: the user's own)"
    )
    run.add_argument(
        "--umask",
        type=_umask,
        metavar="MASK",
        help="the file creation mask, in octal (default: 077; with -n: as it is)",
    )
    run.add_argument(
        "--drain-timeout",
        type=to_seconds,
        metavar="S",
        default=10.0,
        help="at the end, give connections S seconds to come to theirs (default: 10); a second signal stops at once",
    )
    run.add_argument(
        "--start-timeout",
        type=to_seconds,
        metavar="S",
        default=60.0,
        help="give services that take their time S seconds to start, 0: serve without waiting for them (default: 60)",
    )
    run.add_argument(
        "--blocked-after",
        type=to_seconds,
        metavar="S",
        default=1.0,
        help="log what has blocked the event loop for S seconds, 0: do not watch it (default: 1)",
    )
    run.add_argument(
        "--metrics",
        metavar="PLACE",
        help="serve metrics for Prometheus at PLACE: a port of 127.0.0.1, or an endpoint (unix:/run/metrics)",
    )
    run.add_argument(
        "--trace",
        action="store_true",
        help="make spans of connections, thread calls and the start, for OpenTelemetry",
    )
    run.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="run the application in N processes that share its ports, and start again those that end",
    )
    run.add_argument(
        "--reload",
        action="store_true",
        help="begin anew when a Python file or the config changes (with -n; to develop)",
    )
    run.add_argument("--euid", action="store_true", help="change the effective user and group only (with --uid)")
    run.add_argument("--chroot", metavar="FOLDER", help="make FOLDER the root folder once ports are open (root only)")
    run.add_argument(
        "--reactor",
        "-r",
        metavar="ENGINE",
        help="the event loop to run on: uvloop, asyncio, winloop (default: the fastest)",
    )
    log_options.add_to(run)
    run.add_argument("--syslog", action="store_true", help="log to the system's log, not to a file")
    run.add_argument("--prefix", default="plait", help="the name of the program in the system's log (default: plait)")
    run.add_argument(
        "--logger", metavar="NAME", help="log to what the function NAME (package.module.function) returns, an observer"
    )
    run.add_argument("-p", "--profile", metavar="FILE", help="run under a profiler, and write what it has seen to FILE")
    run.add_argument("--profiler", choices=["cprofile", "profile"], default="cprofile", help="which profiler")
    run.add_argument("--savestats", action="store_true", help="write the profile for pstats, not as a table")
    run.add_argument(
        "-b", "--debug", action="store_true", help="run in the debugger pdb, in the foreground, and in debug mode"
    )
    run.add_argument("-o", "--no_save", action="store_true", help=argparse.SUPPRESS)  # typed from habit: -noy
    defaults = {action.dest: action.default for action in run._actions}
    for action in run._actions:
        action.default = argparse.SUPPRESS  # so that what is typed can be told from what is not
    run.set_defaults(execute=execute, parser=run, defaults=defaults)


def execute(options: argparse.Namespace) -> int:
    """Do what ``plait run`` with these options says. Returns the status to exit with."""
    try:
        options = _complete(options)
        load = _loader(options)
    except StartError as error:
        from plait.daemon import runner

        return runner.refuse(error, _watched(options))
    if options.python is None and load is None:
        print("plait run: say what to run: -y FILE, -f FILE, --config FILE, or a SERVICE (see --help)", file=sys.stderr)
        return USAGE_ERROR
    for wrong, message in (
        (
            sum(what is not None for what in (options.python, options.file, options.service, options.config)) > 1,
            f"-y, -f, --config and a service{f' ({options.service})' if options.service else ''} are different things to run: "
            "leave out all but one",
        ),
        (options.reload and not options.nodaemon, "--reload is for the foreground: add -n"),
        (options.reload and options.workers, "--reload begins one process anew: leave out --workers"),
        (options.euid and options.uid is None, "--euid says how to become the user of --uid: add --uid"),
        (
            options.syslog and options.logfile is not None,
            "--syslog and --logfile are two places for one log: leave out one",
        ),
        (options.workers and not hasattr(os, "fork"), "--workers is not there on this platform: leave it out"),
        (
            options.workers and (options.debug or options.profile),
            "--workers runs several processes, which --debug and --profile cannot look into: leave out one",
        ),
        (options.logger and (options.syslog or options.logfile), "--logger takes the place of --logfile and --syslog"),
        *log_options.mistakes(options),
    ):
        if wrong:
            print(f"plait run: {message}", file=sys.stderr)
            return USAGE_ERROR
    if options.logfile == "-" and not options.nodaemon:
        print("plait run: a daemon has no standard output to log to: add -n, or name a file", file=sys.stderr)
        return USAGE_ERROR

    if options.service is not None and any(word in ("-h", "--help") for word in options.arguments):
        return _print_help(options.service)

    from plait.daemon import runner, watching  # load the rest of Plait: not for --help
    from plait.daemon.options import Options

    if options.reload and (missing := watching.missing()):
        print(f"plait: {missing}", file=sys.stderr)
        return 1
    return runner.run(
        Options(
            file=options.python or options.file or options.config or options.service,
            load=load,
            foreground=options.nodaemon or options.debug,
            log_file=options.logfile,
            pid_file=options.pidfile,
            remove_stale=options.stale_pidfile == "remove",
            folder=options.rundir,
            user=options.uid,
            group=options.gid,
            umask=options.umask,
            drain=options.drain_timeout,
            start_timeout=options.start_timeout,
            blocked_after=options.blocked_after,
            metrics=options.metrics,
            trace=options.trace,
            engine=options.reactor,
            root_folder=options.chroot,
            effective_only=options.euid,
            logger=options.logger,
            syslog=options.syslog,
            log_prefix=options.prefix,
            log_rotation=log_options.rotation(options),
            log_format=options.log_format,
            log_level=options.log_level,
            journal=options.journal,
            full_tracebacks=options.full_tracebacks,
            profile=options.profile,
            profiler=options.profiler,
            save_stats=options.savestats,
            debug=options.debug,
            workers=options.workers,
            reload=_watched(options),
        )
    )


def _complete(options: argparse.Namespace) -> argparse.Namespace:
    """What was typed, before what the configuration file says, before the defaults."""
    configured: dict[str, Any] = {}
    if (name := vars(options).get("config")) is not None:
        from plait.daemon import config

        configured = config.run_options(config.read(name, name), options.parser)
    return argparse.Namespace(**{**options.defaults, **configured, **vars(options)})


def _loader(options: argparse.Namespace) -> Callable[[], Any] | None:
    """What makes the service that is to be run. None for an application file."""
    if options.config is not None:
        from plait.daemon.deployment import Deployment

        return partial(Deployment, os.path.abspath(options.config), options.config)
    if options.file is not None:
        from plait.daemon.loading import load_saved

        return partial(load_saved, os.path.abspath(options.file))
    return None if options.service is None else partial(plugins.find(options.service).make, options.arguments)


def _watched(options: argparse.Namespace) -> tuple[str, ...] | None:
    """The files that count besides the modules, if any are to be watched."""
    typed = vars(options)
    if not typed.get("reload"):
        return None
    return tuple(os.path.abspath(file) for file in map(typed.get, ("python", "file", "config")) if file is not None)


def _print_help(name: str) -> int:
    try:
        plugins.find(name).print_help()
    except StartError as error:
        print(f"plait: {error}", file=sys.stderr)
        return error.status
    return 0
