"""Plait: an event-driven networking engine for Python on any asyncio event loop.

What a program needs first can be imported from here; a room is loaded when one of its names is first used, so that
``import plait`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the room that defines it. "reactor" is not here: it is an object that is made at first use.
_NAMES = {
    "Deferred": "plait.deferred",
    "DeferredList": "plait.deferred",
    "ensureDeferred": "plait.deferred",
    "fail": "plait.deferred",
    "gatherResults": "plait.deferred",
    "inlineCallbacks": "plait.deferred",
    "maybeDeferred": "plait.deferred",
    "succeed": "plait.deferred",
    "Failure": "plait.failure",
    "Logger": "plait.log",
    "ClientFactory": "plait.protocol",
    "Factory": "plait.protocol",
    "LineReceiver": "plait.protocol",
    "Protocol": "plait.protocol",
    "ServerFactory": "plait.protocol",
    "Reactor": "plait.engine",
    "deferToThread": "plait.engine",
    "clientFromString": "plait.endpoints",
    "connect": "plait.endpoints",
    "serve": "plait.endpoints",
    "serverFromString": "plait.endpoints",
    "Application": "plait.service",
    "MultiService": "plait.service",
    "Service": "plait.service",
    "TCPServer": "plait.service",
}

__all__ = [
    "Application",
    "ClientFactory",
    "Deferred",
    "DeferredList",
    "Factory",
    "Failure",
    "LineReceiver",
    "Logger",
    "MultiService",
    "Protocol",
    "Reactor",
    "ServerFactory",
    "Service",
    "TCPServer",
    "__version__",
    "clientFromString",
    "connect",
    "deferToThread",
    "ensureDeferred",
    "fail",
    "gatherResults",
    "inlineCallbacks",
    "maybeDeferred",
    "reactor",
    "serve",
    "serverFromString",
    "succeed",
]

if TYPE_CHECKING:
    from plait.deferred import (
        Deferred,
        DeferredList,
        ensureDeferred,
        fail,
        gatherResults,
        inlineCallbacks,
        maybeDeferred,
        succeed,
    )
    from plait.endpoints import clientFromString, connect, serve, serverFromString
    from plait.engine import Reactor, deferToThread
    from plait.failure import Failure
    from plait.log import Logger
    from plait.protocol import ClientFactory, Factory, LineReceiver, Protocol, ServerFactory
    from plait.service import Application, MultiService, Service, TCPServer

    reactor: Reactor


def __getattr__(name: str) -> Any:
    if name == "reactor":
        from plait import current

        return current.getReactor()
    room = _NAMES.get(name)
    if room is None:
        raise AttributeError(f"module 'plait' has no attribute {name!r}")
    value = getattr(import_module(room), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
