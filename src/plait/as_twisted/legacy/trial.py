"""What `twisted.scripts.trial` is: the command ``trial``, and its options as a `usage.Options`.

Programs make an `Options` of their own, or call `run` from a script. The command itself is ``plait test`` with trial's
names: `plait.testing.runner.command` does the work.
"""

from __future__ import annotations

import gc
import os
import sys
import trace
from typing import Any

from plait.as_twisted.legacy import plugin as _plugin
from plait.as_twisted.legacy import reflect, usage
from plait.as_twisted.legacy.filepath import FilePath
from plait.as_twisted.legacy.trialnames import TestLoader
from plait.testing.runner.cli import count_cpus as _autoJobs
from plait.testing.runner.command import Settings, disable_modules
from plait.testing.runner.interfaces import IReporter
from plait.testing.runner.jobs import JobsRunner
from plait.testing.runner.order import ORDERS as _runOrders
from plait.testing.runner.order import choose_seed, shuffled
from plait.testing.runner.running import TrialRunner
from plait.testing.runner.suites import DestructiveTestSuite, TestSuite
from plait.testing.runner.testmodule import getTestModules, isTestFile, loadLocalVariables

__all__ = [
    "Options",
    "TestLoader",
    "getTestModules",
    "isTestFile",
    "loadLocalVariables",
    "run",
]

_DEFAULT_FOLDER = "_trial_temp"

# What a worker has to be told, of all that its manager is.
_FOR_WORKERS = ("force-gc", "disablegc", "recursionlimit", "unclean-warnings", "rterrors", "tbformat")


class _DebuggerNotFound(Exception):
    """There is no debugger of this name."""


class Options(usage.Options):
    """The command line of trial."""

    synopsis = f"{os.path.basename(sys.argv[0])} [options] [[file|package|module|TestCase|testmethod]...]"
    longdesc = "Run the tests of modules, packages, classes or methods, or of files."
    optFlags = [
        ["no-recurse", "N", "Do not go into the packages of a package"],
        ["rterrors", "e", "Print tracebacks at once, too"],
        ["unclean-warnings", None, "Warn of what tests leave in the reactor"],
        ["force-gc", None, "Collect garbage before and after each test"],
        ["exitfirst", "x", "End after the first test that does not pass"],
        ["dry-run", "n", "Do all but run the tests"],
        ["debug", "b", "Run in a debugger"],
        ["debug-stacktraces", "B", "Nothing: tracebacks are complete"],
        ["nopm", None, "In a debugger, do not look at errors"],
        ["profile", None, "Write profile.data in the working folder"],
        ["until-failure", "u", "Run again and again until something fails"],
        ["suppress-warnings", None, "Do not show warnings"],
    ]
    optParameters = [
        ["debugger", None, "pdb", "The debugger, by its full name"],
        ["logfile", "l", "test.log", "The file for what is logged"],
        ["jobs", "j", None, "How many processes run tests, or 'auto'"],
        ["random", "z", None, "Shuffle the tests with this seed; 0 chooses one"],
        ["temp-directory", None, _DEFAULT_FOLDER, "The folder in which tests run"],
        ["reporter", None, "verbose", "The reporter (see --help-reporters)"],
        ["order", "o", None, "The order of tests (see --help-orders)"],
        ["tbformat", None, "default", "How tracebacks look: default, brief or verbose"],
        ["junit-xml", None, None, "Write a report for a server, too"],
    ]

    tracer: trace.Trace | None = None

    def __init__(self) -> None:
        super().__init__()
        self["tests"] = []

    # -- options that do something at once

    def opt_help_reporters(self) -> None:
        """List the reporters and exit."""
        for plugin in _reporter_plugins():
            print(f"  {plugin.longOpt:<12}{plugin.description}")
        sys.exit(0)

    def opt_help_orders(self) -> None:
        """List the orders in which tests can be run, and exit."""
        for name, (text, _) in _runOrders.items():
            print(f"  {name:<14}{text}")
        sys.exit(0)

    def opt_coverage(self) -> None:
        """Count how often each line runs, and write that to the folder "coverage" in the working folder."""
        self.tracer = trace.Trace(count=True, trace=False)
        sys.settrace(self.tracer.globaltrace)
        self["coverage"] = True

    def coverdir(self) -> FilePath[str]:
        """The folder that --coverage writes to."""
        path = FilePath(self["temp-directory"]).child("coverage")
        print(f"Setting coverage directory to {path.path}.")
        return path

    def opt_testmodule(self, filename: str) -> None:
        """Run what a file names as its tests: -*- test-case-name: NAME -*-"""
        if not os.path.isfile(filename):
            sys.stderr.write(f"File {filename!r} doesn't exist\n")
            return
        path = os.path.abspath(filename)
        if isTestFile(path):
            self._add_test(path)
        else:
            for name in getTestModules(path):
                self._add_test(name)

    def _add_test(self, name: str) -> None:
        """Add a test, unless it is there already under this name or by its file."""
        known = {_module_name(each) for each in self["tests"]}
        if _module_name(name) not in known:
            self["tests"].append(name)

    def opt_disablegc(self) -> None:
        """Turn the garbage collector off."""
        self["disablegc"] = True
        gc.disable()

    def opt_recursionlimit(self, limit: str) -> None:
        """How deep calls may be nested."""
        try:
            sys.setrecursionlimit(int(limit))
        except (TypeError, ValueError):
            raise usage.UsageError("argument to recursionlimit must be an integer") from None
        self["recursionlimit"] = int(limit)

    def opt_without_module(self, option: str) -> None:
        """Let the import of these modules (with commas) fail."""
        disable_modules(option.split(","))

    def opt_reactor(self, name: str) -> None:
        """Nothing: which event loop is under the reactor is said by PLAIT_ENGINE."""

    def opt_spew(self) -> None:
        """Nothing any more: use a debugger."""

    opt_h = usage.Options.opt_help
    opt_m = opt_testmodule
    opt_r = opt_reactor

    # -- afterwards

    def parseArgs(self, *args: str) -> None:
        """The names of tests."""
        self["tests"].extend(args)

    def postOptions(self) -> None:
        """Make values of texts, and refuse what does not go together."""
        self._check_numbers()
        if self["jobs"] is not None and not self["dry-run"]:
            for name in ("debug", "profile", "debug-stacktraces"):
                if self[name]:
                    raise usage.UsageError(f"You can't specify --{name} when using --jobs")
        if self["order"] is not None:
            if self["random"] is not None:
                raise usage.UsageError("You can't specify --random when using --order")
            if self["order"] not in _runOrders:
                choices = ", ".join(sorted(_runOrders))
                raise usage.UsageError(f"order must be one of {choices}, not {self['order']!r}")
        if self["nopm"] and not self["debug"]:
            raise usage.UsageError("You must specify --debug when using --nopm ")
        if isinstance(self["reporter"], str):
            self["reporter"] = self._load_reporter(self["reporter"])

    def _check_numbers(self) -> None:
        jobs, seed = self["jobs"], self["random"]
        if jobs == "auto":
            self["jobs"] = _autoJobs()
        elif jobs is not None:
            try:
                self["jobs"] = int(jobs)
            except ValueError:
                raise usage.UsageError(f"Expecting integer argument to jobs, got {jobs!r}") from None
            if self["jobs"] <= 0:
                raise usage.UsageError("Argument to jobs must be a strictly positive integer or 'auto'")
        if seed is not None:
            try:
                self["random"] = int(seed)
            except ValueError:
                raise usage.UsageError("Argument to --random must be a positive integer") from None
            if self["random"] < 0:
                raise usage.UsageError("Argument to --random must be a positive integer")
            if self["random"] == 0:
                self["random"] = choose_seed()

    def _load_reporter(self, name: str) -> Any:
        for plugin in _reporter_plugins():
            if plugin.longOpt == name:
                return reflect.namedAny(f"{plugin.module}.{plugin.klass}")
        raise usage.UsageError("Only pass names of Reporter plugins to --reporter. See --help-reporters for more info.")

    def _getWorkerArguments(self) -> list[str]:
        """The options that concern each worker."""
        arguments: list[str] = []
        for name in _FOR_WORKERS:
            value = self.get(name)
            if value is None or value == self.defaults.get(name):
                continue
            arguments.append(f"--{name}")
            if name in ("recursionlimit", "tbformat"):
                arguments.append(str(value))
        return arguments


def _module_name(name: str) -> str:
    return reflect.filenameToModuleName(name) if os.path.isfile(name) else name


def _reporter_plugins() -> list[Any]:
    # Programs, and tests, put a function of their own into the alias module.
    plugin = sys.modules.get("twisted.plugin", _plugin)
    return list(plugin.getPlugins(IReporter))


def _getSuite(config: Options) -> Any:
    """The tests that were asked for."""
    return _getLoader(config).loadByNames(config["tests"], not config["no-recurse"])


def _getLoader(config: Options) -> TestLoader:
    """What loads the tests, in the order that was asked for."""
    loader = TestLoader()
    if config["random"] is not None:
        loader.sorter = shuffled(config["random"])
        print(f"Running tests shuffled with seed {config['random']}\n")
    elif config["order"] is not None:
        loader.sorter = _runOrders[config["order"]][1]
    loader.suiteFactory = TestSuite if config["until-failure"] else DestructiveTestSuite
    return loader


def _makeRunner(config: Options) -> TrialRunner:
    """What runs the tests."""
    mode = None
    if config["debug"]:
        mode = TrialRunner.DEBUG
    if config["dry-run"]:
        mode = TrialRunner.DRY_RUN
    arguments: dict[str, Any] = {
        "reporterFactory": config["reporter"],
        "mode": mode,
        "logfile": config["logfile"],
        "profile": bool(config["profile"]),
        "tracebackFormat": config["tbformat"],
        "realTimeErrors": bool(config["rterrors"]),
        "uncleanWarnings": bool(config["unclean-warnings"]),
        "workingDirectory": config["temp-directory"],
        "mayRename": config["temp-directory"] == _DEFAULT_FOLDER,
        "forceGarbageCollection": bool(config["force-gc"]),
        "debugger": _make_debugger(config["debugger"]) if mode == TrialRunner.DEBUG else None,
        "exitFirst": bool(config["exitfirst"]),
        "postMortem": not config["nopm"],
        "junit": config["junit-xml"],
        "suppressWarnings": bool(config["suppress-warnings"]),
    }
    if config["jobs"] is not None and mode is None:
        runner = JobsRunner(**arguments, settings=_settings(config))
        runner._maxWorkers = config["jobs"]  # type: ignore[attr-defined]
        runner._workerArguments = config._getWorkerArguments()  # type: ignore[attr-defined]
        return runner
    return TrialRunner(**arguments)


def _settings(config: Options) -> Settings:
    """What workers have to know."""
    return Settings(
        names=list(config["tests"]),
        jobs=config["jobs"],
        untilFailure=bool(config["until-failure"]),
        forceGC=bool(config["force-gc"]),
        logfile=config["logfile"],
        suppressWarnings=bool(config["suppress-warnings"]),
        recurse=not config["no-recurse"],
        tbformat=config["tbformat"],
    )


def _make_debugger(name: str) -> Any:
    if name == "pdb":
        return None
    try:
        found = reflect.namedAny(name)
    except (reflect.ModuleNotFound, reflect.ObjectNotFound):
        raise _DebuggerNotFound(f"{name!r} debugger could not be found.") from None
    found = getattr(found, "Pdb", found)
    return found() if isinstance(found, type) else found


def run() -> None:
    """The command ``trial``: read the command line, run the tests, and exit with 0, or with 1 if not all went well."""
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    config = Options()
    try:
        config.parseOptions()
    except usage.error as wrong:
        raise SystemExit(f"{sys.argv[0]}: {wrong}") from None
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        runner = _makeRunner(config)
    except _DebuggerNotFound as wrong:
        raise SystemExit(f"{sys.argv[0]}: {wrong}") from None
    suite = _getSuite(config)
    result = runner.runUntilFailure(suite) if config["until-failure"] else runner.run(suite)
    if config.tracer is not None:
        sys.settrace(None)
        config.tracer.results().write_results(show_missing=True, summary=False, coverdir=config.coverdir().path)
    sys.exit(not result.wasSuccessful() or result.shouldStop)
