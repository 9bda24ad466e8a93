"""The root of a program's services: what an application file calls ``application``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from plait.interfaces import implementer
from plait.service.base import MultiService
from plait.service.interfaces import IProcess

_I = TypeVar("_I")
_T = TypeVar("_T")


@implementer(IProcess)
class Application(MultiService):
    """A whole program: the collection of its services, and as whom it runs.

    ``plait run`` starts the services, then gives up root's rights for `uid` and `gid` (numbers), unless its options say
    otherwise. The application is its own `IService`, `IServiceCollection` and `IProcess`; what else it can be adapted
    to is set with `setComponent`.
    """

    processName: str | None = None

    def __init__(self, name: str, uid: int | None = None, gid: int | None = None) -> None:
        super().__init__()
        self.setName(name)
        self.uid = uid
        self.gid = gid
        self._components: dict[Any, Any] = {}

    def setComponent(self, interface: Callable[..., _I], component: _I) -> None:
        """From now on ``interface(application)`` is `component`."""
        self._components[interface] = component

    def unsetComponent(self, interface: Callable[..., Any]) -> None:
        """Take back what `setComponent` did. KeyError if there is nothing to take back."""
        del self._components[interface]

    def getComponent(self, interface: Callable[..., _I], default: _T | None = None) -> _I | _T | None:
        """What `setComponent` set for `interface`; the application if it provides that itself; else `default`."""
        result: _I | _T | None = interface(self, default)
        return result

    def __conform__(self, interface: Any) -> Any:
        return self._components.get(interface)
