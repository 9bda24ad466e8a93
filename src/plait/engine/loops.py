"""Which event loop: uvloop on Unix, winloop on Windows, asyncio's own everywhere else, or what the user asks for."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from importlib import import_module

from plait.errors import UnknownEngineError

# The fast loop of this platform; PyPy runs asyncio's own faster than it could call C.
_FAST = "winloop" if sys.platform == "win32" else "uvloop"
_PREFERRED = _FAST if sys.implementation.name == "cpython" else "asyncio"

ENGINES = ("uvloop", "winloop", "asyncio")


def new_loop(engine: str | None = None) -> asyncio.AbstractEventLoop:
    """A new event loop.

    :param engine: "uvloop", "winloop" or "asyncio"; None takes that of the environment variable ``PLAIT_ENGINE``, and without it
        the fastest that is installed.
    :raises plait.errors.UnknownEngineError: if it is none of these, or is not installed.
    """
    if engine is None:
        engine = os.environ.get("PLAIT_ENGINE") or None
        if engine is None:
            try:
                return _maker(_PREFERRED)()
            except ImportError:
                return asyncio.new_event_loop()
    if engine not in ENGINES:
        raise UnknownEngineError(f"unknown engine {engine!r}: PLAIT_ENGINE can be {', '.join(ENGINES)}")
    try:
        return _maker(engine)()
    except ImportError as e:
        raise UnknownEngineError(f"the engine {engine!r} is not installed here (pip install {engine}): {e}") from None


def _maker(engine: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if engine == "asyncio":
        return asyncio.new_event_loop
    maker: Callable[[], asyncio.AbstractEventLoop] = import_module(engine).new_event_loop
    return maker
