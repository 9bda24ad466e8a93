"""From names to tests."""

from __future__ import annotations

import sys
import unittest
import zipfile
from types import ModuleType
from typing import Any

import pytest

from plait.testing import SynchronousTestCase
from plait.testing.runner import loading
from plait.testing.runner.finding import NameNotFoundError, filenameToModule, find, walk_name
from plait.testing.runner.order import ORDERS, choose_seed, shuffled
from plait.testing.runner.result import TestResult as Result
from plait.testing.runner.suites import iterate
from tests.testing.runner.conftest import GOOD, Project


def ids(suite: Any) -> list[str]:
    return [test.id() for test in iterate(suite)]


@pytest.fixture
def loader() -> loading.TestLoader:
    return loading.TestLoader()


def test_a_name_and_shorter_ones() -> None:
    assert list(walk_name("a.b.c")) == [("a.b.c", []), ("a.b", ["c"]), ("a", ["b", "c"])]


def test_what_a_dotted_name_names(importable: Project) -> None:
    importable.package("pkg")
    importable.write(pkg__test_a=GOOD, pkg__broken="import no_such_thing")
    found, parent, module = find("pkg.test_a.Good.test_one")
    assert (found.__name__, parent.__name__, module.__name__) == ("test_one", "Good", "pkg.test_a")
    with pytest.raises(AttributeError, match="nope"):
        find("pkg.nope")
    for wrong in ("nowhere", "nowhere.deep", "", ".", "a..b"):
        with pytest.raises(NameNotFoundError):
            find(wrong)
    with pytest.raises(ModuleNotFoundError, match="no_such_thing"):
        find("pkg.broken")


def test_a_file_is_imported_under_its_name(importable: Project) -> None:
    importable.package("pkg")
    importable.write(pkg__test_a=GOOD)
    module = filenameToModule("pkg/test_a.py")
    assert module.__name__ == "pkg.test_a" and sys.modules["pkg.test_a"] is module
    assert filenameToModule("pkg/") is sys.modules["pkg"]
    with pytest.raises(ValueError, match="'gone' doesn't exist"):
        filenameToModule("gone")
    (importable.folder / "empty").mkdir()
    with pytest.raises(ValueError, match="'empty' is not a package directory"):
        filenameToModule("empty")


def test_a_file_in_a_folder_that_is_not_on_the_path(importable: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    importable.package("outer")
    (importable.folder / "deep").mkdir()
    importable.package("deep/inner")
    importable.write(deep__inner__test_a="from . import other\n" + GOOD, deep__inner__other="")
    module = filenameToModule("deep/inner/test_a.py")
    assert module.__name__ == "inner.test_a"
    assert str(importable.folder / "deep") in sys.path


def test_two_files_of_one_name_and_a_file_that_is_no_module(importable: Project) -> None:
    importable.write(one__test_same="where = 1", two__test_same="where = 2", test_good=GOOD)
    assert [filenameToModule(f"{folder}/test_same.py").where for folder in ("one", "two")] == [1, 2]
    (importable.folder / "script").write_text("This is no Python")
    with pytest.raises(SyntaxError):
        filenameToModule("script")
    assert "script" not in sys.modules


def test_class_module_and_package(loader: loading.TestLoader, importable: Project) -> None:
    importable.package("pkg")
    importable.package("pkg/sub")
    importable.write(pkg__test_b=GOOD, pkg__test_a=GOOD, pkg__sub__test_c=GOOD, pkg__other=GOOD)
    import pkg  # type: ignore[import-not-found]

    module = find("pkg.test_a")[0]
    one, two = "pkg.test_a.Good.test_one", "pkg.test_a.Good.test_two"
    assert ids(loader.loadClass(module.Good)) == ids(loader.loadModule(module)) == [one, two]
    assert ids(loader.loadAnything(module.Good)) == [one, two]
    assert ids(loader.loadAnything(module.Good.test_two, parent=module.Good, qualName=["test_two"])) == [two]
    assert ids(loader.loadAnything(module.Good("test_two").test_two)) == [two]
    assert ids(loader.loadAnything(module.Good("test_two"))) == [two]
    flat = loader.loadPackage(pkg)
    assert [test.__class__.__module__ for test in iterate(flat)] == ["pkg.test_a"] * 2 + ["pkg.test_b"] * 2
    assert len(ids(loader.loadAnything(pkg, recurse=True))) == 6
    assert ids(loader.loadByNames(["pkg.test_a.Good.test_two", "pkg.test_a", "pkg.test_a"])) == [two, one, two]


@pytest.mark.parametrize(
    ("method", "argument", "error"),
    [
        ("loadClass", "text", TypeError),
        ("loadClass", sys, TypeError),
        ("loadClass", dict, ValueError),
        ("loadModule", dict, TypeError),
        ("loadPackage", sys, TypeError),
        ("loadAnything", "text", TypeError),
        ("loadDoctests", 7, TypeError),
    ],
)
def test_what_has_no_tests(loader: loading.TestLoader, method: str, argument: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        getattr(loader, method)(argument)


def test_a_package_with_tests_of_its_own(loader: loading.TestLoader, importable: Project) -> None:
    importable.package("pkg")
    (importable.folder / "pkg" / "__init__.py").write_text(GOOD)
    importable.write(pkg__test_a=GOOD)
    assert len(ids(loader.loadByName("pkg"))) == 4


def test_the_empty_test_of_our_cases_is_none_but_a_run_test_of_its_own_is(loader: loading.TestLoader) -> None:
    class Own(unittest.TestCase):
        def runTest(self) -> None:
            pass

    assert ids(loader.loadClass(SynchronousTestCase)) == []
    assert len(ids(loader.loadClass(Own))) == 1


def test_a_module_that_says_what_its_tests_are(loader: loading.TestLoader) -> None:
    module = ModuleType("made")
    module.Good = SynchronousTestCase  # type: ignore[attr-defined]
    module.load_tests = lambda loader, tests, pattern: unittest.TestSuite([unittest.FunctionTestCase(print)])  # type: ignore[attr-defined]
    assert loader.loadModule(module).countTestCases() == 1
    module.test_suite = lambda: "test_suite"  # type: ignore[attr-defined]
    assert loader.loadModule(module) == "test_suite"
    module.testSuite = lambda: "testSuite"  # type: ignore[attr-defined]
    assert loader.loadModule(module) == "testSuite"


def test_a_module_that_skips_itself(loader: loading.TestLoader, importable: Project) -> None:
    importable.write(test_not_here="import unittest\nraise unittest.SkipTest('not here')\n")
    result = Result()
    loader.loadByName("test_not_here").run(result)
    assert result.wasSuccessful() and str(result.skips[0][1]) == "not here"


def test_a_zip_file(loader: loading.TestLoader, importable: Project) -> None:
    with zipfile.ZipFile(importable.folder / "all.zip", "w") as archive:
        archive.writestr("zipped/__init__.py", "")
        archive.writestr("zipped/test_a.py", GOOD)
        archive.writestr("zipped/sub/__init__.py", "")
        archive.writestr("zipped/sub/test_b.py", GOOD)
    sys.path.insert(0, str(importable.folder / "all.zip"))
    assert len(ids(loader.loadByName("zipped", recurse=True))) == 4
    for name in [name for name in sys.modules if name.startswith("zipped")]:
        del sys.modules[name]


UPSIDE_DOWN = """
import unittest
class B(unittest.TestCase):
    def test_b(self): pass
    def test_a(self): pass
class A(B):
    def test_c(self): pass
    test_b = B.test_b
"""


def test_orders(loader: loading.TestLoader, importable: Project) -> None:
    importable.write(test_down=UPSIDE_DOWN)
    names = [name.removeprefix("test_down.") for name in ids(loader.loadByName("test_down"))]
    assert names == ["A.test_a", "A.test_b", "A.test_c", "B.test_a", "B.test_b"]
    loader.sorter = ORDERS["toptobottom"][1]
    names = [name.removeprefix("test_down.") for name in ids(loader.loadByName("test_down"))]
    assert names == ["B.test_b", "B.test_a", "A.test_b", "A.test_a", "A.test_c"]
    orders = []
    for seed in (1, 1, 2):
        loader.sorter = shuffled(seed)
        orders.append(ids(loader.loadByName("test_down")))
    assert orders[0] == orders[1] != orders[2]
    assert choose_seed() > 0
