"""One test module in this process: `python -P child.py MODULE WHEEL EVENTS FIRST`.

The module, and the helpers that lie beside it in `test` packages, are read from WHEEL; every other name of Twisted's is
resolved by Plait's alias. Tests run one after another from number FIRST, and each step is a line of JSON at the end of
EVENTS, so that whoever watches knows what had happened when this process hangs or dies:

    {"collected": ["Class.test", …]}
    {"import": "the error"}                               it cannot be imported, and there is nothing to run
    {"begun": 7}                                          the number of a test
    {"done": 7, "outcome": "failed", "text": "the error"}

This program is run by its path and imports nothing of its package: the tests are to find nothing on `sys.path` that
is not there for any program.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import unittest
import warnings
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

PASSED, FAILED, ERROR, SKIPPED = "passed", "failed", "error", "skipped"

REACTOR_MIXINS = "twisted.internet.test.reactormixins"
"""Test cases are made from this helper once for each kind of reactor; with us, for ours alone."""

TEXT_LIMIT = 1000
"""Characters of an error that are kept: it may hold all that a test has received."""


class WheelFinder(MetaPathFinder):
    """Finds the modules in `test` packages of Twisted in the unpacked wheel, and no others."""

    def __init__(self, wheel: Path) -> None:
        self.wheel = wheel

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a test module or test package; None for what is neither, or is not in the wheel."""
        top, *rest = fullname.split(".")
        if top != "twisted" or "test" not in rest:
            return None
        place = self.wheel.joinpath(top, *rest)
        if (package := place / "__init__.py").is_file():
            return spec_from_file_location(fullname, package, submodule_search_locations=[str(place)])
        file = place.with_name(place.name + ".py")
        if not file.is_file():
            return None
        if fullname == REACTOR_MIXINS:
            return spec_from_file_location(fullname, file, loader=OneReactor(fullname, str(file)))
        return spec_from_file_location(fullname, file)


class OneReactor(SourceFileLoader):
    """Loads the helper that makes test cases for each reactor, and leaves it ours."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        module.ReactorBuilder._reactors = ["plait.engine.Reactor"]


class Outcome(unittest.TestResult):
    """What became of one test: the first thing that went wrong, else a skip, else that it passed.

    It takes what `unittest` reports and what Twisted's own test cases report beyond that.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outcome = ""
        self.text = ""

    def note(self, outcome: str, text: str = "") -> None:
        if self.outcome not in (FAILED, ERROR):
            self.outcome, self.text = outcome, text[:TEXT_LIMIT]

    def addSuccess(self, test: object) -> None:
        self.note(PASSED)

    def addFailure(self, test: object, err: Any) -> None:
        self.note(FAILED, text_of(err))

    def addError(self, test: object, err: Any) -> None:
        self.note(ERROR, text_of(err))

    def addSubTest(self, test: object, subtest: object, err: Any) -> None:
        if err is not None:
            self.note(FAILED, text_of(err))

    def addSkip(self, test: object, reason: object) -> None:
        self.note(SKIPPED, str(reason))

    def addExpectedFailure(self, test: object, err: Any, todo: object = None) -> None:
        self.note(SKIPPED, f"expected to fail: {todo or text_of(err)}")

    def addUnexpectedSuccess(self, test: object, todo: object = None) -> None:
        self.note(PASSED)

    def cleanupErrors(self, errs: Any) -> None:
        self.note(ERROR, text_of(errs))

    def upDownError(self, *args: object) -> None:
        """An error before or after all tests of a class, which is reported for each of them as well."""


def text_of(error: Any) -> str:
    """The class and message of an error: an exc_info triple, an exception or a Failure."""
    if isinstance(error, tuple):
        error = error[1]
    elif not isinstance(error, BaseException):
        error = getattr(error, "value", error)
    return f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else str(error)


def run(module: str, wheel: Path, events: Path, first: int) -> None:
    """Run the tests of a module, and write what happens to `events`."""

    def tell(event: dict[str, object]) -> None:
        # Opened each time: a test may close descriptors, and what is written survives however the process ends.
        with events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    from plait import as_twisted

    as_twisted.install()
    sys.meta_path.insert(0, WheelFinder(wheel))
    # Tests look beside it for the files that they need.
    importlib.import_module("twisted").__file__ = str(wheel / "twisted" / "__init__.py")
    tell_children(wheel, events.absolute().with_name("children"))
    try:
        tests = list(flat(unittest.defaultTestLoader.loadTestsFromModule(importlib.import_module(module))))
    except BaseException as error:
        tell({"import": text_of(error)})
        return
    tell({"collected": [test.id().removeprefix(f"{module}.") for test in tests]})
    for number, test in enumerate(tests[first:], first):
        tell({"begun": number})
        result = Outcome()
        try:
            test.run(result)
        except BaseException as error:  # whatever it is, it is this test's, and the next ones are to run
            result.note(ERROR, f"left the test: {text_of(error)}")
        if not result.outcome:
            result.note(FAILED, "the test told no result")
        tell({"done": number, "outcome": result.outcome, "text": result.text})


def tell_children(wheel: Path, folder: Path) -> None:
    """Let the Python programs that tests start find the helpers in `test` packages too.

    They import a module `sitecustomize` as they start, which is put into `folder`. Tests make the ``PYTHONPATH`` of the
    environment or of `sys.path`.
    """
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(
        "import importlib.util, pathlib, sys\n"
        f"spec = importlib.util.spec_from_file_location('conformance_child', {__file__!r})\n"
        "child = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(child)\n"
        "from plait import as_twisted\n"
        "as_twisted.install()\n"
        f"sys.meta_path.insert(0, child.WheelFinder(pathlib.Path({str(wheel)!r})))\n"
    )
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])


def flat(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def main() -> None:
    module, wheel, events, first = sys.argv[1:]
    sys.argv = [module]  # tests look at it
    warnings.simplefilter("ignore")
    run(module, Path(wheel), Path(events), int(first))
    # No waiting for threads that a test has left behind, and no clean-up that one has asked for.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
