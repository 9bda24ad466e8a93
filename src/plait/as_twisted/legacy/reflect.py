"""What `twisted.python.reflect` is: objects found by their names, and names found in classes.

Three families: by dotted name (`namedAny` and its kin), methods chosen by prefix (`prefixedMethods`), and class
attributes summed over the bases (`accumulateClassList`). `safe_repr` and `safe_str` describe an object even
when its own ``__repr__`` fails.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FunctionType, MethodType, ModuleType
from typing import Any

from plait.as_twisted.finder import NotProvidedError

__all__ = [
    "InvalidName",
    "ModuleNotFound",
    "ObjectNotFound",
    "QueueMethod",
    "accumulateClassDict",
    "accumulateClassList",
    "accumulateMethods",
    "addMethodNamesToDict",
    "filenameToModuleName",
    "fullFuncName",
    "fullyQualifiedName",
    "getClass",
    "isinst",
    "namedAny",
    "namedClass",
    "namedModule",
    "namedObject",
    "prefixedMethodNames",
    "prefixedMethods",
    "qual",
    "requireModule",
    "safe_repr",
    "safe_str",
]


class InvalidName(ValueError):
    """The text is not a dotted Python name, or names nothing."""


class ModuleNotFound(InvalidName):
    """There is no module of this name."""


class ObjectNotFound(InvalidName):
    """No module stands at the beginning of this dotted name."""


def namedModule(name: str) -> ModuleType:
    """Import the module with this dotted name."""
    return import_module(name)


def namedObject(name: str) -> Any:
    """The attribute of a module, as in ``"package.module.attribute"``."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


namedClass = namedObject


def namedAny(name: str) -> Any:
    """Whatever a dotted name stands for: a module, or an attribute at any depth in one.

    Raises `InvalidName` for what is no dotted name, `ModuleNotFound` where a single word names no module,
    `ObjectNotFound` where no module can be found at the beginning of a longer name, and `AttributeError` for
    what the module, or the object in it, does not have. An error in a module that is imported on the way
    is raised as it is.
    """
    if not name:
        raise InvalidName("Empty module name")
    words = name.split(".")
    if "" in words:
        raise InvalidName(f"name must be a string giving a '.'-separated list of Python identifiers, not {name!r}")
    found: Any = None
    depth = 0
    for depth in range(len(words), 0, -1):
        found = _import_if_there(".".join(words[:depth]))
        if found is not None:
            break
    else:
        if len(words) == 1:
            raise ModuleNotFound(f"No module named {name!r}")
        raise ObjectNotFound(f"{name!r} does not name an object")
    for word in words[depth:]:
        found = getattr(found, word)
    return found


def _import_if_there(name: str) -> ModuleType | None:
    """The module, or None where it is missing. One that is there and fails to import raises its own error."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        missing = error.missing if isinstance(error, NotProvidedError) else error.name
        if missing is None or not f"{name}.".startswith(f"{missing}."):
            raise
        return None


def requireModule(name: str, default: Any = None) -> Any:
    """The module with this name, or ``default`` where it cannot be imported."""
    try:
        return import_module(name)
    except ImportError:
        return default


def filenameToModuleName(fn: str | bytes) -> str:
    """The dotted name of the module in a file, as far up as there are packages around it."""
    path = os.path.abspath(os.fsdecode(fn))
    folder, file = os.path.split(path)
    stem = file if os.path.isdir(path) else os.path.splitext(file)[0]
    words = [] if stem == "__init__" else [stem]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        words.insert(0, package)
    return ".".join(words)


def qual(clazz: type[Any]) -> str:
    """Where a class is defined, as ``module.Class``."""
    return f"{clazz.__module__}.{clazz.__name__}"


def fullyQualifiedName(obj: Any) -> str:
    """The dotted name of a module, class, function or method."""
    if isinstance(obj, ModuleType):
        return obj.__name__
    if isinstance(obj, MethodType):
        return f"{fullyQualifiedName(type(obj.__self__))}.{obj.__name__}"
    name: str = obj.__qualname__
    module: str | None = obj.__module__
    return f"{module}.{name}" if module else name


def fullFuncName(func: Callable[..., Any]) -> str:
    """The dotted name of a function. Raises `ValueError` where another one, or nothing, is found by it."""
    name = f"{func.__module__}.{func.__name__}"
    if namedAny(name) is not func:
        raise ValueError(f"{func!r} is not what is found as {name}")
    return name


class QueueMethod:
    """A method that is called later: each call appends its name and arguments to a list."""

    def __init__(self, name: str, calls: list[tuple[str, tuple[Any, ...]]]) -> None:
        self.name = name
        self.calls = calls

    def __call__(self, *args: Any) -> None:
        self.calls.append((self.name, args))


def getClass(obj: Any) -> type[Any]:
    """The class of an object, as `type` says; a class's own class is its metaclass."""
    return type(obj)


def isinst(inst: Any, clazz: type[Any]) -> bool:
    """Is it an instance of that class?"""
    return isinstance(inst, clazz)


def prefixedMethodNames(classObj: type[Any], prefix: str) -> list[str]:
    """What follows the prefix in the names of a class's methods, inherited ones too."""
    names: dict[str, int] = {}
    addMethodNamesToDict(classObj, names, prefix)
    return list(names)


def addMethodNamesToDict(
    classObj: type[Any], dict: dict[str, int], prefix: str, baseClass: type[Any] | None = None
) -> None:
    """Set ``dict[rest] = 1`` for each method named prefix + rest, the bases first.

    With ``baseClass``, only the classes count that have it as a direct base.
    """
    for base in classObj.__bases__:
        addMethodNamesToDict(base, dict, prefix, baseClass)
    if baseClass is None or baseClass in classObj.__bases__:
        for name, value in vars(classObj).items():
            if isinstance(value, FunctionType) and name.startswith(prefix):
                dict[name[len(prefix) :]] = 1


def prefixedMethods(obj: Any, prefix: str = "") -> list[Callable[..., Any]]:
    """The bound methods of an object whose names begin with the prefix."""
    methods: dict[str, Callable[..., Any]] = {}
    accumulateMethods(obj, methods, prefix)
    return list(methods.values())


def accumulateMethods(
    obj: Any, dict: dict[str, Callable[..., Any]], prefix: str = "", curClass: type[Any] | None = None
) -> None:
    """Put the bound methods of an object into a dict, by what follows the prefix in their names."""
    curClass = curClass or obj.__class__
    for base in curClass.__bases__:
        accumulateMethods(obj, dict, prefix, base)
    for name, value in vars(curClass).items():
        if isinstance(value, FunctionType) and name.startswith(prefix):
            dict[name[len(prefix) :]] = getattr(obj, name)


def accumulateClassDict(
    classObj: type[Any], attr: str, adict: dict[Any, Any], baseClass: type[Any] | None = None
) -> None:
    """Merge the dicts that a class and its bases have under one name; the nearest class wins."""
    for held in _class_attributes(classObj, attr, baseClass):
        adict.update(held)


def accumulateClassList(classObj: type[Any], attr: str, listObj: list[Any], baseClass: type[Any] | None = None) -> None:
    """Join the lists that a class and its bases have under one name, the bases' first."""
    for held in _class_attributes(classObj, attr, baseClass):
        listObj.extend(held)


def _class_attributes(cls: type[Any], attr: str, base_class: type[Any] | None) -> Iterator[Any]:
    for base in cls.__bases__:
        yield from _class_attributes(base, attr, base_class)
    if (base_class is None or base_class in cls.__bases__) and attr in vars(cls):
        yield vars(cls)[attr]


def safe_repr(o: Any) -> str:
    """`repr`, or where that fails a description of the object and of the failure."""
    return _safely(repr, o)


def safe_str(o: Any) -> str:
    """`str`, or where that fails a description of the object and of the failure. Bytes are read as UTF-8."""
    if isinstance(o, bytes):
        try:
            return o.decode("utf-8")
        except UnicodeDecodeError:
            pass
    return _safely(str, o)


def _safely(describe: Callable[[Any], str], o: Any) -> str:
    try:
        return describe(o)
    except BaseException:
        return f"<{_kind(o)} instance at 0x{id(o):x} with {describe.__name__} error:\n {_what_happened()}>"


def _kind(o: Any) -> str:
    """The name of the class of an object; even that may fail."""
    kind = type(o)
    try:
        return str(kind.__name__)
    except BaseException:
        return f"BROKEN CLASS AT 0x{id(kind):x}"


def _what_happened() -> str:
    """The traceback of the error at hand. The error's own ``__str__`` may fail as well."""
    try:
        return traceback.format_exc()
    except BaseException:
        return "an error that cannot be shown"
