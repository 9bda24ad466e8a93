"""Starting the services: at once as far as that goes, and what takes its time while the reactor runs.

A start that fails, at once or later, is undone: what had begun is stopped again, and the program ends with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.daemon.errors import StartError, user_traceback
from plait.deferred import Deferred, ensureDeferred, maybeDeferred
from plait.engine import drain
from plait.errors import CannotListenError, ReactorNotRunning
from plait.failure import Failure
from plait.log import Logger
from plait.service import MultiService, describe, underWay

_log = Logger(namespace="plait.daemon")

# Seconds that services may take to stop again after a start that failed. Nothing serves at that time, so it is short.
UNDO_LIMIT = 10.0

INTERRUPTED = "stopped by a signal before it was ready"


class Starting:
    """A start that has begun. It is `done` once all services have started.

    :param limit: seconds that it has, None for no end; 0: what takes its time goes on by itself, and is logged if it fails.
    """

    def __init__(
        self, root: MultiService, reactor: Any, give_up_rights: Callable[[], None], limit: float | None
    ) -> None:
        self.done = False
        self.failure: Failure | None = None
        self.traceback = ""
        self._error: StartError | None = None
        self._root = root
        self._reactor = reactor
        self._limit = limit
        self._next: Callable[[], object] | None = None
        self._late: Any = None
        self._work = ensureDeferred(self._start(give_up_rights))
        if not self._work.called and limit:
            self._late = reactor.callLater(limit, self._too_late)
        self._work.addCallbacks(self._succeeded, self._failed).addErrback(
            lambda failure: _log.failure("What follows the start has failed", failure)
        )

    async def _start(self, give_up_rights: Callable[[], None]) -> None:
        try:
            await self._all(self._root.privilegedStartService)
            give_up_rights()
            await self._all(self._root.startService)
        except Exception as error:
            self.traceback = user_traceback(error)  # the failure will let go of it
            raise

    async def _all(self, start: Callable[[], Any]) -> None:
        result = start()
        if result is None:
            return
        started: Deferred[Any] = maybeDeferred(lambda: result)
        if self._limit != 0 or started.called:
            await started
        else:
            started.addErrback(lambda failure: _log.failure("A service failed to start", failure))

    def then(self, function: Callable[[], object]) -> None:
        """Call a function when all has started. If that fails, the reactor is stopped."""
        if self.done:
            function()
        else:
            self._next = function

    def check(self) -> None:
        """StartError if the program came to its end before its services had started."""
        if not self.done:
            raise self._error or StartError(INTERRUPTED)

    def cancel(self) -> None:
        """Go no further: the program ends."""
        if not self._work.called:
            self._next = None
            self._work.cancel()

    def _succeeded(self, _: object) -> None:
        self.done = True
        self._forget_limit()
        if self._next is not None:
            self._next()

    def _failed(self, failure: Failure) -> None:
        self.failure = failure
        self._forget_limit()
        if self._next is None:
            return
        if isinstance(failure.value, StartError):
            self._error = failure.value
            _log.error("{message}", message=self._error)
        elif self._error is None:
            _log.failure("The application could not be started", failure)
            self._error = StartError(f"the application could not be started: {_in_a_line(failure.value)}")
        try:
            self._reactor.stop()
        except ReactorNotRunning:
            pass  # a supervisor that has given up has stopped it

    def _forget_limit(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    def _too_late(self) -> None:
        names = ", ".join(map(describe, underWay(self._root)))
        self._error = StartError(f"not started within {self._limit:g} seconds: {names} (see --start-timeout)")
        _log.error("The application could not be started: {message}", message=self._error)
        self._work.cancel()


def start_services(
    root: MultiService, reactor: Any, give_up_rights: Callable[[], None], limit: float | None = 60.0
) -> Starting:
    """Start all services; if that fails at once, stop those that had begun and raise StartError."""
    starting = Starting(root, reactor, give_up_rights, limit)
    if starting.failure is None:
        return starting
    _stop_again(root, reactor)
    error = starting.failure.value
    if isinstance(error, CannotListenError):
        raise StartError(str(error)) from error
    if isinstance(error, (StartError, KeyboardInterrupt)):
        raise error
    raise StartError(f"the application could not be started:\n{starting.traceback}") from error


async def stop_services(root: MultiService, reactor: Any, patience: float, starting: Starting) -> None:
    """Stop the services, so that nothing new is accepted; then let the connections that are there come to their end."""
    if starting.done:
        await root.stopService()
        await drain(reactor, patience)
        return
    starting.cancel()
    try:
        await maybeDeferred(root.stopService).addTimeout(UNDO_LIMIT, reactor)
    except TimeoutError:
        _log.error("What had been started has not stopped within {s:g} s.", s=UNDO_LIMIT)


def _stop_again(root: MultiService, reactor: Any) -> None:
    done = False

    def stopped(result: Any) -> None:
        nonlocal done
        done = True
        if reactor.running:
            reactor.stop()

    stopping = maybeDeferred(root.stopService).addBoth(stopped)
    if not done:  # some need the loop to turn
        reactor.callLater(UNDO_LIMIT, stopping.cancel)
        reactor.run()


def _in_a_line(error: BaseException) -> str:
    """What went wrong, and in which service: `begin` notes that."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    text = str(error).strip().partition("\n")[0]
    if isinstance(error, CannotListenError):
        return text
    return f"{type(error).__name__}{': ' if text else ''}{text}{notes}"
