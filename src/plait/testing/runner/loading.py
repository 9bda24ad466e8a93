"""From names to tests. What cannot be loaded becomes one error in the report, and the rest is run."""

from __future__ import annotations

import doctest
import inspect
import os
import pkgutil
import unittest
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Any

from plait.failure import Failure
from plait.testing.case import SynchronousTestCase
from plait.testing.runner.finding import filenameToModule, find
from plait.testing.runner.folder import MARKER
from plait.testing.runner.suites import ErrorHolder, TestSuite

__all__ = ["TestLoader", "isPackage", "isTestCase", "name"]

# Folders in which nobody keeps tests of his own.
_NOT_SEARCHED = {"__pycache__", "node_modules", "build", "dist"}


def name(thing: Any) -> str:
    """The full name of a test, a class, a module, or what `pkgutil` tells of a module: what tests are sorted by."""
    if isinstance(thing, str):
        return thing
    if isinstance(thing, type):
        return f"{thing.__module__}.{thing.__qualname__}"
    if isinstance(thing, ModuleType):
        return thing.__name__
    if hasattr(thing, "id"):
        return str(thing.id())
    return str(thing.name)


def isTestCase(obj: Any) -> bool:
    """Whether this is a class of tests."""
    return isinstance(obj, type) and issubclass(obj, unittest.TestCase)


def isPackage(module: Any) -> bool:
    """Whether this is a module that has others in it."""
    return isinstance(module, ModuleType) and hasattr(module, "__path__")


class TestLoader:
    """Makes suites of methods, classes, modules, packages, folders, and the names of all these.

    `sorter` gives what the methods of a class, the classes of a module, and the modules of a package are sorted by.
    `suiteFactory` makes each suite of its tests.
    """

    __test__ = False
    methodPrefix = "test"
    modulePrefix = "test_"

    def __init__(self) -> None:
        self.suiteFactory: Callable[..., Any] = TestSuite
        self.sorter: Callable[[Any], Any] = name

    def sort(self, things: Iterable[Any]) -> list[Any]:
        """The things in the order of `sorter`."""
        return sorted(things, key=self.sorter)

    # -- what is there already

    def getTestCaseNames(self, klass: type) -> list[str]:
        """The names of the test methods of a class."""
        names = [each for each in dir(klass) if each.startswith(self.methodPrefix) and callable(getattr(klass, each))]
        own_run = getattr(klass, "runTest", None)
        if not names and own_run is not None and own_run is not SynchronousTestCase.runTest:
            names = ["runTest"]
        return names

    def loadClass(self, klass: Any) -> Any:
        """The tests of a class. TypeError if it is no class; ValueError if it is no class of tests."""
        if not isinstance(klass, type):
            raise TypeError(f"{klass!r} is not a class")
        if not isTestCase(klass):
            raise ValueError(f"{klass!r} is not a test case")
        return self.suiteFactory(self.sort(klass(each) for each in self.getTestCaseNames(klass)))

    def findTestClasses(self, module: ModuleType) -> list[type]:
        """The classes of tests in a module, in their order."""
        # The same class may have two names.
        return self.sort(dict.fromkeys(value for value in vars(module).values() if isTestCase(value)))

    def loadModule(self, module: Any) -> Any:
        """The tests of a module. TypeError if it is none.

        A module may say itself what its tests are, by a function ``testSuite`` or ``test_suite``, or by unittest's
        ``load_tests``; and name in ``__doctests__`` the modules whose doctests belong to them.
        """
        if not isinstance(module, ModuleType):
            raise TypeError(f"{module!r} is not a module")
        for own in ("testSuite", "test_suite"):
            if hasattr(module, own):
                return getattr(module, own)()
        suite = self.suiteFactory([self.loadClass(klass) for klass in self.findTestClasses(module)])
        for each in getattr(module, "__doctests__", ()):
            suite.addTest(self.loadDoctests(each))
        if hasattr(module, "load_tests"):
            return module.load_tests(unittest.defaultTestLoader, suite, None)
        return suite

    def loadPackage(self, package: Any, recurse: bool = False) -> Any:
        """The tests of the modules ``test_…`` of a package, with `recurse` of the packages in it too.

        TypeError if it is no package. A module that cannot be imported is an error when the suite is run.
        """
        if not isPackage(package):
            raise TypeError(f"{package!r} is not a package")
        found = self.sort(self._modules_in(package.__path__, f"{package.__name__}.", recurse))
        return self.suiteFactory([self._load_or_hold(each.name, self._load_module_named) for each in found])

    def _modules_in(self, path: Iterable[str], prefix: str, recurse: bool) -> Iterator[Any]:
        folders = list(path)
        for each in pkgutil.iter_modules(folders, prefix):
            last = each.name[len(prefix) :]
            if each.ispkg and recurse:
                inner = [os.path.join(folder, last) for folder in folders]
                yield from self._modules_in(inner, f"{each.name}.", recurse)
            if last.startswith(self.modulePrefix):
                yield each

    def loadDoctests(self, module: Any) -> Any:
        """The doctests of a module, or of the one with this name."""
        if isinstance(module, str):
            module = find(module)[0]
        if not inspect.ismodule(module):
            raise TypeError(f"{module!r} is not a module")
        return self.suiteFactory(list(doctest.DocTestSuite(module)))

    def loadAnything(
        self, obj: Any, recurse: bool = False, parent: type | None = None, qualName: Sequence[str] | None = None
    ) -> Any:
        """The tests of a package, a module, a class, a method or a test. TypeError for anything else.

        A method that was taken from a class is a mere function: its class is `parent`, and the last of `qualName` its
        name there.
        """
        if isPackage(obj):
            own = self.loadModule(obj) if self._has_tests(obj) else None
            inner = self.loadPackage(obj, recurse)
            return inner if own is None else self.suiteFactory([own, inner])
        if isinstance(obj, ModuleType):
            return self.loadModule(obj)
        if isTestCase(obj):
            return self.loadClass(obj)
        if isinstance(obj, FunctionType) and isTestCase(parent) and qualName:
            owner: Any = parent
            return owner(qualName[-1])
        if isinstance(obj, MethodType) and isTestCase(type(obj.__self__)):
            owner = type(obj.__self__)
            return owner(obj.__name__)
        if isinstance(obj, unittest.TestCase | unittest.TestSuite):
            return obj
        raise TypeError(f"{obj!r} is no test, and nothing that has tests: name a module, a class or a method")

    @staticmethod
    def _has_tests(package: ModuleType) -> bool:
        return any(isTestCase(value) and value.__module__ == package.__name__ for value in vars(package).values())

    # -- by name

    def findByName(self, _name: str, recurse: bool = False) -> Any:
        """The tests that a name stands for: dotted, or the path of a file or of a folder that is a package.

        Raises what is wrong with the name, or with a module that is imported for it.
        """
        if os.sep in _name or os.path.exists(_name) or _name.endswith(".py"):
            return self.loadAnything(filenameToModule(_name), recurse)
        obj, parent = self.findObject(_name)
        return self.loadAnything(obj, recurse, parent, _name.split("."))

    def findObject(self, qualName: str) -> tuple[Any, Any]:
        """What a dotted name names, and what it was found in."""
        found, parent, _ = find(qualName)
        return found, parent

    def loadByName(self, name: str, recurse: bool = False) -> Any:
        """The tests that a name stands for; where that goes wrong, one that fails with the error when it is run.

        A folder that is no package gives the tests of all files ``test_….py`` in it, with `recurse` in its folders too.
        """
        if os.path.isdir(name) and not os.path.isfile(os.path.join(name, "__init__.py")):
            return self.loadFolder(name, recurse)
        return self._load_or_hold(name, lambda name: self.findByName(name, recurse))

    loadTestsFromName = loadByName

    def loadByNames(self, names: Iterable[str], recurse: bool = False) -> Any:
        """The tests of several names, in their order; a name that is there twice counts once."""
        return self.suiteFactory([self.loadByName(each, recurse) for each in dict.fromkeys(names)])

    def loadFolder(self, path: str, recurse: bool = True) -> Any:
        """The tests of all files ``test_….py`` in a folder, with `recurse` in its folders too."""
        files = sorted(_test_files(os.path.abspath(path), self.modulePrefix, recurse))
        here = os.getcwd()

        def label(file: str) -> str:
            return os.path.relpath(file, here) if file.startswith(here + os.sep) else file

        return self.suiteFactory([self._load_or_hold(label(file), self._load_file) for file in files])

    def _load_file(self, path: str) -> Any:
        return self.loadModule(filenameToModule(path))

    def _load_module_named(self, name: str) -> Any:
        return self.loadModule(find(name)[0])

    def _load_or_hold(self, name: str, load: Callable[[str], Any]) -> Any:
        try:
            return load(name)
        except unittest.SkipTest as skip:
            return _skipped(name, str(skip))
        except KeyboardInterrupt:
            raise
        except BaseException:  # SystemExit too: a script is no reason to leave out the tests of other files
            return ErrorHolder(name, Failure())


def _test_files(folder: str, prefix: str, recurse: bool) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _NOT_SEARCHED:
                continue
            if entry.is_dir(follow_symlinks=False):
                if recurse and not _is_foreign(entry.path):
                    yield from _test_files(entry.path, prefix, recurse)
            elif entry.name.startswith(prefix) and entry.name.endswith(".py"):
                yield entry.path


def _is_foreign(folder: str) -> bool:
    """A virtual environment, or the folder in which tests have run."""
    return any(os.path.exists(os.path.join(folder, mark)) for mark in ("pyvenv.cfg", MARKER))


class _SkippedModule(ErrorHolder):
    """Stands for the tests of a module that raised SkipTest when it was imported."""

    def run(self, result: Any) -> Any:
        result.startTest(self)
        result.addSkip(self, self.error[1])
        result.stopTest(self)
        return result


def _skipped(name: str, reason: str) -> Any:
    return _SkippedModule(name, Failure(unittest.SkipTest(reason)))
