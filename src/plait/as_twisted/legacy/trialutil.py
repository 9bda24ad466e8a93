"""What `twisted.trial.util` has besides `plait.testing`: small helpers of trial that programs have found useful."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

from plait.current import getReactor
from plait.failure import Failure
from plait.interfaces import IProcessTransport, provides
from plait.testing.case import DEFAULT_TIMEOUT_DURATION, DirtyReactorAggregateError

__all__ = ["DEFAULT_TIMEOUT_DURATION", "acquireAttribute", "openTestLog", "profiled"]

_MARKER = "_trial_marker"
_MISSING = object()


class NoMarkerError(Exception):
    """A folder was to be removed that has no file to say that it is one of trial's."""


class Janitor:
    """Looks at what a test has left in a reactor, ends it, and tells the result."""

    def __init__(self, test: Any, result: Any, reactor: Any = None) -> None:
        self.test = test
        self.result = result
        self._reactor = reactor

    def _getReactor(self) -> Any:
        return getReactor() if self._reactor is None else self._reactor

    def postCaseCleanup(self) -> bool:
        """Cancel the delayed calls, after a test. Returns whether there was none; otherwise the result is told."""
        return self._tell(self._cleanPending(), [])

    def postClassCleanup(self) -> None:
        """Cancel the delayed calls and end all else, after the tests of a class; tell the result if there was any."""
        others = self._cleanReactor()
        self._tell(self._cleanPending(), others)

    def _tell(self, calls: list[str], others: list[str]) -> bool:
        if calls or others:
            self.result.addError(self.test, Failure(DirtyReactorAggregateError(calls, others)))
        return not (calls or others)

    def _cleanPending(self) -> list[str]:
        reactor = self._getReactor()
        # Twice, for what the first turn gives rise to.
        reactor.iterate(0)
        reactor.iterate(0)
        names = []
        for call in reactor.getDelayedCalls():
            if call.active():
                names.append(str(call))
                call.cancel()
        return names

    def _cleanReactor(self) -> list[str]:
        names = []
        for selectable in self._getReactor().removeAll():
            if provides(IProcessTransport, selectable):
                selectable.signalProcess("KILL")
            names.append(repr(selectable))
        return names


def excInfoOrFailureToExcInfo(err: Any) -> Any:
    """Of a Failure, what `sys.exc_info` would have given; anything else itself."""
    return (err.type, err.value, err.getTracebackObject()) if isinstance(err, Failure) else err


def acquireAttribute(objects: Iterable[object], attr: str, default: Any = _MISSING) -> Any:
    """The attribute of the first of these objects that has it; `default`, or AttributeError, if none has."""
    for holder in objects:
        if hasattr(holder, attr):
            return getattr(holder, attr)
    if default is _MISSING:
        raise AttributeError(f"no attribute {attr!r} in {objects!r}")
    return default


def openTestLog(path: Any) -> IO[str]:
    """Open the log file at a `FilePath` to be written to at its end, as UTF-8."""
    path.parent().makedirs(ignoreExistingDirectory=True)
    return open(path.path, "a", encoding="utf-8", errors="strict")


def profiled(f: Callable[..., Any], outputFile: str) -> Callable[..., Any]:
    """`f`, each call of which writes to the file where its time went (for `pstats`)."""

    def measured(*args: Any, **kwargs: Any) -> Any:
        import cProfile

        profiler = cProfile.Profile()
        try:
            return profiler.runcall(f, *args, **kwargs)
        finally:
            profiler.dump_stats(outputFile)

    return measured


def remove_safely(path: Any) -> None:
    """Remove a folder (a `FilePath`) of trial's; move it out of the way if it cannot be removed."""
    marker = _MARKER.encode() if isinstance(path.path, bytes) else _MARKER
    if not path.child(marker).exists():
        raise NoMarkerError(f"{path!r} has no {_MARKER} in it, and so is not removed")
    try:
        path.remove()
    except OSError as wrong:
        print(f"could not remove {path!r}: {wrong}")
        aside = f"{_MARKER}_old{os.getpid()}"
        path.moveTo(path.sibling(os.fsencode(aside) if isinstance(path.path, bytes) else aside))


def list_to_phrase(things: Sequence[object], finalDelimiter: str, delimiter: str = ", ") -> str:
    """``a, b, and c``: the texts of `things`. TypeError if it is no list or tuple."""
    if not isinstance(things, (list, tuple)):
        raise TypeError("Things must be a list or a tuple")
    texts = [str(thing) for thing in things]
    if len(texts) < 3:
        return f" {finalDelimiter} ".join(texts)
    return f"{delimiter.join(texts[:-1])}{delimiter}{finalDelimiter} {texts[-1]}"
