"""The command ``trial`` and the names that come with it, on the runner of ``plait test``."""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from plait.as_twisted.legacy import trial, trialnames
from plait.as_twisted.legacy.reflect import ModuleNotFound, ObjectNotFound
from plait.as_twisted.legacy.usage import UsageError
from plait.testing.runner.jobs import JobsRunner
from plait.testing.runner.reporters import VerboseTextReporter
from plait.testing.runner.result import TestResult as Result
from plait.testing.runner.running import TrialRunner
from plait.testing.runner.suites import DestructiveTestSuite
from plait.testing.runner.suites import TestHolder as Holder
from plait.testing.runner.suites import TestSuite as Suite
from plait.testing.runner.tree import TreeReporter
from tests.testing.runner.conftest import Project

CLASSIC = """
from twisted.internet import defer, reactor, threads
from twisted.trial import unittest

class Classic(unittest.TestCase):
    def test_later(self):
        d = defer.Deferred()
        reactor.callLater(0, d.callback, None)
        return d
    def test_thread(self):
        return threads.deferToThread(lambda: None)
"""


@pytest.mark.parametrize("jobs", [(), ("-j", "2")])
@pytest.mark.parametrize(
    "command",
    [("plait.as_twisted", "-m", "twisted.trial"), ("plait.as_twisted", "-m", "plait", "test")],
)
def test_tests_that_were_written_for_twisted(tmp_path: Path, command: tuple[str, ...], jobs: tuple[str, ...]) -> None:
    project = Project(tmp_path)
    project.write(test_classic=CLASSIC)
    status, said = project.run(*jobs, "test_classic", module=command)
    assert (status, said.splitlines()[-1]) == (0, "PASSED (successes=2)"), said
    assert (tmp_path / ("_trial_temp" if "twisted.trial" in command else "_plait_test") / "test.log").exists()


def test_the_script(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(test_classic=CLASSIC, trial="from twisted.scripts.trial import run\nrun()\n")
    script = ("plait.as_twisted", "trial.py")
    status, said = project.run("-u", "--reporter", "summary", "nowhere", module=script)
    assert status == 1 and "Test Pass 1" in said
    status, said = project.run("--reporter", "nope", module=script)
    assert status == 1 and "--help-reporters" in said
    status, said = project.run("--debug", "--debugger", "nowhere", "x", module=script)
    assert status == 1 and "'nowhere' debugger could not be found" in said
    assert "--until-failure" in project.run(module=script)[1]
    status, said = project.run("--coverage", "test_classic", module=script)
    assert status == 0 and list((tmp_path / "_trial_temp" / "coverage").glob("test_classic*"))


@pytest.fixture
def options(alias: None) -> trial.Options:
    return trial.Options()


def test_what_is_made_of_options(options: trial.Options) -> None:
    options.parseOptions(["-j", "4", "--force-gc", "-x", "--temp-directory", "work", "a.b"])
    runner = trial._makeRunner(options)
    assert isinstance(runner, JobsRunner) and runner._settings.jobs == 4 and runner._settings.forceGC
    assert runner.workingDirectory == "work" and not runner.mayRename
    assert options._getWorkerArguments() == ["--force-gc"]
    assert trial._getLoader(options).suiteFactory is DestructiveTestSuite
    options.parseOptions(["-n", "-u"])
    runner = trial._makeRunner(options)
    assert type(runner) is TrialRunner and runner.mode == TrialRunner.DRY_RUN
    assert trial._getLoader(options).suiteFactory is Suite
    assert options["reporter"] is TreeReporter


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-j", "x"], "Expecting integer argument to jobs, got 'x'"),
        (["-j", "0"], "strictly positive integer"),
        (["-j", "2", "--debug"], "--debug when using --jobs"),
        (["-j", "2", "--profile"], "--profile when using --jobs"),
        (["-z", "x"], "positive integer"),
        (["-z", "-1"], "positive integer"),
        (["-z", "1", "-o", "alphabetical"], "--random when using --order"),
        (["-o", "nope"], "alphabetical, toptobottom"),
        (["--nopm"], "--debug when using --nopm"),
        (["--reporter", "nope"], "--help-reporters"),
        (["--recursionlimit", "x"], "must be an integer"),
    ],
)
def test_what_does_not_go_together(options: trial.Options, arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        options.parseOptions(arguments)


@pytest.mark.parametrize(("option", "word"), [("--help-orders", "toptobottom"), ("--help-reporters", "subunit")])
def test_lists(options: trial.Options, option: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parseOptions([option])
    assert ended.value.code == 0 and word in capsys.readouterr().out


def test_random_and_recursion(options: trial.Options, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []
    monkeypatch.setattr(sys, "setrecursionlimit", limits.append)
    options.parseOptions(["-z", "7", "--recursionlimit", "2000", "-j", "auto", "--reactor", "select"])
    assert options["random"] == 7 and limits == [2000] and options["jobs"] >= 1
    assert options._getWorkerArguments() == ["--recursionlimit", "2000"]
    one, two = (trial._getLoader(options).sorter for _ in range(2))
    assert [one(thing) for thing in "abc"] == [two(thing) for thing in "abc"] != sorted(one(thing) for thing in "abc")


def test_testmodule(options: trial.Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "test_self.py"
    file.write_text("# -*- test-case-name: test_self -*-\n")
    named = tmp_path / "part.py"
    named.write_text("# -*- test-case-name: test_self,other -*-\n")
    options.opt_testmodule(str(file))
    options.opt_testmodule(str(named))
    options.opt_testmodule("nowhere.py")
    assert options["tests"] == [str(file), "other"]
    assert capsys.readouterr().err == "File 'nowhere.py' doesn't exist\n"


def test_names_are_found_as_reflect_finds_them() -> None:
    loader = trialnames.TestLoader()
    for name, error in (("nowhere", ModuleNotFound), ("nowhere.deep", ObjectNotFound)):
        with pytest.raises(error):
            loader.findByName(name)
        result = Result()
        loader.loadByName(name).run(result)
        assert result.errors[0][1].check(error)
    assert loader.findObject("os.path.join") == (os.path.join, os.path)


def test_plugins_name_reporters(alias: None) -> None:
    plugins = import_module("twisted.plugin").getPlugins(import_module("twisted.trial.itrial").IReporter)
    reporter = import_module("twisted.trial.reporter")
    named = {
        plugin.longOpt: getattr(reporter, plugin.klass) for plugin in plugins if plugin.module == reporter.__name__
    }
    assert named["verbose"] is TreeReporter and named["bwverbose"] is VerboseTextReporter
    assert {"summary", "text", "timing", "subunit"} <= set(named)


def test_subunit_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trialnames, "TestProtocolClient", None)
    with pytest.raises(RuntimeError, match="Subunit not available"):
        trialnames.SubunitReporter(StringIO())


def test_subunit_is_told_all(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Client:
        def __init__(self, stream: Any) -> None:
            pass

        def __getattr__(self, name: str) -> Any:
            return lambda *arguments: told.append(name)

    monkeypatch.setattr(trialnames, "TestProtocolClient", Client)
    reporter = trialnames.SubunitReporter(StringIO())
    test = Holder("a")
    error = (ValueError, ValueError(), None)
    for method, arguments in TOLD:
        getattr(reporter, method)(test, *(error if each == "error" else each for each in arguments))
    assert told == ["addSuccess" if name == "addUnexpectedSuccess" else name for name, _ in TOLD]
    reporter.done()


TOLD: list[tuple[str, tuple[str, ...]]] = [
    ("startTest", ()),
    ("addSuccess", ()),
    ("addError", ("error",)),
    ("addFailure", ("error",)),
    ("addSkip", ("why",)),
    ("addExpectedFailure", ("error",)),
    ("addUnexpectedSuccess", ()),
    ("stopTest", ()),
]


def test_tests_in_the_place_of_others() -> None:
    seen: list[str] = []

    class Notes(Result):
        def __getattribute__(self, name: str) -> Any:
            if name in dict(TOLD):
                return lambda test, *arguments: seen.append(f"{name} {test}")
            return super().__getattribute__(name)

    adapted = trialnames.AdaptedReporter(Notes(), lambda test: test.id())
    for method, arguments in TOLD:
        getattr(adapted, method)(Holder("a"), *arguments)
    assert seen == [f"{method} a" for method, _ in TOLD]


def test_samefile_is_deprecated() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert trialnames.samefile(__file__, os.path.abspath(__file__))
    assert "os.path.samefile" in str(seen[0].message) and seen[0].filename == __file__


def test_compose() -> None:
    assert trialnames.compose(str, int)("7") == "7"
