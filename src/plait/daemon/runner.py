"""What ``plait run`` does, in order.

Who to become is looked up, the pid file is looked at, the log is opened; the reactor is made and the application file
run. Then the services do what needs root's rights (ports are opened), the pid file is written, the rights are given up,
the services start (what of that takes its time goes on while the reactor runs), and the reactor runs until a signal
ends it. Each step that fails undoes those before it and ends the command with one message. In the background all of
this happens in the daemon's own process: the command that was typed makes no reactor and loads no application, it waits
for the word that the daemon serves.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import plait
from plait.current import getReactor
from plait.daemon import privileges, watching
from plait.daemon.background import Link, run_in_background, run_linked
from plait.daemon.errors import StartError, reason
from plait.daemon.keeper import Keeper
from plait.daemon.loading import check_service, load_application
from plait.daemon.logs import LogOutput, named_observer, syslog_observer
from plait.daemon.pidfile import PidFile
from plait.daemon.registry import Daemon, Entry
from plait.daemon.reloading import Reloading, is_wanted
from plait.daemon.reporting import Reporting
from plait.daemon.running import check_profile, in_debugger, profiled
from plait.daemon.starting import INTERRUPTED, Starting, start_services, stop_services
from plait.daemon.systemd import Notifier
from plait.daemon.upgrade import Handed, Origin, Upgrading, take_up
from plait.daemon.worker import WorkerLink
from plait.daemon.workers import Workers
from plait.deferred import ensureDeferred, setDebugging
from plait.engine import Reactor
from plait.engine.reactor import setDefaultReactor
from plait.errors import ReactorNotRunning, UnknownEngineError
from plait.interfaces import adapt
from plait.log import Logger
from plait.service import IProcess, IService, MultiService, walk
from plait.task import LoopingCall
from plait.transport.handover import inherited

_log = Logger(namespace="plait.daemon")

DEFAULT_LOG = "plait.log"

# What may stand behind twistd's --reactor, and is one thing here.
_TWISTED_REACTORS = frozenset(("default", "select", "poll", "epoll", "kqueue", "iocp"))


@dataclass(frozen=True)
class Options:
    """What ``plait run`` was asked to do. `file` may be relative to the current folder, the others to `folder`."""

    file: str  # or what else is run, where `load` is given, which makes its service
    load: Callable[[], Any] | None = None
    foreground: bool = False
    log_file: str | None = None
    pid_file: str = "plait.pid"
    remove_stale: bool = False
    folder: str = "."
    user: str | None = None
    group: str | None = None
    umask: int | None = None
    drain: float = 10.0  # seconds that connections have for coming to their end
    start_timeout: float = 60.0  # seconds that services have for starting; 0: they are not waited for
    engine: str | None = None
    root_folder: str | None = None
    effective_only: bool = False  # keep root's rights at hand
    logger: str | None = None
    syslog: bool = False
    log_prefix: str = "plait"
    profile: str | None = None
    profiler: str = "cprofile"
    save_stats: bool = False
    debug: bool = False
    workers: int | None = None  # run the application in so many processes
    reload: tuple[str, ...] | None = None  # begin anew when a file of the program changes, or one of these


def run(options: Options) -> int:
    """Run the application, in the foreground or as a daemon. Returns the status to exit with."""
    worker = WorkerLink.take_up(detach=not options.foreground)
    handed = take_up()
    origin = Origin.remember()
    if worker is not None:
        options = replace(options, pid_file="", workers=None)
        return run_linked(worker, lambda link: _serve(options, origin, link))
    if handed is not None and handed.link is not None:
        return run_linked(
            Link(handed.link, detach=not options.foreground), lambda link: _serve(options, origin, link, handed)
        )
    if (files := options.reload) is not None:
        options = replace(options, drain=min(options.drain, watching.DRAIN))
        return watching.run_watched(lambda watch: _serve(options, origin, None, watch=watch), files, origin)
    try:
        if options.foreground:
            return _serve(options, origin, None)
        return run_in_background(lambda link: _serve(options, origin, link))
    except StartError as error:
        print(f"plait: {error}", file=sys.stderr)
        return error.status


def refuse(error: StartError, reload: tuple[str, ...] | None) -> int:
    """Tell of an error that is known before there are options to run with. Returns the status to exit with."""
    handed = take_up()
    if handed is not None and handed.link is not None:
        Link(handed.link).failed(str(error))  # to the process that goes on in our place
    elif reload is not None:

        def fail(_: object) -> NoReturn:
            raise error

        return watching.run_watched(fail, reload, Origin.remember())
    else:
        print(f"plait: {error}", file=sys.stderr)
    return error.status


def _serve(
    options: Options,
    origin: Origin,
    link: Link | None,
    handed: Handed | None = None,
    watch: watching.Watching | None = None,
) -> int:
    """All of a run, in the process that serves. `link` leads to the command that waits, if this is a daemon.

    If this process takes the place of another, that is at the other end of `link`, and `handed` is what it has handed over.
    """
    worker = link if isinstance(link, WorkerLink) else None
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until the reactor runs: undo, do not just die
    failed: list[str] = []
    with ExitStack() as undo:
        notifier = Notifier()
        undo.callback(notifier.close)
        started = _start(options, origin, handed, worker, undo)
        reactor, workers = started.reactor, started.workers
        if worker is None:
            # the first worker starts alone, and then the others
            limit = options.start_timeout * (1 if workers is None else 2)
            undo.callback(Upgrading(reactor, origin, started.keeper, notifier, limit).close)
        if is_wanted(options.foreground):
            undo.callback(Reloading(reactor, started.root, started.output, notifier).close)

        def give_up(message: str) -> None:
            if not started.output.to_terminal:
                _log.error("{message}", message=message)
            failed.append(message)
            try:
                reactor.stop()
            except ReactorNotRunning:
                pass  # a signal has stopped it

        def ready() -> None:
            try:
                if handed is not None or workers is not None:
                    started.take_pidfile()
                if link is not None:
                    link.ready()
            except BrokenPipeError:
                _log.error("The command that started this daemon was ended before it was ready: stopping.")
                reactor.stop()
                return
            except StartError as error:
                give_up(str(error))
                return
            for place in inherited.finish():
                _log.info("Nothing listens any more at {place}.", place=" ".join(filter(None, place)))
            if not options.foreground:
                started.output.capture_prints()
            if worker is None:  # else the parent tells
                _log.info("Ready.")
            if workers is not None:
                Reporting(workers, notifier, started.entry, started.file).begin()
            notifier.ready()
            if watch is not None:
                watch.start(reactor)
            if notifier.watchdog is not None:
                LoopingCall(notifier.alive).start(notifier.watchdog)

        if workers is not None:
            undo.callback(workers.kill)
        if worker is not None:
            worker.serve(reactor, started.name)
        # Not before the loop turns: by then a signal stops the reactor, and whoever is told may send one at once.
        reactor.callWhenRunning(started.starting.then, lambda: reactor.callLater(0, ready))
        reactor.addSystemEventTrigger("before", "shutdown", notifier.stopping)
        try:
            _run_reactor(options, reactor, installSignalHandlers=worker is None)
        except KeyboardInterrupt:
            raise StartError(INTERRUPTED) from None
        if failed:
            raise StartError(failed[0])
        started.starting.check()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it is stopping, and what follows must not be cut short
        if link is not None:
            link.ready()  # an application that was done at once has been started well, too
        if worker is None:
            _log.info("Stopped.")
    # a supervisor ends the program if its services do not stay up
    return 1 if any(getattr(service, "gaveUp", None) is not None for service in walk(started.root)) else 0


@dataclass(frozen=True)
class _Started:
    """A program whose services have started, or are about to."""

    reactor: Any
    output: LogOutput
    root: MultiService
    keeper: Keeper | None
    take_pidfile: Callable[[], None]
    starting: Starting
    workers: Workers | None
    entry: Entry
    name: str
    file: str


def _run_reactor(options: Options, reactor: Any, installSignalHandlers: bool = True) -> None:
    if options.debug:
        in_debugger(reactor.run)
    elif options.profile is not None:
        with profiled(os.path.abspath(options.profile), options.profiler, options.save_stats) as call:
            call(reactor.run)
    else:
        reactor.run(installSignalHandlers)


def _start(
    options: Options, origin: Origin, handed: Handed | None, worker: WorkerLink | None, undo: ExitStack
) -> _Started:
    """Everything up to the running reactor. What has to be undone at the end goes on `undo`."""
    file = os.path.abspath(options.file) if options.load is None else options.file
    identity = privileges.find_identity(options.user, options.group)
    if options.workers is not None:  # it is they who give up their rights: the parent has to make new ones
        options, identity = replace(options, user=None, group=None, root_folder=None), None
    _enter(options)
    pidfile = PidFile(os.path.abspath(options.pid_file)) if options.pid_file else None
    removed = pidfile.check(options.remove_stale) if pidfile is not None and handed is None else None

    if options.profile is not None:
        check_profile(options.profile)
    if options.debug:
        setDebugging(True)
    output = LogOutput(_log_path(options), _log_observer(options))
    undo.callback(output.close)
    try:
        if removed is not None and pidfile is not None:
            print(f"plait: removed the stale pid file {pidfile.path} of process {removed}", file=sys.stderr)
            _log.warn("Removed the stale pid file {path} of process {pid}.", path=pidfile.path, pid=removed)
        keeper = None
        if handed is not None and handed.keeper is not None:
            keeper = Keeper.inherit(handed.keeper)
            undo.callback(keeper.forget)
        elif pidfile is not None and privileges.is_root():
            keeper = Keeper(pidfile)
            undo.callback(keeper.dismiss)
        reactor = _make_reactor(options.engine)
        _log.info(
            "Plait {version} on {python} {python_version}, process {pid}: starting {file}.",
            version=plait.__version__,
            python=platform.python_implementation(),
            python_version=platform.python_version(),
            pid=os.getpid(),
            file=file,
        )
        workers: Workers | None = None
        root: MultiService
        if options.workers is not None:
            root = workers = Workers(options.workers, origin, options.drain, reactor)
            process = None
        else:
            if options.load is None:
                application, service = load_application(file)
            else:
                application, service = check_service(options.load(), f"what the service {file} is made of")
            root = _as_collection(service)
            process = adapt(IProcess, application, None)
        name = getattr(root, "name", None) or os.path.basename(file)
        if process is not None:
            user = process.uid if options.user is None else options.user
            group = process.gid if options.group is None else options.group
            identity = privileges.find_identity(user, group)
        if handed is None and keeper is not None and identity is None and options.root_folder is None:
            keeper.dismiss()
            keeper = None

        entry = Entry()
        undo.callback(entry.remove)

        def take_pidfile() -> None:
            if pidfile is None:
                return
            if handed is None:
                pidfile.claim()
            else:
                try:
                    pidfile.replace(os.getpid()) if keeper is None else keeper.transfer()
                except OSError as error:
                    raise StartError(f"cannot change the pid file {pidfile.path}: {reason(error)}") from error
            undo.callback(_release, pidfile, keeper)

        def give_up_rights() -> None:
            if (
                handed is None and workers is None
            ):  # else the file is of the process that still serves, or it is too early
                take_pidfile()
            if workers is None and worker is None:
                entry.write(Daemon.this(name, file))
            if options.root_folder is not None:
                privileges.change_root(options.root_folder)
            if identity is not None:
                output.give_to(identity.uid, identity.gid)
                privileges.drop(identity, options.effective_only)

        limit = options.start_timeout if workers is None else None  # each worker has that time
        starting = start_services(root, reactor, give_up_rights, limit)
    except (StartError, KeyboardInterrupt) as error:
        message = INTERRUPTED if isinstance(error, KeyboardInterrupt) else str(error)
        if not output.to_terminal and worker is None:
            _log.error("{message}", message=message)
        if isinstance(error, StartError):
            raise
        raise StartError(message) from error
    reactor.addSystemEventTrigger(
        "before", "shutdown", lambda: ensureDeferred(stop_services(root, reactor, options.drain, starting))
    )
    return _Started(reactor, output, root, keeper, take_pidfile, starting, workers, entry, name, file)


def _enter(options: Options) -> None:
    try:
        os.chdir(options.folder)
    except OSError as error:
        raise StartError(f"cannot run in the folder {options.folder}: {reason(error)}") from error
    if options.umask is not None:
        os.umask(options.umask)
    elif not options.foreground:
        os.umask(0o077)  # logs can hold what only their owner should read


def _log_path(options: Options) -> str | None:
    if options.log_file == "-" or (options.log_file is None and options.foreground):
        return None
    return os.path.abspath(options.log_file or DEFAULT_LOG)


def _log_observer(options: Options) -> Any:
    if options.logger is not None:
        return named_observer(options.logger)
    return syslog_observer(options.log_prefix) if options.syslog else None


def _make_reactor(engine: str | None) -> Any:
    # Before the application file is run: that would be the first to use the reactor, and be blamed for it.
    try:
        if engine in _TWISTED_REACTORS:
            _log.info("There is one reactor, on the event loop of your choice: {name} means the default.", name=engine)
        elif engine is not None:
            setDefaultReactor(Reactor(engine=engine))
        reactor = getReactor()
        reactor.seconds()  # a reactor makes its loop when it is first asked something
        return reactor
    except UnknownEngineError as error:
        raise StartError(str(error)) from error


def _as_collection(service: IService) -> MultiService:
    """`service`, if it is a collection; else one made of it, so that there is one way to start and to stop."""
    if isinstance(service, MultiService):
        return service
    collection = MultiService()
    collection.addService(service)
    return collection


def _release(pidfile: PidFile, keeper: Keeper | None) -> None:
    if keeper is not None:
        keeper.release()
        return
    try:
        pidfile.release()
    except OSError as error:
        _log.error("Cannot remove the pid file {path}: {reason}", path=pidfile.path, reason=reason(error))
