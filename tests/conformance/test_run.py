"""Modules run in processes of their own, and whatever they do to these, the others go on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from conformance.modules import Module
from conformance.run import Result, Row, run_all, run_module

from .conftest import MakeModule


def run(module: Module, wheel: Path, limit: float = 60, restarts: int = 5) -> Result:
    return asyncio.run(run_module(module, wheel, limit, restarts))


def outcomes(result: Result) -> dict[str, str]:
    return {name: row.outcome for name, row in result.rows.items()}


def test_what_a_test_does_is_told_with_its_error(make_module: MakeModule, wheel: Path) -> None:
    module = make_module("""
        from twisted.internet import defer
        from twisted.trial import unittest

        class Sample(unittest.TestCase):
            def test_deferred(self):
                return defer.succeed(None)
            def test_equal(self):
                self.assertEqual(1, 2)
            def test_error(self):
                raise ValueError("a\\nb")
            def test_fails_later(self):
                return defer.fail(KeyError("later"))
            def test_skip(self):
                raise unittest.SkipTest("no such thing here")
            def test_todo(self):
                raise ValueError
            test_todo.todo = "some day"
            def test_cleanUp(self):
                self.addCleanup(int, "x")
            def test_exits(self):
                raise SystemExit(3)
    """)
    result = run(module, wheel)
    assert result.problem == ""
    assert outcomes(result) == {
        "Sample.test_cleanUp": "error",
        "Sample.test_deferred": "passed",
        "Sample.test_equal": "failed",
        "Sample.test_error": "error",
        "Sample.test_exits": "error",
        "Sample.test_fails_later": "error",
        "Sample.test_skip": "skipped",
        "Sample.test_todo": "skipped",
    }
    assert result.rows["Sample.test_error"].text == "ValueError: a\nb"
    assert result.rows["Sample.test_fails_later"].text == "KeyError: 'later'"
    assert result.rows["Sample.test_skip"].text == "no such thing here"
    assert result.passed == {"Sample.test_deferred"}


def test_subtests_and_plain_unittest_cases_count_as_well(make_module: MakeModule, wheel: Path) -> None:
    module = make_module("""
        import unittest

        class Sample(unittest.TestCase):
            def test_parts(self):
                for part in range(3):
                    with self.subTest(part=part):
                        self.assertNotEqual(part, 1)
            def test_whole(self):
                pass
    """)
    assert outcomes(run(module, wheel)) == {"Sample.test_parts": "failed", "Sample.test_whole": "passed"}


def test_names_of_twisted_are_plaits_and_test_helpers_come_from_the_wheel(make_module: MakeModule, wheel: Path) -> None:
    (wheel / "twisted" / "internet").mkdir()
    (wheel / "twisted" / "internet" / "defer.py").write_text("raise AssertionError('read from the wheel')")
    (wheel / "twisted" / "test" / "helper.py").write_text("answer = 42")
    module = make_module("""
        import os, sys, unittest
        from twisted.internet.defer import Deferred
        from twisted.test import helper

        class Sample(unittest.TestCase):
            def test_names(self):
                import plait.deferred
                self.assertIs(Deferred, plait.deferred.Deferred)
                self.assertEqual(helper.answer, 42)
            def test_place(self):
                self.assertEqual(os.listdir(), [])
                self.assertEqual(sys.argv, ["twisted.test.test_sample"])
                self.assertEqual([name for name in sys.modules if name.startswith("conformance")], [])
    """)
    result = run(module, wheel)
    assert [row for row in result.rows.values() if row.outcome != "passed"] == []
    assert len(result.rows) == 2


def test_test_cases_for_each_reactor_are_made_for_ours_alone(make_module: MakeModule, wheel: Path) -> None:
    package = wheel / "twisted" / "internet" / "test"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "reactormixins.py").write_text("class ReactorBuilder:\n    _reactors = ['one', 'another']\n")
    module = make_module("""
        import unittest
        from twisted.internet.test.reactormixins import ReactorBuilder
        from twisted.python.reflect import namedAny

        class Sample(unittest.TestCase):
            def test_reactors(self):
                import plait.engine
                self.assertEqual([namedAny(name) for name in ReactorBuilder._reactors], [plait.engine.Reactor])
    """)
    assert outcomes(run(module, wheel)) == {"Sample.test_reactors": "passed"}


FIVE_TESTS = """
    import os, signal, unittest

    class Sample(unittest.TestCase):
        def test_1(self):
            pass
        def test_2(self):
            {act}
        def test_3(self):
            pass
        def test_4(self):
            {act}
        def test_5(self):
            pass
"""


HANG_LIMIT = 4.0
"""Seconds after which a process that does nothing is taken to hang: more than it needs to start on a busy machine."""


def test_a_test_that_hangs_is_killed_and_the_next_ones_run(make_module: MakeModule, wheel: Path) -> None:
    module = make_module(FIVE_TESTS.format(act="self.id().endswith('4') or signal.pause()"))
    result = run(module, wheel, HANG_LIMIT)
    assert list(outcomes(result).values()) == ["passed", "hung", "passed", "passed", "passed"]
    assert result.rows["Sample.test_2"].text == "no end within 4 seconds"


@pytest.mark.parametrize(
    ("act", "how"),
    [
        ("os._exit(7)", "exit status 7"),
        ("os._exit(0)", "exit status 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("os.write(2, b'first\\nlast words'); os._exit(1)", "exit status 1: last words"),
    ],
)
def test_a_test_that_ends_the_process_costs_itself_alone(
    make_module: MakeModule, wheel: Path, act: str, how: str
) -> None:
    result = run(make_module(FIVE_TESTS.format(act=act)), wheel)
    assert list(outcomes(result).values()) == ["passed", "died", "passed", "died", "passed"]
    assert result.rows["Sample.test_4"] == Row("died", how)


def test_a_module_that_dies_too_often_is_given_up(make_module: MakeModule, wheel: Path) -> None:
    result = run(make_module(FIVE_TESTS.format(act="os._exit(7)")), wheel, restarts=1)
    assert list(outcomes(result).values()) == ["passed", "died", "passed", "died", "not run"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("from twisted import nothing_like_it", "NotProvidedError: Plait does not provide twisted.nothing_like_it yet"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("import os; os._exit(4)", "died while it was imported: exit status 4"),
        ("import os; os.kill(os.getpid(), 9)", "died while it was imported: SIGKILL"),
        ("import signal; signal.pause()", "hung while it was imported: no end within 4 seconds"),
    ],
)
def test_a_module_that_cannot_be_imported_says_why(
    make_module: MakeModule, wheel: Path, text: str, problem: str
) -> None:
    result = run(make_module(text), wheel, HANG_LIMIT)
    assert (result.problem, result.rows) == (problem, {})


def test_what_the_tests_have_started_ends_with_them(make_module: MakeModule, wheel: Path, tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    module = make_module(f"""
        import os, subprocess, sys, unittest

        class Sample(unittest.TestCase):
            def test_left_behind(self):
                held = os.open({str(held)!r}, os.O_WRONLY)
                subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], pass_fds=[held])
    """)
    listening = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert outcomes(run(module, wheel)) == {"Sample.test_left_behind": "passed"}
        os.set_blocking(listening, True)
        assert os.read(listening, 1) == b""  # nobody holds it any more
    finally:
        os.close(listening)


def test_results_come_in_the_order_of_the_modules(wheel: Path) -> None:
    waiting, going = (wheel / "twisted" / "test" / f"test_{name}.py" for name in ("waiting", "going"))
    fifo = str(wheel / "fifo")
    os.mkfifo(fifo)
    case = (
        "import unittest\nclass Sample(unittest.TestCase):\n    def test_it(self):\n        open({!r}, {!r}).close()\n"
    )
    waiting.write_text(case.format(fifo, "r"))  # ends only when the other one has come as far
    going.write_text(case.format(fifo, "w"))
    modules = [Module(f"twisted.test.test_{name}", "sample", "A", 1) for name in ("waiting", "going")]
    told: list[str] = []

    async def collect() -> list[Result]:
        return [result async for result in run_all(modules, wheel, 2, 60, told.append)]

    results = asyncio.run(collect())
    assert [(result.module.name, outcomes(result)) for result in results] == [
        (module.name, {"Sample.test_it": "passed"}) for module in modules
    ]
    assert "twisted.test.test_waiting, twisted.test.test_going" in told
    assert told[-1] == ""
