"""A run, in the process that serves: what it does, in order.

Who to become is looked up, the pid file is looked at, the log is opened; the reactor is made and the application file
run. Then the services do what needs root's rights (ports are opened), the pid file is written, the rights are given up,
the services start (what of that takes its time goes on while the reactor runs), and the reactor runs until a signal
ends it. Each step that fails undoes those before it and ends the run with one message.
"""

from __future__ import annotations

import os
import platform
import signal
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import plait
from plait.daemon import privileges
from plait.daemon.background import Link
from plait.daemon.claim import Claim
from plait.daemon.errors import StartError, reason
from plait.daemon.inspection.serving import Inspector
from plait.daemon.inspection.snapshot import Subject
from plait.daemon.loading import check_service, load_application
from plait.daemon.logs import LogOutput
from plait.daemon.metering import Asking, load_metrics, metrics_service, open_page, start_tracing
from plait.daemon.options import Options
from plait.daemon.registry import Daemon, Entry
from plait.daemon.reloading import Reloading, is_wanted
from plait.daemon.reporting import Reporting
from plait.daemon.running import check_profile, make_reactor, run_reactor
from plait.daemon.starting import INTERRUPTED, Starting, start_services, stop_services
from plait.daemon.systemd import Notifier
from plait.daemon.upgrade import Handed, Origin, Upgrading
from plait.daemon.worker import WorkerLink
from plait.daemon.workers import Workers
from plait.deferred import ensureDeferred, setDebugging
from plait.engine import BlockWatch
from plait.errors import ReactorNotRunning
from plait.interfaces import adapt
from plait.log import Logger
from plait.service import IProcess, IService, MultiService, walk
from plait.task import LoopingCall
from plait.transport.handover import inherited

if TYPE_CHECKING:
    from plait.daemon.watching import Watching

_log = Logger(namespace="plait.daemon")


class Run:
    """One run.

    :param origin: how this process was started, for those that it starts in its turn.
    :param link: leads to the command that waits for us, if this is a daemon; to our parent, if it is a worker.
    :param handed: what the process before us has handed over, if this one takes its place.
    :param watch: begins anew when a file changes.
    """

    reactor: Any
    root: MultiService
    inspector: Inspector
    starting: Starting

    def __init__(
        self,
        options: Options,
        origin: Origin,
        link: Link | None = None,
        handed: Handed | None = None,
        watch: Watching | None = None,
    ) -> None:
        self.file = os.path.abspath(options.file) if options.load is None else options.file
        self.identity = privileges.find_identity(options.user, options.group)
        if options.workers is not None:  # it is they who give up their rights: the parent has to make new ones
            options, self.identity = replace(options, user=None, group=None, root_folder=None), None
        self.options = options
        self.origin = origin
        self.link = link
        self.worker = link if isinstance(link, WorkerLink) else None
        self.workers: Workers | None = None  # if we are their parent
        self.handed = handed
        self.watch = watch
        self.undo = ExitStack()
        self.notifier = Notifier()
        self.entry = Entry()
        self._error: StartError | None = None

    def serve(self) -> int:
        """All of it. Returns the status to exit with. StartError if it did not come to serving."""
        # Until the reactor runs: undo, do not just die.
        signal.signal(signal.SIGTERM, signal.default_int_handler if self.worker is None else self.worker.interrupt)
        with self.undo:
            self.undo.callback(self.notifier.close)
            try:
                self._work()
            except BaseException:
                if self.worker is not None:
                    self.worker.undoing = True
                raise
        # a supervisor ends the program if its services do not stay up
        return 1 if any(getattr(service, "gaveUp", None) is not None for service in walk(self.root)) else 0

    def _work(self) -> None:
        self._prepare()
        try:
            self._start()
        except (StartError, KeyboardInterrupt) as error:
            failure = error if isinstance(error, StartError) else StartError(INTERRUPTED)
            if self.worker is None:
                self._tell(failure)
            raise failure from error
        self._heed_signals()
        self._run()
        if self.worker is None:
            _log.info("Stopped.")

    # -- before the reactor runs

    def _prepare(self) -> None:
        """Go where the files are, and open what tells of mistakes."""
        options = self.options
        try:
            os.chdir(options.folder)
        except OSError as error:
            raise StartError(f"cannot run in the folder {options.folder}: {reason(error)}") from error
        if options.umask is not None:
            os.umask(options.umask)
        elif not options.foreground:
            os.umask(0o077)  # logs can hold what only their owner should read
        self.claim = Claim(options.pid_file, options.remove_stale, self.handed)
        if options.profile is not None:
            check_profile(options.profile)
        if options.debug:
            setDebugging(True)
        self.output = LogOutput(options)
        self.undo.callback(self.output.close)

    def _start(self) -> None:
        self.claim.keep(self.undo)
        self.reactor = make_reactor(self.options.engine)
        _log.info(
            "Plait {version} on {python} {python_version}, process {pid}: starting {file}.",
            version=plait.__version__,
            python=platform.python_implementation(),
            python_version=platform.python_version(),
            pid=os.getpid(),
            file=self.file,
        )
        if self.options.metrics is not None:
            load_metrics()
        self._load()
        if self.options.trace and self.workers is None:
            start_tracing()
        if self.identity is None and self.options.root_folder is None:
            self.claim.stays_root()
        self.undo.callback(self.entry.remove)
        limit = self.options.start_timeout if self.workers is None else None  # each worker has that time
        self.starting = start_services(self.root, self.reactor, self._give_up_rights, limit)
        self.reactor.addSystemEventTrigger(
            "before",
            "shutdown",
            lambda: ensureDeferred(stop_services(self.root, self.reactor, self.options.drain, self.starting)),
        )

    def _load(self) -> None:
        """Get the services that are to run."""
        options = self.options
        if options.workers is not None:
            self.root = self.workers = Workers(options.workers, self.origin, options.drain, self.reactor)
            if options.metrics is not None:
                self.workers.asking = Asking(self.reactor)
        else:
            if options.load is None:
                application, service = load_application(self.file)
            else:
                application, service = check_service(options.load(), self.file)
            self.root = _as_collection(service)
            process = adapt(IProcess, application, None)
            if process is not None:
                user = process.uid if options.user is None else options.user
                group = process.gid if options.group is None else options.group
                self.identity = privileges.find_identity(user, group)
        self.name = getattr(self.root, "name", None) or os.path.basename(self.file)
        self.inspector = Inspector(Subject(self.reactor, self.root, self.name, self.file, time.time()))
        if self.workers is not None:
            self.inspector.subject.workers = self.workers.describe

    def _give_up_rights(self) -> None:
        """The ports are open. The last moment at which we may do what root may."""
        if self.options.metrics is not None and self.worker is None:
            self._serve_metrics(self.options.metrics)
        if self.handed is None and self.workers is None:  # else the file is another's still, or it is too early
            self.claim.take(self.undo)
        if self.workers is None:
            self._let_inspect()
        if self.workers is None and self.worker is None:
            self.entry.write(self._described())
        if self.options.root_folder is not None:
            privileges.change_root(self.options.root_folder)
        if self.identity is not None:
            self.output.give_to(self.identity.uid, self.identity.gid)
            privileges.drop(self.identity, self.options.effective_only)

    def _serve_metrics(self, place: str) -> None:
        asking = None if self.workers is None else self.workers.asking
        service = metrics_service(place, self.reactor, self.root, asking)
        open_page(place, service)
        self.reactor.addSystemEventTrigger("before", "shutdown", service.stopService)

    def _let_inspect(self) -> None:
        """Open the socket for those who ask what this process does."""
        identity = self.identity
        self.inspector.open(self.options.pid_file, None if identity is None else (identity.uid, identity.gid))
        self.undo.callback(self.inspector.close)
        if self.worker is not None:
            self.worker.inspect = self.inspector.path

    def _described(self) -> Daemon:
        daemon = Daemon.this(self.name, self.file)
        daemon.inspect = self.inspector.path
        return daemon

    def _heed_signals(self) -> None:
        """Answer those that do not end us; a worker's come by its parent."""
        if self.worker is None:
            # the first worker starts alone, and then the others
            limit = self.options.start_timeout * (1 if self.workers is None else 2)
            further = self.inspector.to_hand_over
            upgrading = Upgrading(self.reactor, self.origin, self.claim.keeper, self.notifier, limit, further)
            self.undo.callback(upgrading.close)
        if is_wanted(self.options.foreground):
            reloading = Reloading(self.reactor, self.root, self.output, self.notifier)
            self.undo.callback(reloading.close)

    # -- while it runs

    def _run(self) -> None:
        """Run the reactor to its end. StartError if that comes before the program serves."""
        reactor = self.reactor
        if self.options.blocked_after and not self.options.debug:  # in the debugger it is the user who stops it
            blocked = BlockWatch(reactor, self.options.blocked_after)
            self.undo.callback(blocked.stop)
            blocked.start()
        if self.workers is not None:
            self.undo.callback(self.workers.kill)
        if self.worker is not None:
            self.worker.serve(reactor, self.name, self.root)
        # Not before the loop turns: by then a signal stops the reactor, and whoever is told may send one at once.
        reactor.callWhenRunning(self.starting.then, lambda: reactor.callLater(0, self._ready))
        reactor.addSystemEventTrigger("before", "shutdown", self.notifier.stopping)
        reactor.addSystemEventTrigger("before", "shutdown", self.inspector.subject.ends)
        try:
            run_reactor(self.options, reactor, installSignalHandlers=self.worker is None)
        except KeyboardInterrupt:
            raise StartError(INTERRUPTED) from None
        if self._error is not None:
            raise self._error
        self.starting.check()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # it is stopping, and what follows must not be cut short
        if self.link is not None:
            self.link.ready()  # an application that was done at once has been started well, too

    def _ready(self) -> None:
        """All services have started: tell whom it concerns."""
        try:
            if self.handed is not None or self.workers is not None:
                self.claim.take(self.undo)
            if self.workers is not None:
                self._let_inspect()
            if self.link is not None:
                self.link.ready()
        except BrokenPipeError:
            _log.error("The command that started this daemon was ended before it was ready: stopping.")
            self._stop()
            return
        except StartError as error:
            self._error = error
            self._tell(error)
            self._stop()
            return
        for place in inherited.finish():
            _log.info("Nothing listens any more at {place}.", place=" ".join(filter(None, place)))
        if not self.options.foreground:
            self.output.capture_prints()
        if self.worker is None:  # else the parent tells
            _log.info("Ready.")
        if self.workers is not None:
            self.inspector.subject.name = self.name = self.workers.application or os.path.basename(self.file)
            Reporting(self.workers, self.notifier, self.entry, self._described()).begin()
        self.notifier.ready()
        if self.watch is not None:
            self.watch.start(self.reactor)
        if self.notifier.watchdog is not None:
            LoopingCall(self.notifier.alive).start(self.notifier.watchdog)

    def _stop(self) -> None:
        try:
            self.reactor.stop()
        except ReactorNotRunning:
            pass  # a signal has stopped it

    def _tell(self, error: StartError) -> None:
        """Note in the log what the command tells on the terminal."""
        if not self.output.to_terminal:
            _log.error("{message}", message=str(error))


def _as_collection(service: IService) -> MultiService:
    """`service`, if it is a collection; else one made of it, so that there is one way to start and to stop."""
    if isinstance(service, MultiService):
        return service
    collection = MultiService()
    collection.addService(service)
    return collection
