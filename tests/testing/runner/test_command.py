"""The command, run as a user runs it."""

from __future__ import annotations

import importlib.util
import re
import signal
from xml.etree import ElementTree

import pytest

from tests.testing.runner.conftest import GOOD, PATIENCE, SAMPLE, Project

TREE = """\
test_sample
  Outcomes
    test_dirty ...                                                      [ERROR]
    test_error ...                                                      [ERROR]
    test_fail ...                                                        [FAIL]
    test_ok ... a word from test_ok
"""


def lines_of(said: str) -> list[str]:
    return [line.rstrip() for line in said.splitlines()]


def summary(said: str) -> str:
    return next(line for line in reversed(lines_of(said)) if line)


def test_all_that_can_become_of_a_test(project: Project) -> None:
    project.write(test_sample=SAMPLE)
    status, said = project.run("test_sample")
    assert status == 1
    assert said.startswith(TREE)
    for name, outcome in (
        ("test_skip", "[SKIPPED]"),
        ("test_todo", "[TODO]"),
        ("test_unexpected", "[SUCCESS!?!]"),
        ("test_made", "[OK]"),
        ("test_parts", "[FAIL]"),
    ):
        assert f"    {name} ... ".ljust(79 - len(outcome)) + outcome in lines_of(said)
    for line in (
        "test_sample.Plain.test_parts (part=1)",
        "AssertionError: 1 == 1",
        "KeyError: 'nothing'",
        "no time",
        "Reason: 'one day'",
    ):
        assert line in lines_of(said)
    assert re.search(r"test_sample.py:\d+: DeprecationWarning: an old thing", said)
    assert re.search(r"^Ran 10 tests in \d+\.\d{3}s$", said, re.MULTILINE)
    assert (
        summary(said)
        == "FAILED (skips=1, expectedFailures=1, failures=2, errors=2, unexpectedSuccesses=1, successes=3)"
    )


def test_a_traceback_shows_the_lines_of_the_test_alone(project: Project) -> None:
    project.write(test_sample=SAMPLE)
    _, said = project.run("test_sample.Outcomes.test_error", "test_sample.Outcomes.test_dirty")
    files = re.findall(r'File "(.*?)"', said)
    assert files and all(file.endswith("test_sample.py") for file in files)
    assert "left behind in the reactor" in said


def test_no_name_is_the_current_folder(project: Project) -> None:
    project.package("pkg")
    project.write(
        test_top=GOOD, pkg__test_in=GOOD, plain__deep__test_deep=GOOD, not_a_test=SAMPLE, build__test_x=SAMPLE
    )
    (project.folder / "venv").mkdir()
    (project.folder / "venv" / "pyvenv.cfg").touch()
    project.write(venv__test_foreign=SAMPLE)
    status, said = project.run()
    assert (status, summary(said)) == (0, "PASSED (successes=6)")
    assert "pkg.test_in\n" in said
    # The folder that the tests ran in is there now, and is not searched.
    (project.folder / "_plait_test" / "test_left.py").write_text(SAMPLE)
    assert summary(project.run()[1]) == "PASSED (successes=6)"
    assert summary(project.run("--no-recurse")[1]) == "PASSED (successes=2)"


def test_what_cannot_be_loaded_is_one_error_and_the_rest_is_run(project: Project) -> None:
    project.write(
        test_good=GOOD, test_syntax="def broken(:\n", test_imports="import no_such_thing\n", test_ends="exit(3)"
    )
    status, said = project.run(
        "nowhere", "test_good", "test_syntax.py", "test_imports", "test_good.Good.nope", "test_ends"
    )
    assert status == 1
    assert "no module, package, file or folder is called 'nowhere'" in said
    assert "SyntaxError" in said and "def broken(:" in said
    assert "No module named 'no_such_thing'" in said
    assert "has no attribute 'nope'" in said
    assert "SystemExit: 3" in said
    assert summary(said) == "FAILED (errors=5, successes=2)"


def test_paths_of_files_and_folders(project: Project) -> None:
    project.package("pkg")
    project.write(pkg__test_a=GOOD, other__test_b=GOOD)
    status, said = project.run("pkg/test_a.py", str(project.folder / "other"), "pkg")
    assert (status, summary(said)) == (0, "PASSED (successes=6)")


@pytest.mark.parametrize(
    ("reporter", "expected"),
    [
        ("text", "..\n"),
        ("bwtext", "test_good.Good.test_one ... [OK]\n"),
        ("timing", "test_good.Good.test_one ... [OK] (0."),
        ("summary", "\n-----"),
        ("minimal", "0"),
    ],
)
def test_reporters(project: Project, reporter: str, expected: str) -> None:
    project.write(test_good=GOOD)
    status, said = project.run("--reporter", reporter, "test_good")
    assert status == 0
    assert said.startswith(expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--reporter", "nope"], "--help-reporters"),
        (["--order", "nope"], "--help-orders"),
        (["--order", "alphabetical", "-z", "1"], "do not go together"),
        (["-z", "x"], "not a seed"),
        (["-j", "0"], "not a number of processes"),
        (["-j", "2", "--debug"], "--debug and --jobs"),
        (["--testmodule", "nowhere.py"], "nowhere.py: No such file"),
        (["--debug", "--debugger", "nowhere"], "no debugger 'nowhere'"),
        (["--temp-directory", "precious"], "remove it yourself"),
        (["--junit-xml", "nowhere/out.xml"], "nowhere/out.xml"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(project: Project, arguments: list[str], message: str) -> None:
    project.write(precious__data="", test_good=GOOD)
    status, said = project.run(*arguments)
    assert status == 2
    assert message in lines_of(said)[-1] and lines_of(said)[-1].startswith("plait test: ")
    assert (project.folder / "precious" / "data.py").exists()


@pytest.mark.parametrize(("option", "word"), [("--help-orders", "toptobottom"), ("--help-reporters", "timing")])
def test_lists_of_what_there_is(project: Project, option: str, word: str) -> None:
    status, said = project.run(option)
    assert status == 0 and f"  {word} " in said


def test_until_failure(project: Project) -> None:
    project.write(
        test_third="""
import unittest
class T(unittest.TestCase):
    runs = 0
    def test_it(self):
        T.runs += 1
        self.assertLess(T.runs, 3)
"""
    )
    status, said = project.run("-u", "--reporter", "text", "test_third")
    assert status == 1
    assert re.findall("Test Pass .*", said) == ["Test Pass 1", "Test Pass 2", "Test Pass 3"]


def test_random_order_is_the_same_for_the_same_seed(project: Project) -> None:
    methods = "".join(f"    def test_{letter}(self): pass\n" for letter in "abcdefgh")
    project.write(test_many=f"import unittest\nclass T(unittest.TestCase):\n{methods}")
    _, chosen = project.run("-z", "0", "--reporter", "bwtext", "test_many")
    seed = re.match(r"Running tests shuffled with seed (\d+)\n", chosen)
    assert seed is not None
    _, again = project.run("-z", seed[1], "--reporter", "bwtext", "test_many")
    order = re.findall(r"test_many\.T\.\w+", chosen)
    assert order == re.findall(r"test_many\.T\.\w+", again) and len(order) == 8


def test_exit_first_dry_run_and_suppressed_warnings(project: Project) -> None:
    project.write(test_sample=SAMPLE)
    status, said = project.run("-x", "test_sample")
    assert (status, summary(said)) == (1, "FAILED (errors=1)")
    status, said = project.run("-n", "test_sample")
    assert (status, summary(said)) == (0, "PASSED (successes=10)")
    assert "a word" not in said
    status, said = project.run("--suppress-warnings", "test_sample.Outcomes.test_warns")
    assert status == 0 and "DeprecationWarning" not in said


def test_unclean_warnings(project: Project) -> None:
    project.write(test_sample=SAMPLE)
    for jobs in ((), ("-j", "2")):
        status, said = project.run("--unclean-warnings", *jobs, "test_sample.Outcomes.test_dirty")
        assert (status, summary(said)) == (0, "PASSED (successes=1)")
        assert "UserWarning: left behind in the reactor" in said


def test_the_working_folder_and_the_log(project: Project) -> None:
    project.write(
        test_logs="""
import os
from plait.log import Logger
from plait.testing import TestCase
class T(TestCase):
    def test_it(self):
        Logger().info("a line for the log")
        self.assertEqual(os.path.basename(os.getcwd()), "_plait_test")
"""
    )
    status, said = project.run("test_logs")
    assert status == 0 and "a line" not in said
    assert "a line for the log" in (project.folder / "_plait_test" / "test.log").read_text()
    status, said = project.run("test_logs", "--logfile", "-")
    assert "a line for the log" in said


def test_junit_xml(project: Project) -> None:
    project.write(test_sample=SAMPLE)
    for jobs in ((), ("-j", "2")):
        project.run("--junit-xml", "out.xml", *jobs, "test_sample")
        suite = ElementTree.parse(project.folder / "out.xml").getroot()[0]
        counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "10", "failures": "2", "errors": "2", "skipped": "2"}
        [error] = [case for case in suite if case.get("name") == "test_error"]
        assert error.get("classname") == "test_sample.Outcomes"
        assert error[0].tag == "error" and error[0].get("type") == "KeyError"
        assert "Traceback" in str(error[0].text)


def test_profile_and_coverage(project: Project) -> None:
    project.write(test_good=GOOD)
    status, said = project.run("--profile", "test_good")
    assert status == 0 and (project.folder / "_plait_test" / "profile.data").stat().st_size
    assert "profile.data" in said
    status, said = project.run("--coverage", "test_good")
    assert status == 0 and re.search(r"test_good.py\s.*100%", said)
    assert "suites.py" not in said


def test_coverage_that_is_not_installed(project: Project) -> None:
    assert importlib.util.find_spec("coverage") is not None
    project.write(coverage="raise ImportError", test_good=GOOD)
    status, said = project.run("--coverage", "test_good")
    assert status == 2 and "pip install coverage" in said


def test_without_module_and_testmodule(project: Project) -> None:
    project.write(
        part="# -*- test-case-name: test_part -*-\n",
        test_part="""
import unittest
class T(unittest.TestCase):
    def test_it(self):
        with self.assertRaises(ImportError):
            import sndhdr_or_so
        with self.assertRaises(ImportError):
            import wave
""",
    )
    status, said = project.run("--without-module", "wave", "--testmodule", "part.py")
    assert (status, summary(said)) == (0, "PASSED (successes=1)")


def test_tracebacks_at_once(project: Project) -> None:
    project.write(test_sample=SAMPLE)
    _, said = project.run("-e", "test_sample.Outcomes.test_error", "--tbformat", "brief")
    assert said.count("Traceback: <class 'KeyError'>: 'nothing'") == 2
    assert said.index("Traceback: ") < said.index("[ERROR]")


INTERRUPTED = """
from plait.deferred import Deferred
from plait.testing import TestCase

class T(TestCase):
    def test_1(self):
        pass
    async def test_2(self):
        with open(OPEN, "w") as file:
            file.write("waiting")
        await Deferred()
    def test_3(self):
        pass
"""


@pytest.mark.parametrize("jobs", [(), ("-j", "2")])
def test_ctrl_c_ends_with_what_was_run(project: Project, jobs: tuple[str, ...]) -> None:
    import os

    gate = project.folder / "gate"
    os.mkfifo(gate)
    project.write(test_long=INTERRUPTED.replace("OPEN", repr(str(gate))))
    process = project.command("test_long", *jobs)
    try:
        with open(gate) as file:  # opens when the test has come there
            assert file.read() == "waiting"
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "test_1 ...                                                             [OK]" in said
    assert "(successes=1)" in said and "Interrupted" in said
    assert "test_3" not in said


SWALLOWED = """
import os, signal
from plait import reactor
from plait.deferred import Deferred
from plait.testing import TestCase

class T(TestCase):
    def test_1(self):
        asked = Deferred().addCallback(lambda _: os.kill(os.getpid(), signal.SIGINT))
        reactor.callLater(0, asked.callback, None)
        return Deferred()
    def test_2(self):
        pass
"""


@pytest.mark.parametrize("engine", ["uvloop", "asyncio"])
def test_ctrl_c_is_heard_inside_a_callback(project: Project, engine: str) -> None:
    # Its KeyboardInterrupt becomes the result of the Deferred, where nobody waits for it.
    project.write(test_long=SWALLOWED)
    project.environment["PLAIT_ENGINE"] = engine
    status, said = project.run("test_long")
    assert status == 1 and "Interrupted" in said and "test_2" not in said


def test_the_debugger_looks_at_each_error(project: Project) -> None:
    project.write(
        looker="""
class Looker:
    def runcall(self, function, *args):
        print("called")
        return function(*args)
    def post_mortem(self, traceback):
        while traceback.tb_next is not None:
            traceback = traceback.tb_next
        print("looked at", traceback.tb_frame.f_code.co_name)
debugger = Looker()
""",
        test_sample=SAMPLE,
    )
    _, said = project.run("--debug", "--debugger", "looker.debugger", "test_sample.Outcomes.test_error")
    assert "called" in said and "looked at test_error" in said
    _, said = project.run("-b", "--nopm", "--debugger", "looker.debugger", "test_sample.Outcomes.test_error")
    assert "called" in said and "looked at" not in said


def test_the_debugger_is_pdb(project: Project) -> None:
    project.write(test_good=GOOD)
    _, said = project.run("--debug", "test_good")  # its standard input is empty, so it ends at once
    assert "(Pdb)" in said


def test_doctests_and_suites_of_its_own(project: Project) -> None:
    project.write(
        thing='def double(n):\n    """\n    >>> double(2)\n    4\n    """\n    return n + n\n',
        test_thing="__doctests__ = ['thing']\n",
        test_own="import unittest, test_good\n"
        "def test_suite():\n    return unittest.TestSuite([test_good.Good('test_one')])\n",
        test_good=GOOD,
    )
    status, said = project.run("test_thing", "test_own")
    assert (status, summary(said)) == (0, "PASSED (successes=2)")
    assert "double" in said
