"""A service made of one ``async def`` function."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from plait.deferred import CancelledError, Deferred, ensureDeferred
from plait.failure import Failure
from plait.log import Logger
from plait.service.base import Service, describe, report_end

_log = Logger(namespace="plait.service")


class Job(Service):
    """Calls an ``async def`` function when it starts, and cancels what still runs of it when it stops.

    A function that fails, or that returns before the stop, tells the supervisor, which starts the job again if it is to
    do so. Without a supervisor a failure is logged.

    :param function: called with the other arguments at each start. What it waits for raises
        `plait.deferred.CancelledError` at the stop; clean-up in ``finally`` may take its time, and is waited for.
    """

    _work: Deferred[Any] | None = None

    def __init__(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **kwargs: Any) -> None:
        if not callable(function):
            raise TypeError(f"a job is made of an async function, not of {function!r}")
        self.call = (function, args, kwargs)

    def startService(self) -> None:
        """Call the function, up to where it waits for the first time."""
        super().startService()
        function, args, kwargs = self.call
        self._work = work = ensureDeferred(function(*args, **kwargs))
        work.addBoth(self._ended)

    def stopService(self) -> Deferred[Any]:
        """Cancel what still runs. The Deferred fires when that has ended."""
        super().stopService()
        stopped: Deferred[Any] = Deferred()
        work = self._work
        if work is None:
            stopped.callback(None)
        else:
            work.addBoth(lambda _: stopped.callback(None))
            work.cancel()
        return stopped

    def _ended(self, result: Any) -> None:
        self._work = None
        failure = result if isinstance(result, Failure) else None
        if self.running:
            report_end(self, failure)
        elif failure is not None and not failure.check(CancelledError, asyncio.CancelledError):
            _log.failure("{service} failed while it was being stopped", failure, service=describe(self))
