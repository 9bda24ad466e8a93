"""What `twisted.python.components` is: one object adapted to what another interface promises.

The work is zope.interface's. Here is the registry that the whole process shares, asked whenever an interface is
called with an object (``IThing(obj)``), and objects that keep their adapters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementedBy, implementer, providedBy  # type: ignore[import-untyped]
from zope.interface.adapter import AdapterRegistry  # type: ignore[import-untyped]
from zope.interface.interface import InterfaceClass, adapter_hooks  # type: ignore[import-untyped]

from plait.as_twisted.legacy.reflect import qual

__all__ = [
    "ALLOW_DUPLICATES",
    "Adapter",
    "CannotAdapt",
    "Componentized",
    "ReprableComponentized",
    "getAdapterFactory",
    "getRegistry",
    "globalRegistry",
    "proxyForInterface",
    "registerAdapter",
]

ALLOW_DUPLICATES = False
"""May a registration replace another?"""

globalRegistry = AdapterRegistry()
"""All that has been registered in this process."""


CannotAdapt = TypeError
"""What is raised where there is no way from an object to an interface."""


def _specification(of: Any) -> Any:
    return of if isinstance(of, InterfaceClass) else implementedBy(of)


def registerAdapter(adapterFactory: Callable[[Any], Any], origInterface: Any, *interfaceClasses: Any) -> None:
    """From now on objects of a class, or of an interface, are adapted to these interfaces by calling the factory.

    Raises `ValueError` where there is no interface to adapt to, or another factory is registered for this already.
    """
    if not interfaceClasses:
        raise ValueError("say at least one interface that the factory adapts to")
    source = _specification(origInterface)
    for interface in interfaceClasses:
        known = globalRegistry.registered([source], interface)
        if known is not None and not ALLOW_DUPLICATES:
            raise ValueError(f"an adapter from {origInterface} to {interface} is registered already: {known}")
    for interface in interfaceClasses:
        globalRegistry.register([source], interface, "", adapterFactory)


def getRegistry() -> AdapterRegistry:
    """All that has been registered in this process: `globalRegistry`."""
    return globalRegistry


def getAdapterFactory(fromInterface: Any, toInterface: Any, default: Any) -> Any:
    """The factory that adapts from a class or interface to an interface, or the default."""
    factory = globalRegistry.lookup1(_specification(fromInterface), toInterface)
    return default if factory is None else factory


def _addHook(registry: AdapterRegistry) -> Callable[[Any, Any], Any]:
    """Ask this registry too when an object is adapted; what it gives back is for `_removeHook`."""

    def hook(interface: Any, obj: Any) -> Any:
        factory = registry.lookup1(providedBy(obj), interface)
        return None if factory is None else factory(obj)

    adapter_hooks.append(hook)
    return hook


def _removeHook(hook: Callable[[Any, Any], Any]) -> None:
    """Stop asking the registry of this hook."""
    adapter_hooks.remove(hook)


_addHook(globalRegistry)


class Adapter:
    """The usual base of adapters: holds the object that it stands for as `original`."""

    temporaryAdapter = False
    """Is a new one made each time, rather than kept by a `Componentized`?"""
    multiComponent = True
    """Does it serve for all the interfaces that it provides, once it is kept?"""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __conform__(self, interface: Any) -> Any:
        """Adapt to another interface as the original would be."""
        conform = getattr(self.original, "__conform__", None)
        return None if conform is None else conform(interface)

    def isuper(self, iface: Any, adapter: Any) -> Any:
        """The adapter of the original, in another way than this one."""
        return self.original.isuper(iface, adapter)


class Componentized:
    """An object that keeps what it was adapted to, so that an adapter can hold state."""

    def __init__(self) -> None:
        self._adapterCache: dict[str, Any] = {}

    def locateAdapterClass(self, klass: type[Any], interfaceClass: Any, default: Any) -> Any:
        """The factory that would adapt objects of a class to an interface."""
        return getAdapterFactory(klass, interfaceClass, default)

    def setComponent(self, interfaceClass: Any, component: Any) -> None:
        """From now on this is what the object is adapted to for the interface."""
        self._adapterCache[qual(interfaceClass)] = component

    def setAdapter(self, interfaceClass: Any, adapterClass: Callable[[Any], Any]) -> None:
        """Make an adapter of this object, for the interface."""
        self.setComponent(interfaceClass, adapterClass(self))

    def addAdapter(self, adapterClass: Callable[[Any], Any], ignoreClass: bool = False) -> Any:
        """Make an adapter of this object, for all that `addComponent` finds; the adapter is handed back."""
        adapter = adapterClass(self)
        self.addComponent(adapter, ignoreClass)
        return adapter

    def addComponent(self, component: Any, ignoreClass: bool = False) -> None:
        """Keep it for each interface that it provides and that its class is registered for.

        With ``ignoreClass``, for each interface that it provides.
        """
        for interface in providedBy(component):
            if ignoreClass or self.locateAdapterClass(type(self), interface, None) is type(component):
                self.setComponent(interface, component)

    def unsetComponent(self, interfaceClass: Any) -> None:
        """Forget what is kept for the interface. Raises `KeyError` where there is nothing."""
        del self._adapterCache[qual(interfaceClass)]

    def removeComponent(self, component: Any) -> list[Any]:
        """Forget it for all interfaces; they are handed back, by name as ``module.IName``."""
        removed = [name for name, kept in self._adapterCache.items() if kept is component]
        for name in removed:
            del self._adapterCache[name]
        return removed

    def getComponent(self, interface: Any, default: Any = None) -> Any:
        """What this object is adapted to for the interface, made and kept if need be; else the default."""
        name = qual(interface)
        if name in self._adapterCache:
            return self._adapterCache[name]
        adapter = interface.__adapt__(self)
        if adapter is None:
            return default
        if not getattr(adapter, "temporaryAdapter", False):
            self._adapterCache[name] = adapter
            if getattr(adapter, "multiComponent", False):
                self.addComponent(adapter)
        return adapter

    def __conform__(self, interface: Any) -> Any:
        return self.getComponent(interface)


class ReprableComponentized(Componentized):
    """A `Componentized` that shows what it keeps."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {self._adapterCache!r}>"


class _ProxiedClassMethod:
    """An attribute as the proxy's class shows it: called with a proxy, it is the method of the object behind that."""

    def __init__(self, methodName: str, originalAttribute: str) -> None:
        self.methodName = self.__name__ = methodName
        self.originalAttribute = originalAttribute

    def __call__(self, oself: Any, *args: Any, **kw: Any) -> Any:
        return getattr(getattr(oself, self.originalAttribute), self.methodName)(*args, **kw)


class _ProxyDescriptor:
    """An attribute that is read, set and deleted on the object that stands behind."""

    def __init__(self, attributeName: str, originalAttribute: str) -> None:
        self.attributeName = attributeName
        self.originalAttribute = originalAttribute

    def __get__(self, oself: Any, type: type[Any] | None = None) -> Any:
        if oself is None:
            return _ProxiedClassMethod(self.attributeName, self.originalAttribute)
        return getattr(getattr(oself, self.originalAttribute), self.attributeName)

    def __set__(self, oself: Any, value: Any) -> None:
        setattr(getattr(oself, self.originalAttribute), self.attributeName, value)

    def __delete__(self, oself: Any) -> None:
        delattr(getattr(oself, self.originalAttribute), self.attributeName)


def proxyForInterface(iface: Any, originalAttribute: str = "original") -> Any:
    """A class that provides an interface by handing all of it to another object.

    That object is the argument of its constructor, and is kept in the attribute named.
    """

    def __init__(self: Any, original: Any) -> None:
        setattr(self, originalAttribute, original)

    body: dict[str, Any] = {name: _ProxyDescriptor(name, originalAttribute) for name in iface}
    body["__init__"] = __init__
    proxy = type(f"(Proxy for {qual(iface)})", (object,), body)
    return implementer(iface)(proxy)
