"""Values that are part of every event logged in a context: the number of a request, the name of a user.

Contexts follow the work (`contextvars`): what is set in a coroutine or a block is there in the timers, threads and tasks that
it starts, and nowhere else. There is no way to set a value to the end of a context: the hooks of all connections of a port may
share one, which is the event loop's affair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

EMPTY: Mapping[str, Any] = MappingProxyType({})

current: ContextVar[Mapping[str, Any]] = ContextVar("plait.log.context", default=EMPTY)


@contextmanager
def logContext(**values: object) -> Iterator[None]:
    """While the block runs, `values` are part of each event that is logged in it, and stand in each line.

    with logContext(request=number):
        await answer(request)

    An event's own value goes before one of the same name; an inner block before an outer one.
    """
    token = current.set(MappingProxyType({**current.get(), **values}))
    try:
        yield
    finally:
        current.reset(token)
