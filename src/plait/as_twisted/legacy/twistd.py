"""`twisted.scripts.twistd`: the daemon runner of old, with its options: ``python -m plait.as_twisted twistd -noy app.tac``."""

from __future__ import annotations

from typing import Any

from plait.as_twisted.legacy import apprunner
from plait.as_twisted.legacy.twistdunix import ServerOptions
from plait.as_twisted.legacy.twistdunix import UnixApplicationRunner as _SomeApplicationRunner

__all__ = ["ServerOptions", "run", "runApp"]


def runApp(config: Any) -> None:
    """Run what the options say, to its end; if a signal has ended it, so ends the process."""
    runner = _SomeApplicationRunner(config)
    runner.run()
    if runner._exitSignal is not None:
        apprunner.exit_with_signal(runner._exitSignal)


def run() -> None:
    """The command."""
    apprunner.run(runApp, ServerOptions)
