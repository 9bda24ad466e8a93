"""The parts of `twisted.application.app` that run an application as `twistd` does: options, log, profiler, runner.

What a platform adds is in `plait.as_twisted.legacy.twistdunix`. New programs are run by ``plait run``.
"""

from __future__ import annotations

import os
import platform
import pstats
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import IO, Any, NoReturn, cast
from warnings import warn

from plait import log as logging
from plait.as_twisted.legacy import app, plugin, usage
from plait.as_twisted.legacy.application import IServiceMaker
from plait.as_twisted.legacy.log import ILogObserver as ILegacyLogObserver
from plait.as_twisted.legacy.logfile import LogFile
from plait.as_twisted.legacy.reflect import namedAny, qual
from plait.as_twisted.version import __version__, copyright
from plait.current import getReactor
from plait.interfaces import provides
from plait.interfaces.reactor import _ISupportsExitSignalCapturing
from plait.log import ILogObserver, Logger, globalLogBeginner, globalLogPublisher
from plait.log.legacy import LegacyAdapter
from plait.service import Application

__all__ = [
    "AppLogger",
    "AppProfiler",
    "ApplicationRunner",
    "CProfileRunner",
    "ProfileRunner",
    "ServerOptions",
    "run",
    "runReactorWithLogging",
]

_log = Logger(namespace="twisted.application.app")

_UNMARKED = (
    "Passing a logger factory which makes log observers which do not implement twisted.logger.ILogObserver or "
    "twisted.python.log.ILogObserver to twisted.application.app.AppLogger was deprecated in Twisted 16.2. Please use a "
    "factory that produces twisted.logger.ILogObserver (or the legacy twisted.python.log.ILogObserver) implementing "
    "objects instead."
)


class _Profiler:
    """Runs a reactor under a profiler, and writes what that has seen to a file.

    :param profileOutput: the name of the file.
    :param saveStats: whether to write for `pstats`, in place of a table.
    """

    module: str

    def __init__(self, profileOutput: str, saveStats: Any) -> None:
        self.profileOutput = profileOutput
        self.saveStats = saveStats

    def run(self, reactor: Any) -> None:
        """Run it. SystemExit where there is no such profiler."""
        try:
            made: Any = __import__(self.module).Profile()
        except ImportError as error:
            raise SystemExit(f"{self.module} is not available here: {error}") from error
        made.runcall(reactor.run)
        if self.saveStats:
            made.dump_stats(self.profileOutput)
        else:
            with open(self.profileOutput, "w", encoding="utf-8") as file:
                self._print(made, file)

    def _print(self, profile: Any, file: IO[str]) -> None:
        raise NotImplementedError


class ProfileRunner(_Profiler):
    """The profiler in Python."""

    module = "profile"

    def _print(self, profile: Any, file: IO[str]) -> None:
        before, sys.stdout = sys.stdout, file  # it prints there
        try:
            profile.print_stats()
        finally:
            sys.stdout = before


class CProfileRunner(_Profiler):
    """The faster one."""

    module = "cProfile"

    def _print(self, profile: Any, file: IO[str]) -> None:
        pstats.Stats(profile, stream=file).sort_stats("cumulative").print_stats()


class AppProfiler:
    """The profiler that the options name. SystemExit for one that nobody knows."""

    profilers: Mapping[str, type[_Profiler]] = {"profile": ProfileRunner, "cprofile": CProfileRunner}

    def __init__(self, options: Mapping[str, Any]) -> None:
        name = options.get("profiler", "cprofile")
        self.profiler = name.lower()
        if self.profiler not in self.profilers:
            raise SystemExit(f"Unsupported profiler name: {name}")
        chosen = self.profilers[self.profiler](cast("str", options.get("profile")), options.get("savestats", False))
        self.run = chosen.run
        self._profiler = chosen


class AppLogger:
    """Begins and ends the log of an application, where the options say."""

    _observer: Any = None

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._logfilename: str = options.get("logfile") or ""
        self._observerFactory: Callable[[], Any] | None = options.get("logger") or None

    def start(self, application: Any) -> None:
        """Log to what ``--logger`` has made, else to the application's own observer, else to the file."""
        if self._observerFactory is not None:
            observer = self._observerFactory()
        else:
            observer = application.getComponent(ILogObserver, None)
            if observer is None:
                legacy = application.getComponent(ILegacyLogObserver, None)
                observer = self._getLogObserver() if legacy is None else LegacyAdapter(legacy)
        if not provides(ILogObserver, observer) and not isinstance(observer, LegacyAdapter):
            if not ILegacyLogObserver.providedBy(observer):
                warn(_UNMARKED, DeprecationWarning, stacklevel=2)
            observer = LegacyAdapter(observer)
        self._observer = observer
        globalLogBeginner.beginLoggingTo([observer])
        self._initialLog()

    def _initialLog(self) -> None:
        _log.info(
            "twistd {version} ({executable} {python}) starting up.",
            version=__version__,
            executable=sys.executable,
            python=platform.python_version(),
        )
        _log.info("reactor class: {reactor}.", reactor=qual(getReactor().__class__))

    def _getLogObserver(self) -> Any:
        file: Any = sys.stdout if self._logfilename in ("-", "") else LogFile.fromFullPath(self._logfilename)
        return logging.textFileLogObserver(file)

    def stop(self) -> None:
        """Log no more to it."""
        observer, self._observer = self._observer, None
        if observer is not None:
            globalLogPublisher.removeObserver(observer)


def runReactorWithLogging(
    config: Mapping[str, Any], oldstdout: Any, oldstderr: Any, profiler: AppProfiler | None = None, reactor: Any = None
) -> None:
    """Run the reactor: under the profiler, or in the debugger on the streams of before, if `config` says so."""
    reactor = getReactor() if reactor is None else reactor
    if config["profile"] and profiler is not None:
        profiler.run(reactor)
    elif config["debug"]:
        import pdb

        sys.stdout, sys.stderr = oldstdout, oldstderr
        pdb.runcall(reactor.run)
    else:
        reactor.run()


class ApplicationRunner:
    """Makes an application or loads it, begins its log, and runs it. What the platform adds is in subclasses.

    :param config: the options, parsed.
    """

    profilerFactory = AppProfiler
    loggerFactory: Callable[[Any], Any] = AppLogger

    _exitSignal: int | None = None

    def __init__(self, config: Any) -> None:
        self.config = config
        self.profiler = self.profilerFactory(config)
        self.logger = self.loggerFactory(config)

    def run(self) -> None:
        """All of it, to the end."""
        self.preApplication()
        self.application: Any = self.createOrGetApplication()
        self.logger.start(self.application)
        self.postApplication()
        self.logger.stop()

    def startReactor(self, reactor: Any, oldstdout: Any, oldstderr: Any) -> None:
        """Run the reactor (None: the current one), and note the signal that has ended it."""
        reactor = getReactor() if reactor is None else reactor
        runReactorWithLogging(self.config, oldstdout, oldstderr, self.profiler, reactor)
        self._exitSignal = reactor._exitSignal if provides(_ISupportsExitSignalCapturing, reactor) else None

    def preApplication(self) -> None:
        """Called before the application is loaded."""
        raise NotImplementedError

    def postApplication(self) -> None:
        """Called when it is loaded: start it and run the reactor."""
        raise NotImplementedError

    def createOrGetApplication(self) -> Any:
        """The application of the file that the options name, or one with the service that the plugin makes."""
        if self.config.subCommand:
            maker = self.config.loadedPlugins[self.config.subCommand]
            application = Application(maker.tapname)
            maker.makeService(self.config.subOptions).setServiceParent(application)
            return application
        return app.getApplication(self.config, app.getPassphrase(self.config["encrypted"]))


def _logger_named(name: str) -> Any:
    try:
        return namedAny(name)
    except Exception as error:
        raise usage.UsageError(f"Logger '{name}' could not be imported: {error}") from error


class ServerOptions(usage.Options, app.ReactorSelectionMixin):
    """The options of `twistd` that are the same everywhere, and a command for each plugin.

    :param stdout: where ``--version`` prints.
    """

    longdesc = "Runs an application of a file, or a service that a plugin offers, as a daemon."
    synopsis = "twistd [options]"
    optFlags = [
        ["savestats", None, "Write the profile for pstats, and not as a table."],
        ["no_save", "o", "Do not save the application when it ends."],
        ["encrypted", "e", "The application file is encrypted."],
    ]
    optParameters = [
        ["logfile", "l", None, "The log file; - for standard output."],
        [
            "logger",
            None,
            None,
            "The function (package.module.function) that makes the log observer, in place of a file.",
        ],
        ["profile", "p", None, "Run under a profiler, and write what it has seen to this file."],
        ["profiler", None, "cprofile", f"Which profiler: {', '.join(AppProfiler.profilers)}."],
        ["file", "f", "twistd.tap", "An application that was saved as a pickle."],
        ["python", "y", None, "A Python file that defines `application`. Implies --no_save."],
        ["source", "s", None, "An application that was saved as source."],
        ["rundir", "d", ".", "The folder to run in."],
    ]
    _getPlugins = staticmethod(plugin.getPlugins)

    def __init__(self, stdout: IO[str] | None = None) -> None:
        self.loadedPlugins: dict[str, Any] = {}
        self._stdout = sys.stdout if stdout is None else stdout
        usage.Options.__init__(self)
        self["debug"] = False

    def opt_version(self) -> NoReturn:
        """Show the version, and end."""
        print(f"twistd (the Twisted daemon) {__version__}\n{copyright}", file=self._stdout)
        sys.exit()

    def opt_debug(self) -> None:
        """Run in the debugger, in the foreground."""
        self["debug"] = True

    opt_b = opt_debug

    @property
    def subCommands(self) -> Iterable[tuple[str, None, Any, str]]:
        """A command for each plugin, by the alphabet."""
        makers = sorted(self._getPlugins(IServiceMaker), key=attrgetter("tapname"))
        self.loadedPlugins = {maker.tapname: maker for maker in makers}
        return [(maker.tapname, None, _options_of(maker), maker.description) for maker in makers]

    def parseOptions(self, options: Any = None) -> None:
        """Parse the command line; without one, that of the process. One without a word in it asks for help."""
        usage.Options.parseOptions(self, (sys.argv[1:] or ["--help"]) if options is None else options)

    def postOptions(self) -> None:
        """Look at what goes together."""
        if self.subCommand or self["python"]:
            self["no_save"] = True
        if self["logger"] is not None:
            self["logger"] = _logger_named(self["logger"])


def _options_of(maker: Any) -> Callable[[], Any]:
    return lambda: maker.options()


def run(runApp: Callable[[Any], object], ServerOptions: Callable[[], Any]) -> None:
    """Parse the command line and call `runApp` with the options. SystemExit with status 1 if it is wrong."""
    config = ServerOptions()
    try:
        config.parseOptions()
    except usage.UsageError as error:
        print(f"{os.path.basename(sys.argv[0])}: {error} (see --help)", file=sys.stderr)
        raise SystemExit(1) from None
    runApp(config)


def exit_with_signal(number: int) -> None:
    """End as the signal ends a program that does nothing about it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
