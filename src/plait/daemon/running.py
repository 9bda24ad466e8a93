"""How the reactor is run: plainly, under a profiler, or in the debugger."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from plait.daemon.errors import StartError, reason
from plait.log import Logger

_log = Logger(namespace="plait.daemon")

PROFILERS = ("cprofile", "profile")


def check_profile(path: str) -> None:
    """See that the profile can be written in the end: that is no time to find out. StartError if not."""
    try:
        with open(path, "a"):
            pass
    except OSError as error:
        raise StartError(f"cannot write the profile {path}: {reason(error)}") from error


@contextlib.contextmanager
def profiled(
    path: str, profiler: str = "cprofile", as_stats: bool = False
) -> Iterator[Callable[[Callable[[], Any]], Any]]:
    """Gives ``call(function)``, which runs a function under a profiler; what that has seen is written to `path` in the end.

    As a table for reading, sorted by the time in each function with all that it calls; or, `as_stats`, for `pstats`.
    """
    if profiler == "profile":
        from profile import Profile
    else:
        from cProfile import Profile  # type: ignore[assignment]
    import pstats

    profile = Profile()
    try:
        yield profile.runcall
    finally:
        try:
            if as_stats:
                profile.dump_stats(path)
            else:
                with open(path, "w", encoding="utf-8") as file:
                    pstats.Stats(profile, stream=file).sort_stats("cumulative").print_stats()
        except OSError as error:
            _log.error("Cannot write the profile {path}: {reason}", path=path, reason=reason(error))


def in_debugger(function: Callable[[], Any]) -> Any:
    """Call a function in pdb, which stops before its first line: ``c`` lets it run, Ctrl-C then comes back."""
    import pdb
    import signal

    debugger = pdb.Pdb()

    def interrupted(number: int, frame: Any) -> None:
        debugger.set_trace(frame)

    signal.signal(signal.SIGINT, interrupted)  # the reactor leaves a handler alone that is not Python's own
    return debugger.runcall(function)
