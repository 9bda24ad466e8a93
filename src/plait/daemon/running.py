"""The reactor: which one, and how it is run: plainly, under a profiler, or in the debugger."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from plait.current import getReactor
from plait.daemon.errors import StartError, reason
from plait.daemon.options import Options
from plait.engine import Reactor
from plait.engine.reactor import setDefaultReactor
from plait.errors import UnknownEngineError
from plait.log import Logger

_log = Logger(namespace="plait.daemon")


# What may stand behind twistd's --reactor, and is one thing here.
_TWISTED_REACTORS = frozenset(("default", "select", "poll", "epoll", "kqueue", "iocp"))


def make_reactor(engine: str | None) -> Any:
    """The default reactor, on the loop that `engine` names. StartError if there is no such loop."""
    # Before the application file is run: that would be the first to use the reactor, and be blamed for it.
    try:
        if engine in _TWISTED_REACTORS:
            _log.info("There is one reactor, on the event loop of your choice: {name} means the default.", name=engine)
        elif engine is not None:
            setDefaultReactor(Reactor(engine=engine))
        reactor = getReactor()
        reactor.seconds()  # a reactor makes its loop when it is first asked something
        return reactor
    except UnknownEngineError as error:
        raise StartError(str(error)) from error


def run_reactor(options: Options, reactor: Any, installSignalHandlers: bool = True) -> None:
    """Run it, as the options say, until it is stopped."""
    if options.debug:
        in_debugger(reactor.run)
    elif options.profile is not None:
        with profiled(os.path.abspath(options.profile), options.profiler, options.save_stats) as call:
            call(reactor.run)
    else:
        reactor.run(installSignalHandlers)


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
