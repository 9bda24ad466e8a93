"""Calls that come later, and a way to run a program that is one asynchronous function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from plait import current
from plait.deferred import Deferred, maybeDeferred
from plait.errors import ReactorNotRunning
from plait.failure import Failure
from plait.log import Logger

_log = Logger("plait.task")


def deferLater(
    clock: Any, delay: float, callable: Callable[..., Any] | None = None, *args: Any, **kw: Any
) -> Deferred[Any]:
    """Call a function in `delay` seconds on `clock` (the reactor, say) and give a Deferred of its result.

    Without a function, the Deferred fires with None. Cancelling it cancels the call.
    """

    def canceller(_: Deferred[Any]) -> None:
        call.cancel()

    def work(_: object) -> Any:
        return None if callable is None else callable(*args, **kw)

    d: Deferred[Any] = Deferred(canceller)
    d.addCallback(work)
    call = clock.callLater(delay, d.callback, None)
    return d


def react(main: Callable[..., Any], argv: Iterable[object] = (), _reactor: Any = None) -> None:
    """Run ``main(reactor, *argv)``, which gives a Deferred or is ``async def``, and exit when it is done.

    The exit code is 0; that of the `SystemExit` which it raised; or 1 for another error, which is logged.
    """
    reactor = _reactor if _reactor is not None else current.getReactor()
    code: Any = 0
    stopping = False

    def stop(_: object) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            try:
                reactor.stop()
            except ReactorNotRunning:
                pass

    def failed(failure: Failure) -> None:
        nonlocal code
        if failure.check(SystemExit):
            code = failure.value.code  # type: ignore[attr-defined]
        else:
            code = 1
            _log.failure("main function encountered error", failure)

    def begin() -> None:
        maybeDeferred(main, reactor, *argv).addErrback(failed).addCallback(stop)

    def shutting_down() -> None:
        nonlocal stopping
        stopping = True

    reactor.callWhenRunning(begin)
    reactor.addSystemEventTrigger("before", "shutdown", shutting_down)
    reactor.run()
    sys.exit(code)
