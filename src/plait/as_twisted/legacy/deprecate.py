"""What `twisted.python.deprecate` is: warnings that say since when a name is old and what to use.

Each warning is a `DeprecationWarning` that points at the caller's line.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any, TypeVar, cast
from warnings import warn, warn_explicit

from plait.as_twisted.legacy.reflect import fullyQualifiedName
from plait.as_twisted.version import Version, getVersionString

__all__ = [
    "DEPRECATION_WARNING_FORMAT",
    "deprecated",
    "deprecatedKeywordParameter",
    "deprecatedModuleAttribute",
    "deprecatedProperty",
    "getDeprecationWarningString",
    "getVersionString",
    "getWarningMethod",
    "setWarningMethod",
    "warnAboutFunction",
]

_Any = TypeVar("_Any", bound=Callable[..., Any])

DEPRECATION_WARNING_FORMAT = "%(fqpn)s was deprecated in %(version)s"
"""How a warning begins, unless another format is given."""

_warn: Callable[..., Any] = warn
_fullyQualifiedName = fullyQualifiedName


def getWarningMethod() -> Callable[..., Any]:
    """What is called to warn: `warnings.warn`, unless `setWarningMethod` said otherwise."""
    return _warn


def setWarningMethod(newMethod: Callable[..., Any]) -> None:
    """Warn by this function, called as ``newMethod(text, DeprecationWarning, stacklevel=n)``."""
    global _warn
    _warn = newMethod


def getDeprecationWarningString(
    callableThing: Any, version: Version, format: str | None = None, replacement: str | Callable[..., Any] | None = None
) -> str:
    """The text of the warning about a function, class or method.

    The format may use ``%(fqpn)s``, the full name, and ``%(version)s``. The replacement is a name or the
    thing itself.
    """
    return _getDeprecationWarningString(fullyQualifiedName(callableThing), version, format, replacement)


def _getDeprecationWarningString(
    fqpn: str, version: Version, format: str | None = None, replacement: str | Callable[..., Any] | None = None
) -> str:
    text = (format or DEPRECATION_WARNING_FORMAT) % {"fqpn": fqpn, "version": getVersionString(version)}
    return f"{text}; {_advice(replacement)}" if replacement else text


def _advice(replacement: str | Callable[..., Any]) -> str:
    name = fullyQualifiedName(replacement) if callable(replacement) else replacement
    return f"please use {name} instead"


def _getDeprecationDocstring(version: Version, replacement: str | Callable[..., Any] | None = None) -> str:
    text = f"Deprecated in {getVersionString(version)}"
    return f"{text}; {_advice(replacement)}." if replacement else f"{text}."


def _appendToDocstring(thingWithDoc: Any, textToAppend: str) -> None:
    """Add a paragraph to a docstring, which keeps its form: with the summary in its first line, or in the second."""
    doc: str = thingWithDoc.__doc__ or ""
    if not doc:
        thingWithDoc.__doc__ = textToAppend
        return
    first = "\n" if "\n" in doc else ""
    thingWithDoc.__doc__ = f"{first}{inspect.cleandoc(doc)}\n\n{textToAppend}\n"


def deprecated(version: Version, replacement: str | Callable[..., Any] | None = None) -> Callable[[_Any], _Any]:
    """Decorator: a function, method or class that warns when it is called."""

    def decorate(function: _Any) -> _Any:
        text = getDeprecationWarningString(function, version, None, replacement)

        @wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            _warn(text, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        _appendToDocstring(warning, _getDeprecationDocstring(version, replacement))
        warning.deprecatedVersion = version  # type: ignore[attr-defined]
        return cast("_Any", warning)

    return decorate


class _DeprecatedProperty(property):
    """A property that warns whenever it is touched."""

    text = ""

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is not None:
            _warn(self.text, DeprecationWarning, stacklevel=2)
        return super().__get__(obj, owner)

    def __set__(self, obj: Any, value: Any) -> None:
        _warn(self.text, DeprecationWarning, stacklevel=2)
        super().__set__(obj, value)

    def __delete__(self, obj: Any) -> None:
        _warn(self.text, DeprecationWarning, stacklevel=2)
        super().__delete__(obj)

    def setter(self, fset: Callable[[Any, Any], None]) -> _DeprecatedProperty:
        return self._same(super().setter(fset))

    def deleter(self, fdel: Callable[[Any], None]) -> _DeprecatedProperty:
        return self._same(super().deleter(fdel))

    def _same(self, other: property) -> _DeprecatedProperty:
        made = cast("_DeprecatedProperty", other)
        made.text = self.text
        return made


def deprecatedProperty(
    version: Version, replacement: str | Callable[..., Any] | None = None
) -> Callable[[Callable[[Any], Any]], property]:
    """Decorator: a method becomes a property that warns when it is read, set or deleted."""

    def decorate(getter: Callable[[Any], Any]) -> property:
        text = getDeprecationWarningString(getter, version, None, replacement)
        _appendToDocstring(getter, _getDeprecationDocstring(version, replacement))
        made = _DeprecatedProperty(getter)
        made.text = text
        return made

    return decorate


def deprecatedModuleAttribute(version: Version, message: str, moduleName: str, name: str) -> None:
    """From now on, reading that name of that module warns; what the module itself does with it does not."""
    module = sys.modules[moduleName]
    text = f"{_getDeprecationWarningString(f'{moduleName}.{name}', version)}: {message}"
    kind = type(module)
    if not issubclass(kind, _WatchedModule):
        kind = type(kind.__name__, (_WatchedModule, kind), {})
        module.__dict__["_deprecated_names"] = {}
        module.__class__ = kind
    module.__dict__["_deprecated_names"][name] = text


class _WatchedModule(ModuleType):
    """A module of which some names are deprecated."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if not name.startswith("__"):
            text = super().__getattribute__("__dict__")["_deprecated_names"].get(name)
            # For "from module import name" the import system looks as well, whether the name is there.
            if text is not None and sys._getframe(1).f_globals.get("__name__") != "importlib._bootstrap":
                _warn(text, DeprecationWarning, stacklevel=2)
        return value


def deprecatedKeywordParameter(version: Version, name: str, replacement: str | None = None) -> Callable[[_Any], _Any]:
    """Decorator: a function that warns when that one of its parameters is given, by name or by place."""

    def decorate(function: _Any) -> _Any:
        about = f"The {name!r} parameter to {fullyQualifiedName(function)}"
        text = _getDeprecationWarningString(about, version, None, replacement)
        signature = inspect.signature(function)

        @wraps(function)
        def warning(*args: Any, **kwargs: Any) -> Any:
            if name in kwargs or _is_given(signature, name, args):
                _warn(text, DeprecationWarning, stacklevel=2)
            return function(*args, **kwargs)

        _appendToDocstring(warning, _getDeprecationDocstring(version, replacement))
        return cast("_Any", warning)

    return decorate


def _is_given(signature: inspect.Signature, name: str, args: tuple[Any, ...]) -> bool:
    """Is the parameter of this name among the arguments that are given by place?"""
    try:
        return name in signature.bind_partial(*args).arguments
    except TypeError:
        return False


def warnAboutFunction(offender: Callable[..., Any], warningString: str) -> None:
    """Warn at the place where a function is defined: for one that should have been written otherwise."""
    function: Any = inspect.unwrap(offender)
    code = function.__code__
    lines = [line for _, _, line in code.co_lines() if line is not None]
    warn_explicit(
        warningString,
        category=DeprecationWarning,
        filename=inspect.getabsfile(function),
        lineno=max(lines, default=code.co_firstlineno),
        module=function.__module__,
        registry=function.__globals__.setdefault("__warningregistry__", {}),
    )


def _passedSignature(
    signature: inspect.Signature, positional: tuple[object, ...], keyword: dict[str, object]
) -> dict[str, object]:
    """What a call gives to which parameter; of the defaults only those of parameters that go by name alone.

    Raises `TypeError` where the function cannot be called so.
    """
    for parameter in signature.parameters.values():
        if not isinstance(parameter, inspect.Parameter):
            raise TypeError(f"{parameter!r} is not a parameter")
    bound = signature.bind(*positional, **keyword).arguments
    passed = {}
    for name, parameter in signature.parameters.items():
        if name in bound:
            passed[name] = bound[name]
        elif parameter.kind is parameter.KEYWORD_ONLY:
            passed[name] = parameter.default
    return passed


def _mutuallyExclusiveArguments(argumentPairs: Iterable[Sequence[str]]) -> Callable[[_Any], _Any]:
    """Decorator: a function that raises `TypeError` when both parameters of a pair are given."""
    pairs = [tuple(pair) for pair in argumentPairs]

    def decorate(function: _Any) -> _Any:
        signature = inspect.signature(function)

        @wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            passed = _passedSignature(signature, args, kwargs)
            for one, other in pairs:
                if one in passed and other in passed:
                    name = fullyQualifiedName(function)
                    raise TypeError(f"The {one!r} and {other!r} arguments to {name} are mutually exclusive.")
            return function(*args, **kwargs)

        return cast("_Any", checked)

    return decorate
