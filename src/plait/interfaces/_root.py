"""One definition, two readers: the root of all interfaces.

A type checker reads an interface as a `typing.Protocol`: a class fits when its methods and attributes fit,
without a plugin and without inheriting anything. At run time the same class statement makes a zope.interface
interface, so that programs can declare what they implement, ask what an object provides, adapt one thing to
another and verify a class.

An interface is written as an ordinary class, its methods with ``self``::

    class IGreeter(Interface):
        name: str

        def greet(self, whom: str, loudly: bool = False) -> str:
            "Return a greeting for `whom`."

    @implementer(IGreeter)
    class Butler:
        name = "James"

        def greet(self, whom: str, loudly: bool = False) -> str:
            return f"Good evening, {whom}."

    provides(IGreeter, Butler())        # True
    verifyObject(IGreeter, Butler())    # raises if a method is missing or takes the wrong arguments

zope.interface counts the arguments that a *caller* passes, so ``self`` is taken off when the interface is
made. An interface in zope's own style (no ``self``) may inherit from ours and is left as it is.

At run time an interface can also be called, ``IGreeter(thing, default)``, as zope.interface documents. Type
checkers see a Protocol there, which cannot be called: `adapt` is the same with types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

__all__ = [
    "Attribute",
    "Interface",
    "adapt",
    "alsoProvides",
    "directlyProvides",
    "implementedBy",
    "implementer",
    "implements",
    "providedBy",
    "provides",
    "verifyClass",
    "verifyObject",
]

_I = TypeVar("_I")
_T = TypeVar("_T")
_C = TypeVar("_C", bound=type)

# How a function takes an interface. A type checker accepts a Protocol class for Callable[..., _I] and infers
# _I from it, whereas for type[_I] it insists on a class that can be instantiated.
_InterfaceOf = Callable[..., _I]

if TYPE_CHECKING:
    from typing import Protocol as Interface

    def Attribute(description: str = "") -> Any:
        """An attribute that wants a description: ``name: str = Attribute("who greets")``."""

    def implementer(*interfaces: _InterfaceOf[object]) -> Callable[[_C], _C]:
        """Class decorator: its instances provide `interfaces`, besides those of its base classes."""

    def directlyProvides(thing: object, *interfaces: _InterfaceOf[object]) -> None:
        """`thing` itself provides exactly `interfaces`, besides those that its class implements."""

    def alsoProvides(thing: object, *interfaces: _InterfaceOf[object]) -> None:
        """`thing` itself provides `interfaces` too."""

    def providedBy(thing: object) -> Any:
        """All that `thing` provides, as a zope.interface declaration: iterate over it, or ask ``IFoo in
        ...``.
        """

    def implementedBy(cls: type) -> Any:
        """All that instances of `cls` provide, as a zope.interface declaration."""

    def verifyObject(interface: _InterfaceOf[object], candidate: object) -> bool:
        """True if `candidate` provides `interface` and has its attributes and methods with fitting arguments.

        Raises zope.interface.Invalid (one of its subclasses) with a message that names what does not fit.
        """

    def verifyClass(interface: _InterfaceOf[object], candidate: type) -> bool:
        """`verifyObject` for the instances of a class, as far as the class shows: methods, not attributes."""

else:
    from types import FunctionType

    from zope.interface import (
        Attribute,
        alsoProvides,
        directlyProvides,
        implementedBy,
        implementer,
        providedBy,
    )
    from zope.interface import Interface as _ZopeInterface
    from zope.interface.interface import InterfaceClass as _InterfaceClass
    from zope.interface.interface import fromFunction as _from_function
    from zope.interface.verify import verifyClass, verifyObject

    class _PlaitInterfaceClass(_InterfaceClass):
        """Makes zope interfaces of class statements that type checkers read as Protocols."""

        def __init__(self, name, bases=(), attrs=None, __doc__=None, __module__=None):
            if attrs is not None:
                attrs = {key: _as_zope_reads(key, value) for key, value in attrs.items()}
                for key in attrs.get("__annotations__", ()):
                    attrs.setdefault(key, Attribute(key))
            super().__init__(name, bases, attrs, __doc__, __module__)

        def __getitem__(self, name):
            # To type checkers Interface[T] is a generic Protocol; zope looks up members with IFoo["name"].
            if not isinstance(name, str):
                return self
            return super().__getitem__(name)

    def _as_zope_reads(name, value):
        if isinstance(value, FunctionType):
            code = value.__code__
            takes_self = code.co_argcount and code.co_varnames[0] == "self"
            return _from_function(value, None, imlevel=1 if takes_self else 0, name=name)
        if isinstance(value, property):
            return Attribute(value.__doc__ or name)
        return value

    Interface = _PlaitInterfaceClass("Interface", (_ZopeInterface,), {}, "The root of Plait's interfaces.", __name__)


def provides(interface: _InterfaceOf[object], thing: object) -> bool:
    """Whether `thing` says that it provides `interface`: by its class's `implementer`, or by itself.

    What it declares counts; that methods of the right names happen to be there does not. To go on with an
    object that a type checker knows to be an IFoo, ask ``foo = adapt(IFoo, thing, None)``.
    """
    return interface.providedBy(thing)  # type: ignore[attr-defined, no-any-return]


def implements(interface: _InterfaceOf[object], cls: type) -> bool:
    """Whether instances of `cls` provide `interface`."""
    return interface.implementedBy(cls)  # type: ignore[attr-defined, no-any-return]


class _Required:
    """The type of the missing default in `adapt`."""


_required = _Required()


@overload
def adapt(interface: _InterfaceOf[_I], thing: object) -> _I: ...
@overload
def adapt(interface: _InterfaceOf[_I], thing: object, default: _T) -> _I | _T: ...
def adapt(interface: _InterfaceOf[_I], thing: object, default: object = _required) -> object:
    """`thing` if it provides `interface`, else what its ``__conform__`` or a registered adapter makes of it.

    If there is none: `default`, or TypeError if no default is given.
    """
    if default is _required:
        return interface(thing)
    return interface(thing, default)
