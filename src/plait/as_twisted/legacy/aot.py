"""What `twisted.persisted.aot` is: a net of objects as Python source that makes it again.

Objects become a tree of the classes here (`jellyToAOT`), the tree becomes text (`jellyToSource`), and both ways lead
back. An object that is held in two places is a `Ref` with a number in the first and a `Deref` in the others.
"""

from __future__ import annotations

import copyreg
import io
import re
from collections.abc import Callable
from keyword import iskeyword
from types import FunctionType, MethodType, ModuleType
from typing import IO, Any

from zope.interface.interface import InterfaceClass  # type: ignore[import-untyped]

from plait.as_twisted.legacy.crefutil import NotKnown, _Dereference, _DictKeyAndValue, _InstanceMethod, _Tuple
from plait.as_twisted.legacy.reflect import fullyQualifiedName, namedModule, namedObject, qual

__all__ = [
    "AOTJellier",
    "AOTUnjellier",
    "Class",
    "Copyreg",
    "Deref",
    "Function",
    "Instance",
    "InstanceMethod",
    "Module",
    "Ref",
    "getSource",
    "jellyToAOT",
    "jellyToSource",
    "unjellyFromAOT",
    "unjellyFromSource",
]

_SIMPLE = (bool, int, float, complex, str, bytes, type(None), type(...), slice)


class Named:
    """What is found by a dotted name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _arguments(self) -> list[str]:
        return [repr(self.name)]


class Class(Named):
    """A class, or an interface."""


class Function(Named):
    """A function."""


class Module(Named):
    """A module."""


class InstanceMethod:
    """A method of an object: its name, the name of its class, and the object."""

    def __init__(self, name: str, klass: Any, inst: Any) -> None:
        self.name = name
        self.klass = klass
        self.instance = inst

    def _arguments(self) -> list[Any]:
        return [repr(self.name), _Source(self.klass), _Source(self.instance)]


class _NoState:
    """There is no state but the keywords."""


NoStateObj = _NoState()


class Instance:
    """An object of a class: with attributes, given as keywords, or with another state."""

    def __init__(self, className: str, __stateObj__: Any = NoStateObj, **state: Any) -> None:
        self.klass = className
        self.state = state if __stateObj__ is NoStateObj else __stateObj__

    def _arguments(self) -> list[Any]:
        if isinstance(self.state, dict) and all(map(_is_keyword, self.state)):
            return [repr(self.klass), *((f"{name}=", value) for name, value in self.state.items())]
        return [repr(self.klass), _Source(self.state)]


class Ref:
    """An object that is held in more places than one, under a number."""

    def __init__(self, *args: Any) -> None:
        self.refnum, self.obj = args if args else (None, None)

    def _arguments(self) -> list[Any]:
        return [repr(self.refnum), _Source(self.obj)]


class Deref:
    """The object under a number, in another place."""

    def __init__(self, num: int) -> None:
        self.refnum = num

    def _arguments(self) -> list[str]:
        return [repr(self.refnum)]


class Copyreg:
    """An object that is made by calling a function, as `copyreg` says, with these arguments."""

    def __init__(self, loadfunc: str, state: Any) -> None:
        self.loadfunc = loadfunc
        self.state = state

    def _arguments(self) -> list[Any]:
        return [repr(self.loadfunc), _Source(self.state)]


class _Source:
    """An argument that is a tree."""

    def __init__(self, tree: Any) -> None:
        self.tree = tree


def _is_keyword(name: object) -> bool:
    return isinstance(name, str) and name.isidentifier() and not iskeyword(name) and name not in _RESERVED


_RESERVED = ("self", "className", "__stateObj__")

# From a tree to text


def getSource(ao: Any) -> str:
    """The text of a tree: ``app=``, and an expression that makes it."""
    return f"app={_text(ao, '')}"


def _text(tree: Any, indent: str) -> str:
    """An expression that makes a tree. What is in it stands on lines of its own, further in."""
    inner = f"{indent}  "
    if isinstance(tree, Ref) and tree.refnum is None:
        return _text(tree.obj, indent)
    if isinstance(tree, dict):
        rows = [f"{_text(key, inner)}:{_text(value, inner)}" for key, value in tree.items()]
        return _rows("{", rows, "}", inner)
    if isinstance(tree, list):
        return _rows("[", [_text(value, inner) for value in tree], "]", inner)
    if isinstance(tree, tuple):
        return _rows("(", [_text(value, inner) for value in tree], ")", inner)
    if hasattr(tree, "_arguments"):
        rows = []
        for argument in tree._arguments():
            if isinstance(argument, _Source):
                argument = _text(argument.tree, inner)
            elif isinstance(argument, tuple):
                argument = argument[0] + _text(argument[1], inner)
            rows.append(argument)
        if all("\n" not in row for row in rows) and len(rows) < 3:
            return f"{type(tree).__name__}({', '.join(rows)})"
        return _rows(f"{type(tree).__name__}(", rows, ")", inner)
    if isinstance(tree, float | complex):
        # infinite numbers and those that are none have no literal
        return re.sub(r"(inf|nan)", r"float('\1')", repr(tree))
    return repr(tree)


def _rows(begin: str, rows: list[str], end: str, inner: str) -> str:
    if not rows:
        return begin + end
    return begin + "".join(f"\n{inner}{row}," for row in rows) + f"\n{inner}{end}"


# From objects to a tree


def jellyToAOT(obj: Any) -> Any:
    """The tree of an object and all that it holds. Raises `TypeError` for what has no state that could be kept."""
    return AOTJellier().jelly(obj)


def jellyToSource(obj: Any, file: IO[bytes] | None = None) -> str | None:
    """The text of an object and all that it holds, written to a file as UTF-8 if there is one."""
    source = getSource(jellyToAOT(obj))
    if file is None:
        return source
    file.write(source.encode("utf-8"))
    return None


def _classOfMethod(methodObject: MethodType) -> type[Any]:
    return type(methodObject.__self__)


def _funcOfMethod(methodObject: MethodType) -> Callable[..., Any]:
    return methodObject.__func__


def _selfOfMethod(methodObject: MethodType) -> Any:
    return methodObject.__self__


class AOTJellier:
    """Makes one tree, and knows what is in it."""

    def __init__(self) -> None:
        self.prepared: dict[int, tuple[Ref, Any]] = {}
        self._ref_id = 0

    def jelly(self, obj: Any) -> Any:
        """The tree of an object."""
        return self.jellyToAO(obj)

    def jellyToAO(self, obj: Any) -> Any:
        """The part of the tree that stands for an object."""
        if isinstance(obj, _SIMPLE) and type(obj) in _SIMPLE:
            return obj
        if isinstance(obj, MethodType) and not isinstance(obj.__self__, type):
            klass = qual(_classOfMethod(obj))
            return InstanceMethod(obj.__func__.__name__, Class(klass), self.jellyToAO(obj.__self__))
        if isinstance(obj, ModuleType):
            return Module(obj.__name__)
        if isinstance(obj, type | InterfaceClass):
            return Class(qual(obj))
        if isinstance(obj, FunctionType | MethodType):
            return Function(fullyQualifiedName(obj))
        if id(obj) in self.prepared:
            ref = self.prepared[id(obj)][0]
            if ref.refnum is None:
                self._ref_id += 1
                ref.refnum = self._ref_id
            return Deref(ref.refnum)
        ref = Ref()
        self.prepared[id(obj)] = (ref, obj)  # the object is kept, so that no other one gets its id
        ref.obj = self._composed(obj)
        return ref

    def _composed(self, obj: Any) -> Any:
        kind = type(obj)
        if kind in (list, tuple):
            return kind([self.jellyToAO(element) for element in obj])
        if kind is dict:
            return {self.jellyToAO(key): self.jellyToAO(value) for key, value in obj.items()}
        if kind in copyreg.dispatch_table:
            reduced: Any = copyreg.dispatch_table[kind](obj)
            load, arguments = reduced[:2]
            return Copyreg(fullyQualifiedName(load), self.jellyToAO(tuple(arguments)))
        if getattr(kind, "__getstate__", None) is not getattr(object, "__getstate__", None) and hasattr(
            obj, "__getstate__"
        ):
            state = obj.__getstate__()
        elif hasattr(obj, "__dict__"):
            state = obj.__dict__
        else:
            raise TypeError(f"Unsupported type: {kind.__name__}")
        if isinstance(state, dict):
            return Instance(qual(kind), {name: self.jellyToAO(value) for name, value in state.items()})
        return Instance(qual(kind), self.jellyToAO(state))


# From a tree to objects


def unjellyFromAOT(aot: Any) -> Any:
    """The object that a tree stands for."""
    return AOTUnjellier().unjelly(aot)


def unjellyFromSource(stringOrFile: str | bytes | IO[Any]) -> Any:
    """The object that a text makes, given as such or as a file. The text is run as Python: trust it, or do not load it."""
    source = stringOrFile if isinstance(stringOrFile, str | bytes) else stringOrFile.read()
    kinds = (Class, Copyreg, Deref, Function, Instance, InstanceMethod, Module, Ref)
    namespace: dict[str, Any] = {kind.__name__: kind for kind in kinds}
    name = getattr(stringOrFile, "name", "<aot>") if isinstance(stringOrFile, io.IOBase) else "<aot>"
    exec(compile(source, str(name), "exec"), namespace)
    if "app" not in namespace:
        raise ValueError(f"needed to define 'app', it didn't: {source!r:.200}")
    return unjellyFromAOT(namespace["app"])


class AOTUnjellier:
    """Makes the objects of one tree."""

    def __init__(self) -> None:
        self.references: dict[int, Any] = {}
        self.afters: list[Callable[[], object]] = []

    def unjelly(self, ao: Any) -> Any:
        """The object of a tree."""
        result: list[Any] = [None]
        self.unjellyInto(result, 0, ao)
        for after in self.afters:
            after()
        if isinstance(result[0], NotKnown):
            raise ValueError("the tree refers to an object that is not in it")
        return result[0]

    def unjellyInto(self, obj: Any, loc: Any, ao: Any) -> Any:
        """Make the object of a part of a tree and put it at ``obj[loc]``, now or when it is known."""
        made = self.unjellyAO(ao)
        obj[loc] = made
        if isinstance(made, NotKnown):
            made.addDependant(obj, loc)
        return made

    def callAfter(self, callable: Callable[[Any], object], result: Any) -> None:
        """Call a function with the object of a part of a tree when all of it is there."""
        box: list[Any] = [None]
        self.unjellyInto(box, 0, result)
        self.afters.append(lambda: callable(box[0]))

    def unjellyAO(self, ao: Any) -> Any:
        """The object of a part of a tree, or a stand-in."""
        if isinstance(ao, list | tuple):
            elements: list[Any] = [None] * len(ao)
            for place, element in enumerate(ao):
                self.unjellyInto(elements, place, element)
            if isinstance(ao, list):
                return elements
            return _Tuple(elements) if any(isinstance(e, NotKnown) for e in elements) else tuple(elements)
        if isinstance(ao, dict):
            return self._dict(ao)
        if isinstance(ao, Ref):
            return self._ref(ao)
        if isinstance(ao, Deref):
            return self.references.setdefault(ao.refnum, _Dereference(ao.refnum))
        if isinstance(ao, Module):
            return namedModule(ao.name)
        if isinstance(ao, Class | Function):
            return namedObject(ao.name)
        if isinstance(ao, InstanceMethod):
            return self._method(ao)
        if isinstance(ao, Instance):
            return self._instance(ao)
        if isinstance(ao, Copyreg):
            arguments = self.unjellyAO(ao.state)
            if isinstance(arguments, NotKnown):
                raise TypeError(f"an object made by {ao.loadfunc} holds itself: it cannot be loaded")
            return namedObject(ao.loadfunc)(*arguments)
        if type(ao) in _SIMPLE:
            return ao
        raise TypeError(f"Unsupported AOT type: {type(ao).__name__}")

    def _dict(self, tree: dict[Any, Any]) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        for key, value in tree.items():
            entry = _DictKeyAndValue(made)
            self.unjellyInto(entry, 0, key)
            self.unjellyInto(entry, 1, value)
        return made

    def _ref(self, ref: Ref) -> Any:
        made = self.unjellyAO(ref.obj)
        if ref.refnum is not None:
            waiting = self.references.get(ref.refnum)
            self.references[ref.refnum] = made
            if isinstance(waiting, _Dereference):
                self._resolve(waiting, made)
        return made

    def _resolve(self, waiting: NotKnown, made: Any) -> None:
        if isinstance(made, NotKnown):
            # what it stands for is itself made of things to come: each place waits for that
            for mutable, key in waiting.dependants:
                mutable[key] = made
                made.addDependant(mutable, key)
        else:
            waiting.resolveDependants(made)

    def _method(self, tree: InstanceMethod) -> Any:
        kind = self.unjellyAO(tree.klass)
        of = self.unjellyAO(tree.instance)
        if not hasattr(kind, tree.name):
            raise TypeError(f"instance method changed: {qual(kind)} has no {tree.name} any more")
        return _InstanceMethod(tree.name, of, kind) if isinstance(of, NotKnown) else getattr(of, tree.name)

    def _instance(self, tree: Instance) -> Any:
        kind = namedObject(tree.klass)
        made = kind.__new__(kind)
        if hasattr(made, "__setstate__"):
            self.callAfter(made.__setstate__, tree.state)
        elif isinstance(tree.state, dict):
            made.__dict__ = self._dict(tree.state)
        else:
            raise TypeError(f"{tree.klass} has a state that is no dict, and no __setstate__ to take it")
        return made
