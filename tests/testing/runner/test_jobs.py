"""Several processes: the report is that of one, and a worker that dies takes nothing with it but its test."""

from __future__ import annotations

import re

import pytest

from plait.testing.runner.jobs import Record, _units
from tests.testing.runner.conftest import GOOD, SAMPLE, Project
from tests.testing.runner.test_command import summary


def without_times(said: str) -> str:
    said = re.sub(r"0x[0-9a-f]+ \[[\d.]+s\]", "0x0", said)
    return re.sub(r"\d+\.\d{3}s", "0.000s", said)


def test_the_report_is_the_same_as_of_one_process(project: Project) -> None:
    project.package("pkg")
    project.write(test_sample=SAMPLE, pkg__test_a=GOOD, pkg__test_syntax="def broken(:\n", test_last=GOOD)
    names = ("test_sample", "pkg", "nowhere", "test_last", "test_last.Good")
    one = project.run(*names)
    two = project.run("-j", "2", *names)
    assert (one[0], without_times(one[1])) == (two[0], without_times(two[1]))


def test_random_order_in_several_processes(project: Project) -> None:
    project.write(test_sample=SAMPLE, test_last=GOOD)
    one = project.run("-z", "7", "test_sample", "test_last")
    two = project.run("-z", "7", "-j", "3", "test_sample", "test_last")
    assert without_times(one[1]) == without_times(two[1])


DYING = """
import faulthandler, os, signal, unittest

class T(unittest.TestCase):
    def test_1(self):
        pass
    def test_2(self):
        print("about to die")
        os.kill(os.getpid(), signal.SIGKILL)
    def test_3(self):
        os._exit(3)
    def test_4(self):
        faulthandler._sigsegv()
    def test_5(self):
        pass
"""


def test_a_worker_that_dies_is_an_error_of_the_test_that_it_ran(project: Project) -> None:
    project.write(test_dying=DYING, test_good=GOOD)
    status, said = project.run("-j", "2", "test_dying", "test_good")
    assert status == 1
    assert summary(said) == "FAILED (errors=3, successes=4)"
    assert "test_2 ... about to die" in said
    assert "WorkerDied: the worker process was killed by SIGKILL\n\ntest_dying.T.test_2\n" in said
    assert "WorkerDied: the worker process ended with status 3\n\ntest_dying.T.test_3\n" in said
    assert "killed by SIGSEGV; the last that it printed:\nFatal Python error" in said
    assert "in test_4" in said


FIXTURES = """
import os, unittest

class Bad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no fixture")
    def test_1(self):
        pass

class Skipped(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise unittest.SkipTest("not here")
    def test_1(self):
        pass

class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.process = os.getpid()
    def test_1(self):
        self.assertEqual(self.process, os.getpid())
    def test_2(self):
        os._exit(3)
    def test_3(self):
        self.assertEqual(self.process, os.getpid())

class DiesBelow(unittest.TestCase):
    @classmethod
    def tearDownClass(cls):
        os._exit(4)
    def test_1(self):
        pass

class DiesAbove(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os._exit(5)
    def test_1(self):
        pass
    def test_2(self):
        pass
"""


def test_fixtures_of_classes(project: Project) -> None:
    project.write(test_fixtures=FIXTURES)
    status, said = project.run("-j", "2", "test_fixtures")
    assert status == 1
    assert summary(said) == "FAILED (skips=1, errors=5, successes=3)"
    assert "setUpClass (test_fixtures.Bad) ..." in said and "RuntimeError: no fixture" in said
    assert "setUpClass (test_fixtures.Skipped) ..." in said and "not here" in said
    assert "after test_fixtures.DiesBelow.test_1 ..." in said and "status 4" in said
    assert said.count("status 5") == 1 and "test_fixtures.DiesAbove.test_1\ntest_fixtures.DiesAbove.test_2" in said


def test_exit_first_and_interrupts(project: Project) -> None:
    project.write(
        test_first="""
import unittest
class T(unittest.TestCase):
    def test_1(self):
        self.fail("first")
    def test_2(self):
        pass
""",
        test_interrupts="""
import unittest
class T(unittest.TestCase):
    def test_1(self):
        raise KeyboardInterrupt
""",
    )
    status, said = project.run("-j", "2", "-x", "test_first")
    assert (status, summary(said)) == (1, "FAILED (failures=1)")
    status, said = project.run("-j", "2", "test_interrupts")
    assert status == 1 and "Interrupted" in said


def test_until_failure_in_several_processes(project: Project) -> None:
    project.write(
        test_third="""
import os, unittest
class T(unittest.TestCase):
    def test_it(self):
        with open(os.path.join(os.path.dirname(__file__), "runs"), "a") as file:
            file.write("x")
            self.assertLess(file.tell(), 3)
"""
    )
    status, said = project.run("-j", "2", "-u", "test_third")
    assert status == 1
    assert re.findall("Test Pass .*", said) == ["Test Pass 1", "Test Pass 2", "Test Pass 3"]


def test_workers_that_never_start(project: Project) -> None:
    # The process that reports can import it, a worker cannot.
    project.write(
        test_once="""
import os, unittest
if os.path.exists(__file__ + ".once"):
    os._exit(9)
open(__file__ + ".once", "w").close()
class T(unittest.TestCase):
    def test_1(self):
        pass
    def test_2(self):
        pass
"""
    )
    status, said = project.run("-j", "2", "test_once")
    assert (status, summary(said)) == (1, "FAILED (errors=2)")
    assert "before it ran a test" in said


def test_a_test_that_a_worker_has_not(project: Project) -> None:
    project.write(
        test_once="""
import os, unittest
first = not os.path.exists(__file__ + ".once")
open(__file__ + ".once", "w").close()
class T(unittest.TestCase):
    def test_1(self):
        pass
    if first:
        def test_2(self):
            pass
"""
    )
    status, said = project.run("-j", "2", "test_once")
    assert (status, summary(said)) == (1, "FAILED (errors=1, successes=1)")
    assert "the worker process has no such test" in said


def test_workers_take_the_place_of_each_other_in_folders_of_their_own(project: Project) -> None:
    project.write(
        test_where="""
import os
from plait.log import Logger
from plait.testing import TestCase
class T(TestCase):
    def test_it(self):
        Logger().info("a line for the log")
        self.assertEqual(os.path.basename(os.getcwd()), "worker-0")
"""
    )
    status, said = project.run("-j", "2", "test_where")
    assert status == 0, said
    assert "a line for the log" in (project.folder / "_plait_test" / "worker-0" / "test.log").read_text()


@pytest.mark.parametrize("shared", [True, False])
def test_tests_that_share_a_fixture_stay_together(shared: bool) -> None:
    import unittest

    class Case(unittest.TestCase):
        if shared:

            @classmethod
            def setUpClass(cls) -> None:
                pass

        def test_1(self) -> None:
            pass

        def test_2(self) -> None:
            pass

    records = [Record((name, 0), Case(name)) for name in ("test_1", "test_2")]
    assert [len(unit) for unit in _units(records)] == ([2] if shared else [1, 1])
