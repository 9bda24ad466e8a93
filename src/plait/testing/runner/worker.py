"""A process that runs some of the tests, and says over its standard streams what becomes of them.

It loads all of them, as the process does that started it, and runs those that it is told the keys of.
"""

from __future__ import annotations

import faulthandler
import io
import os
import sys
from importlib import import_module
from typing import IO, Any

from plait.failure import safe_str
from plait.log.legacy import addObserver
from plait.testing.marks import Todo
from plait.testing.runner.command import Settings, load
from plait.testing.runner.folder import MARKER
from plait.testing.runner.interfaces import Error
from plait.testing.runner.result import TestResult, asFailure
from plait.testing.runner.running import logging_to, warnings_logged
from plait.testing.runner.suites import LoggedSuite, iterate
from plait.testing.runner.tracebacks import format_failure, kind_of
from plait.testing.runner.wire import Key, Sender, keyed, receive
from plait.testing.runner.wrappers import CollectingWrapper


class SendingResult(TestResult):
    """A result that says all over a pipe."""

    def __init__(self, sender: Sender, tbformat: str) -> None:
        super().__init__()
        self._sender = sender
        self.tbformat = tbformat
        self.keys: dict[int, Key] = {}

    def startTest(self, method: Any) -> None:
        super().startTest(method)
        self._sender.send({"start": self.keys.get(id(method), (method.id(), 0))})

    def stopTest(self, method: Any) -> None:
        super().stopTest(method)
        self._sender.send({"stop": self._lastTime})

    def _outcome(self, kind: str, test: Any, **details: Any) -> None:
        self._sender.send({"outcome": kind, "test": test.id(), **details})

    def _failed(self, kind: str, test: Any, error: Error, **details: Any) -> None:
        failure = asFailure(error)
        text = format_failure(failure, self.tbformat)
        dirty = failure.check("plait.testing.steps.DirtyReactorAggregateError") is not None
        details |= {"class": kind_of(failure), "message": failure.getErrorMessage(), "text": text, "dirty": dirty}
        self._outcome(kind, test, **details)

    def addSuccess(self, test: Any) -> None:
        self._outcome("success", test)

    def addError(self, test: Any, error: Error) -> None:  # type: ignore[override]
        self._failed("error", test, error)

    def addFailure(self, test: Any, fail: Error) -> None:  # type: ignore[override]
        self._failed("failure", test, fail)

    def addSkip(self, test: Any, reason: Any) -> None:
        self._outcome("skip", test, reason=safe_str(reason))

    def addExpectedFailure(self, test: Any, error: Error, todo: Todo | None = None) -> None:  # type: ignore[override]
        super().addExpectedFailure(test, error, todo)
        self._failed("todo", test, error, reason=self.expectedFailures.pop()[2].reason)

    def addUnexpectedSuccess(self, test: Any, todo: Todo | None = None) -> None:
        super().addUnexpectedSuccess(test, todo)
        self._outcome("unexpected", test, reason=self.unexpectedSuccesses.pop()[1].reason)


class Printed(io.TextIOBase):
    """What tests print, sent at once: so it is not lost with the process."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.buffer = sys.__stdout__.buffer if sys.__stdout__ is not None else None

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text:
            self._sender.send({"out": text})
        return len(text)


def main() -> None:
    """Run what is asked for over standard input, until that ends."""
    requests, replies = _take_over_streams()
    sender = Sender(replies)
    messages = receive(requests)
    asked = next(messages)
    sys.path[:] = asked["path"]
    for function in asked["prepare"]:
        module, _, name = function.partition(":")
        getattr(import_module(module), name)()
    settings = Settings(**asked["settings"])
    os.chdir(asked["start"])
    suite = load(settings)
    folder = asked["folder"]
    os.makedirs(folder)
    os.chdir(folder)
    with open(MARKER, "w"):
        pass
    _print_to("out.log")
    faulthandler.enable(2)
    sys.stdout = sys.stderr = Printed(sender)
    tests = dict(keyed(iterate(suite)))

    def warn(event: dict[str, Any]) -> None:
        if "warning" in event:
            category = event["category"]
            name = category.__name__ if isinstance(category, type) else str(category)
            sender.send({"warning": [str(event["warning"]), name, event["filename"], event["lineno"]]})

    with logging_to(settings.logfile if not os.path.isabs(settings.logfile) else "test.log"):
        with warnings_logged(show=not settings.suppressWarnings):
            addObserver(warn)
            sender.send({"ready": len(tests)})
            for unit in messages:
                keys = [(name, number) for name, number in unit]
                missing = [key for key in keys if key not in tests]
                if missing:
                    sender.send({"missing": missing})
                result = SendingResult(sender, settings.tbformat)
                result.keys = {id(tests[key]): key for key in keys if key in tests}
                listener: Any = CollectingWrapper(result) if settings.forceGC else result
                LoggedSuite([tests[key] for key in keys if key in tests]).run(listener)
                sender.send({"done": True, "interrupted": result.shouldStop})


def _take_over_streams() -> tuple[IO[bytes], IO[bytes]]:
    """The pipes that were given as standard streams, out of the reach of tests; standard input is then empty."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    # Until the folder is there, what is printed goes where the errors of the command go.
    os.dup2(2, 1)
    return requests, replies


def _print_to(path: str) -> None:
    """Send what is printed past Python, by a crash or by another program, to a file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


if __name__ == "__main__":
    main()
