"""The reactor: timed calls, connections, threads and system events on one asyncio event loop.

A Reactor wraps one loop, its *engine*. The default reactor (``from plait import reactor``) gets one when it is first used:
the loop that runs in this thread, if there is one (so it works inside ``asyncio.run``), or a new one, which `run` then
runs. It can be run again after it has stopped.
"""

from __future__ import annotations

import asyncio
import errno
import threading
from asyncio import AbstractEventLoop, _get_running_loop
from collections.abc import Callable
from typing import Any, ParamSpec
from weakref import WeakKeyDictionary

from plait import current
from plait.engine.adopted import AdoptingReactor
from plait.engine.datagrams import DatagramReactor
from plait.engine.descriptors import Descriptors, WatchesDescriptors
from plait.engine.ending import end_what_is_left
from plait.engine.events import SystemEvents, TriggerID
from plait.engine.heartbeat import Lag
from plait.engine.loops import new_loop
from plait.engine.processes import ProcessReactor
from plait.engine.resolving import ResolvingReactor
from plait.engine.signals import StopSignals
from plait.engine.threads import Questions, ThreadPool
from plait.engine.timers import DelayedCall, Timers
from plait.engine.unix import UNIXReactor
from plait.errors import ReactorAlreadyInstalledError, ReactorAlreadyRunning, ReactorNotRunning
from plait.failure import Failure
from plait.interfaces import (
    IReactorCore,
    IReactorDaemonize,
    IReactorFDSet,
    IReactorFromThreads,
    IReactorSSL,
    IReactorTCP,
    IReactorThreads,
    IReactorTime,
    implementer,
)
from plait.interfaces.reactor import _ISupportsExitSignalCapturing
from plait.log import Logger
from plait.transport import Binding, Connector, Port
from plait.transport.network import Network
from plait.transport.tls import check_context_factory

P = ParamSpec("P")

_log = Logger("plait.engine")


@implementer(
    IReactorCore,
    IReactorTime,
    IReactorTCP,
    IReactorSSL,
    IReactorFDSet,
    IReactorThreads,
    IReactorFromThreads,
    IReactorDaemonize,
    _ISupportsExitSignalCapturing,
)
class Reactor(DatagramReactor, UNIXReactor, AdoptingReactor, ProcessReactor, ResolvingReactor, WatchesDescriptors):
    """Runs a program's events on one asyncio event loop.

    :param loop: the loop to use; None: the loop that runs when the reactor is first used, or a new one.
    :param engine: which kind of new loop: "uvloop", "winloop", "asyncio" (see `plait.engine.loops.new_loop`).
    :raises plait.errors.UnknownEngineError: when the loop is made, if there is no such engine.

    Attributes: `running` (bool), `loop` (the event loop), `threadpool` (None until it is needed: ask `getThreadPool`), `lag`
    (how late its loop comes to what is due, a `plait.engine.heartbeat.Lag`; None while nobody measures it).
    """

    def __init__(self, loop: AbstractEventLoop | None = None, *, engine: str | None = None) -> None:
        self._engine = engine
        self._fixed = loop is not None
        self._loop: AbstractEventLoop | None = None
        self._events = SystemEvents()
        self._timers: Timers
        self.threadpool: ThreadPool | None = None
        self._pool_size = 10
        self.lag: Lag | None = None
        self._questions = Questions()
        self._thread: int | None = None
        self._network: Network
        self._signals: StopSignals | None = None
        self._descriptors: Descriptors
        self._own = False  # we made the loop, so run() may run it
        self._started = False  # run() is under way, or we are in a loop that runs
        self._starting = False  # the triggers "before startup" are being called, or waited for
        self._stopping = False
        self._crashed = False
        self._exitSignal: int | None = None  # by which signal it was told to stop: the runner ends by the same
        if loop is not None:
            self._take(loop, own=not loop.is_running())

    # -- the loop

    @property
    def loop(self) -> AbstractEventLoop:
        """The asyncio event loop under this reactor."""
        loop = self._loop
        running = _get_running_loop()
        if running is loop and loop is not None:
            return loop
        if loop is None or loop.is_closed() or (running is not None and not self._fixed and not loop.is_running()):
            return self._attach(running)
        return loop

    _asyncioEventloop = loop  # Scrapy and others ask for it by this name

    def _attach(self, running: AbstractEventLoop | None) -> AbstractEventLoop:
        """Get a loop: the one that runs in this thread, or a new one."""
        if running is not None:
            return self._take(running, own=False)
        return self._take(new_loop(self._engine), own=True)

    def _take(self, loop: AbstractEventLoop, *, own: bool) -> AbstractEventLoop:
        before, self._loop = self._loop, loop
        if before is not None and not before.is_closed() and self._own and not before.is_running():
            self._leave(before)
        self._own = own
        self._network = Network(loop)
        self._network.name_resolver = self._installed_resolver()
        self._descriptors = Descriptors(loop)
        self._timers = Timers(loop)
        self._started = False  # that was on the loop before
        self._stopping = False
        _register(loop, self)
        if own:
            loop.set_exception_handler(_loop_error)
        elif loop.is_running():
            # somebody else runs the loop: as far as programs ask, we are started
            self._started = True
            self._thread = threading.get_ident()
            loop.call_soon(self._events.fire, "startup")
        return loop

    def _leave(self, loop: AbstractEventLoop) -> None:
        """We made this loop, and are now used in another: that is possible only as long as nothing hangs on the first."""
        if self._timers.pending() or self._network.ports or self._network.connections:
            _log.warn(
                "the reactor is used inside a running event loop, and what was begun before on its own loop (timers, ports, "
                "connections) will not go on: begin it inside the running loop"
            )
        loop.close()

    @property
    def running(self) -> bool:
        """Whether the reactor runs: `run` is under way, or it is attached to a loop that runs.

        It is False while what is to be called "before startup" is called, or waited for.
        """
        return self._under_way and not self._starting

    @property
    def _under_way(self) -> bool:
        if _get_running_loop() is not None:
            _ = self.loop  # attach, if we are asked inside a loop that is not ours
        if self._started and not self._own:
            return self._loop is not None and self._loop.is_running()
        return self._started

    # -- running

    def run(self, installSignalHandlers: bool = True) -> None:
        """Run until `stop`. SIGINT and SIGTERM stop it too, unless `installSignalHandlers` is False.

        :raises plait.errors.ReactorAlreadyRunning: if it runs already, or in a thread whose event loop runs: there the reactor
            works without `run`.
        """
        self.startRunning(installSignalHandlers)
        self.mainLoop()

    def startRunning(self, installSignalHandlers: bool = True) -> None:
        """The first half of `run`: everything but the running."""
        if _get_running_loop() is not None:
            raise ReactorAlreadyRunning(
                "an event loop runs in this thread already: inside asyncio the reactor works without run()"
            )
        if self._started and self._under_way:
            raise ReactorAlreadyRunning("the reactor runs already")
        if self._loop is not None and not self._own and not self._fixed:
            self._loop = None  # it was attached to a loop that has ended
        loop = self.loop
        self._started = True
        self._stopping = False
        self._crashed = False
        self._exitSignal = None
        self._thread = threading.get_ident()
        self._signals = StopSignals(loop, self._stop_for_signal, self.crash)
        if installSignalHandlers:
            self._signals.install()
        if self.threadpool is not None:
            self.threadpool.start()
        loop.call_soon(self._start_up)

    def _start_up(self) -> None:
        self._starting = True
        self._events.add_first("during", "startup", self._has_started)
        self._events.fire("startup")

    def _has_started(self) -> None:
        self._starting = False

    def mainLoop(self) -> None:
        """The second half of `run`: run until the end."""
        loop = self.loop
        try:
            while not self._crashed:
                loop.run_forever()
                if not self._crashed:
                    # someone has called stop() on the loop itself
                    self._stop_for_signal()
                    if not self._stopping:
                        break
        finally:
            self._uninstallHandler()
            self._started = self._starting = False
            self._stop_pool()
            self._thread = None

    def stop(self) -> None:
        """Stop in good order: the triggers of "shutdown" run first, and may take their time.

        At last asyncio's tasks that are left are cancelled and waited for, and its asynchronous generators closed, as
        `asyncio.run` does. Attached to a loop that somebody else runs, everything of the reactor's is ended, and the loop
        goes on.

        :raises plait.errors.ReactorNotRunning: if it does not run, or is being stopped.
        """
        if not self._under_way or self._stopping:
            raise ReactorNotRunning("Can't stop reactor that isn't running.")
        self._stopping = True
        self.loop.call_soon(self._events.fire, "shutdown", self._end)

    def _stop_for_signal(self, number: int | None = None) -> None:
        if self._started and not self._stopping:
            self._exitSignal = number
            self.stop()

    def sigInt(self, number: int, frame: object = None) -> None:
        """Stop in good order. For programs that set handlers of signals themselves: ``signal.signal(SIGINT, reactor.sigInt)``."""
        self._exitSignal = number
        self.callFromThread(self._stop_for_signal, number)

    sigTerm = sigBreak = sigInt

    def _end(self) -> None:
        """The triggers of "shutdown" are done: close what is open, and let those that were connected know."""
        self._close_all()
        # two turns: the loop tells protocols of their connection's end in the next one, and what they do then gets one more
        self.loop.call_soon(self.loop.call_soon, self.loop.call_soon, self._end_tasks)

    def _end_tasks(self) -> None:
        """The last step, where the loop is ours: asyncio's tasks are ended."""
        if not self._own:
            self.crash()
        elif self._stopping:  # unless a crash has come first
            self.loop.create_task(end_what_is_left(self.loop)).add_done_callback(self._ended)

    def _ended(self, _: object) -> None:
        if self._stopping:
            self.crash()

    def _close_all(self) -> None:
        if self._loop is None:
            return
        for port in list(self._network.ports):
            port.stopListening()
        for connection in list(self._network.connections):
            connection.cut()
        for process in list(self._network.processes):
            process.cut()
        self._descriptors.close_all()

    def crash(self) -> None:
        """Stop now: no triggers, nothing is closed."""
        self._crashed = True
        self._started = self._starting = False
        self._stopping = False
        if self._own and self._loop is not None:
            self._loop.stop()

    def iterate(self, delay: float = 0) -> None:
        """Run the loop for one turn, waiting at most `delay` seconds for something to do.

        :raises plait.errors.ReactorAlreadyRunning: if the loop runs.
        """
        loop = self.loop
        if loop.is_running():
            raise ReactorAlreadyRunning("iterate() cannot be called while the reactor runs")
        if delay > 0:
            loop.call_later(delay, loop.stop)
        else:
            loop.call_soon(loop.stop)
        loop.run_forever()

    def callWhenRunning(self, callable: Callable[P, Any], *args: P.args, **kw: P.kwargs) -> TriggerID | None:
        """Call a function when the reactor has started: now, if it has. Gives the trigger's id, or None."""
        if self.running:
            callable(*args, **kw)
            return None
        return self.addSystemEventTrigger("after", "startup", callable, *args, **kw)

    def addSystemEventTrigger(
        self, phase: str, eventType: str, callable: Callable[..., Any], *args: Any, **kw: Any
    ) -> TriggerID:
        """Call a function when an event ("startup", "shutdown", or your own) happens.

        :param phase: "before", "during" or "after". What is called before may return a Deferred, which is waited for.
        :returns: an id for `removeSystemEventTrigger`.
        :raises KeyError: for another phase.
        """
        return self._events.add(phase, eventType, callable, args, kw)

    def removeSystemEventTrigger(self, triggerID: TriggerID) -> None:
        """Take a trigger back.

        :raises ValueError: if it has been called or taken back.
        :raises KeyError: for an event or a phase that has none.
        :raises TypeError: for what is no id.
        """
        self._events.remove(triggerID)

    def fireSystemEvent(self, eventType: str) -> None:
        """Make an event happen: call its triggers, phase by phase."""
        self._events.fire(eventType)
        if eventType == "shutdown" and not self._under_way:
            self._stop_pool()  # there is no run whose end would do it

    def beforeDaemonize(self) -> None:
        """Call this before the program forks to go into the background: threads would be lost, and are ended in good order.

        :raises plait.errors.ReactorAlreadyRunning: if it runs: a loop that runs cannot be in two processes.
        """
        if self._under_way:
            raise ReactorAlreadyRunning("the reactor runs: go into the background before it is run")
        self._stop_pool()

    def afterDaemonize(self) -> None:
        """Call this afterwards, in the process that goes on: it is the one in which `run` may be called now.

        What has been begun before (ports, timers, descriptors that are watched) goes on there.
        """
        self._thread = None

    # -- time

    def seconds(self) -> float:
        """The reactor's clock, in seconds. It only ever goes forward (monotonic), and its zero means nothing."""
        _ = self.loop
        return self._timers.seconds()

    def callLater(self, delay: float, callable: Callable[P, object], *args: P.args, **kw: P.kwargs) -> DelayedCall:
        """Call a function in `delay` seconds.

        :raises ValueError: if `delay` is negative.
        """
        if not delay >= 0:
            raise ValueError(f"{delay!r} is no delay: it must be 0 seconds or more")
        if _get_running_loop() is not self._loop or self._loop is None:
            _ = self.loop  # it may be time to get one, or another
        return self._timers.add(delay, callable, args, kw)

    def getDelayedCalls(self) -> list[DelayedCall]:
        """The timed calls that are still to be made."""
        _ = self.loop
        return self._timers.pending()

    def runUntilCurrent(self) -> None:
        """Make the timed calls whose time has come, now and not in the loop's next turn: for tests that have no loop running."""
        _ = self.loop
        self._timers.make_due()

    # -- TCP and TLS

    def listenTCP(self, port: int | Binding, factory: Any, backlog: int = 50, interface: str = "") -> Port:
        """Listen on a TCP port, now; 0 lets the system choose one (see `Port.getHost`).

        :param port: its number, or a `plait.transport.Binding`, with which it can be shared.
        :param interface: an address of ours; empty for all of IPv4, "::" for all of IPv6.
        :raises plait.errors.CannotListenError: if that cannot be.
        :raises ValueError: if a binding and `interface` contradict each other.
        """
        return self._listen(Port(self._net, port, factory, backlog, interface))

    def listenSSL(self, port: int, factory: Any, contextFactory: Any, backlog: int = 50, interface: str = "") -> Port:
        """As `listenTCP`, with TLS; `contextFactory` is an `ssl.SSLContext` or has ``getContext()``."""
        check_context_factory(contextFactory)  # a mistake in it is the caller's, now, and not each client's later
        return self._listen(Port(self._net, port, factory, backlog, interface, contextFactory))

    def _listen(self, port: Port) -> Port:
        port.startListening()
        return port

    def connectTCP(
        self,
        host: str,
        port: int | str,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: Binding | tuple[str, int] | None = None,
    ) -> Connector:
        """Connect to a TCP port. `factory` (a `ClientFactory`) is told how it goes.

        :param host: an address or a name.
        :param port: its number, or the name of a service that the system knows.
        :param timeout: seconds until the attempt is given up; None waits as long as the system does.
        :param bindAddress: our own side's address and port (0 for any), or a `plait.transport.Binding`.
        :raises plait.errors.ServiceNameUnknownError: if there is no such service.
        """
        return self._connect(Connector(self._net, _text(host), port, factory, timeout, bindAddress))

    def connectSSL(
        self,
        host: str,
        port: int | str,
        factory: Any,
        contextFactory: Any,
        timeout: float | None = 30,
        bindAddress: Binding | tuple[str, int] | None = None,
    ) -> Connector:
        """As `connectTCP`, with TLS. `contextFactory` says who is believed (`plait.transport.tls`).

        The protocol's `connectionMade` is called when the TCP connection is there, and what it writes waits for the
        handshake. A protocol that provides `IHandshakeListener` is told when that is done; if it fails, the connection is
        lost with `plait.errors.SSLError`.
        """
        check_context_factory(contextFactory)
        return self._connect(Connector(self._net, _text(host), port, factory, timeout, bindAddress, contextFactory))

    def _connect(self, connector: Connector) -> Connector:
        connector.connect()
        return connector

    @property
    def _net(self) -> Network:
        _ = self.loop  # makes sure that there is one
        return self._network

    @property
    def _watching(self) -> Descriptors:
        _ = self.loop  # makes sure that there is one
        return self._descriptors

    def removeAll(self) -> list[Any]:
        """Stop listening, cut all connections and pipes to children, watch no descriptor any more; gives all that there were."""
        net = self._net
        everything: list[Any] = [*net.ports, *net.connections, *net.processes, *self._descriptors.remove_all()]
        self._close_all()
        return everything

    def disconnectAll(self) -> None:
        """Stop listening and cut all connections."""
        self._close_all()

    def _uninstallHandler(self) -> None:
        """Give the signals back that `startRunning` took: tests that make many reactors ask for it."""
        if self._signals is not None:
            self._signals.restore()

    # -- threads

    def threadIdent(self) -> int | None:
        """The thread in which the reactor runs, or None."""
        return self._thread

    def callFromThread(self, callable: Callable[P, object], *args: P.args, **kw: P.kwargs) -> None:
        """Call a function in the reactor's thread, soon. The one method that another thread may call."""
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self.loop
        loop.call_soon_threadsafe(_guarded, callable, args, kw)

    def callInThread(self, callable: Callable[P, object], *args: P.args, **kw: P.kwargs) -> None:
        """Call a function in a thread of the pool; an error is logged."""
        self.getThreadPool().callInThread(callable, *args, **kw)

    def getThreadPool(self) -> ThreadPool:
        """The reactor's pool of threads, made at first use; it works while the reactor runs, and the next run has another."""
        if self.threadpool is None:
            self.threadpool = ThreadPool(0, self._pool_size, "plait")
        if self._under_way and not self.threadpool.started:
            self.threadpool.start()
            if not self._own:
                self.addSystemEventTrigger("during", "shutdown", self._stop_pool)
        return self.threadpool

    def _stop_pool(self) -> None:
        pool, self.threadpool = self.threadpool, None
        if pool is not None:
            self._questions.close()  # or the pool would wait for threads that wait for us
            pool.stop()
            self._questions.reopen()

    def suggestThreadPoolSize(self, size: int) -> None:
        """How many threads the pool may have (10)."""
        self._pool_size = size
        self.getThreadPool().adjustPoolsize(maxthreads=size)

    def __repr__(self) -> str:
        engine = "no loop yet" if self._loop is None else type(self._loop).__module__.partition(".")[0]
        return f"<plait.Reactor on {engine}, {'running' if self.running else 'not running'}>"


def _text(host: str | bytes) -> str:
    return host.decode("ascii") if isinstance(host, bytes) else host


def _guarded(function: Callable[..., object], args: tuple[Any, ...], kw: dict[str, Any]) -> None:
    try:
        function(*args, **kw)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as e:
        _log.failure("Unhandled error in {function!r}, called from a thread", Failure(e), function=function)


def _loop_error(loop: AbstractEventLoop, context: dict[str, Any]) -> None:
    """What the loop itself complains of: an asyncio task whose error nobody took, mostly."""
    error = context.get("exception")
    message = context.get("message", "error in the event loop")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
        # asyncio's loop could not accept; it waits a second and tries again, but has told us for each place in the queue
        now = loop.time()
        if now - _told_at.get(loop, -1.0) >= 1.0:
            _told_at[loop] = now
            _log.warn("{message}: {error}", message=message, error=error)
    elif isinstance(error, BaseException):
        _log.failure("{message}", Failure(error), message=message)
    else:
        _log.error("{message}: {context!r}", message=message, context=context)


_told_at: WeakKeyDictionary[AbstractEventLoop, float] = WeakKeyDictionary()

# Which reactor belongs to a loop. It holds the loop, so that the entry of a loop that has ended is taken out by hand.
_by_loop: WeakKeyDictionary[AbstractEventLoop, Reactor] = WeakKeyDictionary()
_default: Reactor | None = None
_choosing = threading.RLock()  # programs in several threads may ask for their reactors at once


def _register(loop: AbstractEventLoop, reactor: Reactor) -> None:
    with _choosing:
        for ended in [known for known in _by_loop if known.is_closed()]:
            del _by_loop[ended]
        _by_loop[loop] = reactor


def install() -> None:
    """Nothing: a program that installs a reactor by the module of its class gets the default one, which is of this class."""


def getReactor() -> Reactor:
    """The reactor of the loop that runs in this thread; if none runs, the default reactor.

    The first loop that asks gets the default reactor, attached to it; one that asks while that runs gets one of its own.
    """
    global _default
    running = asyncio._get_running_loop()
    if running is not None:
        reactor = _by_loop.get(running)
        if reactor is not None:
            return reactor
    with _choosing:
        if _default is None:
            _default = Reactor()
        if running is None or _default.loop is running:
            return _default
        return Reactor(running)


def setDefaultReactor(reactor: Reactor) -> None:
    """Make `reactor` the default reactor.

    :raises plait.errors.ReactorAlreadyInstalledError: if there is another one already, which somebody may hold.
    """
    global _default
    if _default is not None and _default is not reactor:
        raise ReactorAlreadyInstalledError("there is a default reactor already; set yours before anything asks for one")
    _default = reactor


current.registerEngine(getReactor)
