"""Tests in several processes at a time: a worker each, and one report in the order of the tests.

What a worker says is kept until all tests before it have been reported, so that the report is the same as that of one
process. A worker that dies is an error of the test that it ran; another takes its place.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import unittest
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from plait.log.legacy import msg
from plait.testing.marks import makeTodo
from plait.testing.runner.running import TrialRunner
from plait.testing.runner.suites import TestHolder, iterate
from plait.testing.runner.tracebacks import RemoteFailure
from plait.testing.runner.wire import Key, Message, Sender, keyed, receive

if TYPE_CHECKING:
    from plait.testing.runner.command import Settings

# Workers in a row that die before they have begun a test; then something is wrong that another would not mend.
_MOST_FALSE_STARTS = 3

# What one test prints is kept in memory until its turn to be reported; a reader does not miss the rest.
_MOST_PRINTED = 100_000

# Seconds in which a worker that has nothing to do any more may end by itself, before it is ended.
_GRACE = 5.0

# How much of what a dead worker has printed goes into the error, in bytes: a crash of Python takes a few hundred.
_LAST_WORDS = 2000


@dataclass
class Record:
    """One test, and what its worker has said of it."""

    key: Key
    test: Any
    messages: list[Message] = field(default_factory=list)
    printed: int = 0
    finished: bool = False
    begun: bool = False


class WorkerDied(Exception):
    """The process in which a test ran has ended before the test did."""


class Worker:
    """A process, the thread that reads what it says, and the tests that it was given."""

    def __init__(self, number: int, hello: Message, said: queue.Queue[tuple[Worker, Message | None]]) -> None:
        self.number = number
        self.folder: str = hello["folder"]
        self.unit: deque[Record] = deque()
        self.current: Record | None = None
        self.ready = self.dismissed = self.busy = False
        self.last: Record | None = None
        self.process = subprocess.Popen(
            [sys.executable, *(f"-W{option}" for option in sys.warnoptions), "-m", "plait.testing.runner.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Python finds this package before it is told of the path.
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, hello["path"]))},
            cwd=hello["start"],
            # Ctrl-C is for the process that reports; and what a test has started can be ended with its worker.
            start_new_session=True,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._sender = Sender(self.process.stdin)
        self._said = said
        threading.Thread(target=self._listen, daemon=True).start()
        self.tell(hello)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for message in receive(self.process.stdout):
            self._said.put((self, message))
        self._said.put((self, None))

    def tell(self, message: Any) -> None:
        """Send a message, if the process is still there; that it is not, its listener will say."""
        try:
            self._sender.send(message)
        except OSError:
            pass

    def give(self, unit: Sequence[Record]) -> None:
        """Have it run these tests."""
        self.unit = deque(unit)
        self.busy = True
        self.tell([record.key for record in unit])

    def dismiss(self) -> None:
        """Let it come to its end."""
        self.dismissed = True
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
        except OSError:
            pass

    def end(self) -> None:
        """End the process, and what it has started."""
        if self.dismissed:
            try:
                self.process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                pass
        else:
            self.dismiss()
        assert self.process.stdout is not None
        if sys.platform == "win32":
            self.process.kill()
        else:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process.stdout.close()

    def epitaph(self) -> str:
        """How it died, and its last words."""
        code = self.process.wait()
        if code < 0:
            how = f"was killed by {signal.Signals(-code).name}"
        else:
            how = f"ended with status {code}"
        text = f"the worker process {how}"
        try:
            with open(os.path.join(self.folder, "out.log"), "rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _LAST_WORDS))
                words = file.read().decode(errors="replace").strip()
        except OSError:
            words = ""
        return f"{text}; the last that it printed:\n{words}" if words else text


class JobsRunner(TrialRunner):
    """Runs tests in `jobs` processes. See `TrialRunner` for the rest."""

    def __init__(self, *args: Any, settings: Settings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings
        self._start = os.getcwd()

    def _run_tests(self, test: Any, result: Any) -> None:
        """Run the tests in workers, and report as if it had been done here."""
        records = [Record(key, each) for key, each in keyed(iterate(test))]
        run = _Run(records, self._settings, self._start, result)
        try:
            run.run()
        except KeyboardInterrupt:
            result.shouldStop = True
        finally:
            run.end()


class _Run:
    """One run: who does what, and what has been reported."""

    def __init__(self, records: list[Record], settings: Settings, start: str, result: Any) -> None:
        self.records = records
        self.waiting = deque(_units(records))
        self.settings = settings
        self.result = result
        self.start = start
        self.said: queue.Queue[tuple[Worker, Message | None]] = queue.Queue()
        self.workers: list[Worker] = []
        self.started = 0
        self.false_starts = 0
        self.reported = 0

    def run(self) -> None:
        """Until all is reported, or no more is wanted."""
        for _ in range(min(self.settings.jobs, len(self.waiting))):
            self.hire()
        while not self.result.shouldStop:
            # A worker that is done with its tests may still have fixtures to take down.
            if self.reported == len(self.records) and not any(worker.busy for worker in self.workers):
                return
            worker, message = self.said.get()
            if message is None:
                self.bury(worker)
            else:
                self.hear(worker, message)
            self.report()

    def hire(self) -> None:
        """Start another worker."""
        hello = {
            "path": [os.path.join(self.start, place) for place in sys.path],
            "prepare": _preparations(),
            "settings": asdict(self.settings),
            "start": self.start,
            "folder": os.path.abspath(f"worker-{self.started}"),
        }
        self.workers.append(Worker(self.started, hello, self.said))
        self.started += 1

    def hear(self, worker: Worker, message: Message) -> None:
        """Take in what a worker says."""
        if "ready" in message:
            worker.ready = True
            self.false_starts = 0
            self.employ(worker)
        elif "missing" in message:
            for key in message["missing"]:
                record = next(record for record in worker.unit if record.key == tuple(key))
                self.fail(record, LookupError("the worker process has no such test"))
        elif "done" in message:
            worker.busy = False
            for record in worker.unit:
                record.finished = True  # a fixture of its class or module has failed, or said to skip it
            if message["interrupted"]:
                self.result.shouldStop = True
            self.employ(worker)
        elif "start" in message:
            key = tuple(message["start"])
            worker.current = next((record for record in worker.unit if record.key == key), None)
            if worker.current is not None:
                worker.current.begun = True
                worker.unit.remove(worker.current)
        elif worker.current is not None:
            record = worker.current
            if "out" in message:
                message["out"] = message["out"][: _MOST_PRINTED - record.printed]
                record.printed += len(message["out"])
            record.messages.append(message)
            if "stop" in message:
                record.finished = True
                worker.last, worker.current = record, None
        elif "outcome" in message:
            # Not in a test: a fixture of a class or a module, or an error that was logged between tests.
            self.tell(message, TestHolder(message["test"]))
        elif "out" in message:
            sys.stdout.write(message["out"])

    def employ(self, worker: Worker) -> None:
        """Give it what is next, or send it home."""
        if self.waiting:
            worker.give(self.waiting.popleft())
        else:
            worker.dismiss()

    def bury(self, worker: Worker) -> None:
        """A worker has ended: by order, or in the middle of its work."""
        self.workers.remove(worker)
        left = list(worker.unit)
        if worker.current is not None:
            self.fail(worker.current, WorkerDied(worker.epitaph()))
        elif not worker.ready:
            self.false_starts += 1
        elif left:
            # Between two tests: by a fixture, or by what a test has left behind. The next test did not come about.
            self.fail(left.pop(0), WorkerDied(worker.epitaph()))
        elif worker.busy and worker.last is not None:
            holder = TestHolder(f"after {worker.last.key[0]}")
            self.tell_outcome(_error(holder.id(), WorkerDied(worker.epitaph())), holder)
        worker.end()
        if left:
            self.waiting.appendleft(left)
        if self.false_starts >= _MOST_FALSE_STARTS:
            error = WorkerDied(f"{worker.epitaph()}, before it ran a test; so did those before it")
            for unit in self.waiting:
                for record in unit:
                    self.fail(record, error)
            self.waiting.clear()
        elif self.waiting:
            self.hire()

    def fail(self, record: Record, error: Exception) -> None:
        """Note that a test could not be run, or not to its end."""
        record.messages.append(_error(record.key[0], error))
        record.begun = record.finished = True

    def report(self) -> None:
        """Report the tests whose turn it is."""
        while self.reported < len(self.records) and self.records[self.reported].finished:
            record = self.records[self.reported]
            self.reported += 1
            if not record.begun:
                continue
            self.result.startTest(record.test)
            for message in record.messages:
                self.tell(message, record.test)
            self.result.stopTest(record.test)
            record.messages.clear()
            if self.result.shouldStop:
                return

    def tell(self, message: Message, test: Any) -> None:
        """Pass one message on to the reporter."""
        if "out" in message:
            sys.stdout.write(message["out"])
        elif "warning" in message:
            text, category, filename, lineno = message["warning"]
            msg(
                f"{filename}:{lineno}: {category}: {text}",
                warning=text,
                category=category,
                filename=filename,
                lineno=lineno,
            )
        elif "stop" in message:
            self.result.addDuration(test, message["stop"])
        elif "outcome" in message:
            subject = test if message["test"] == test.id() else TestHolder(message["test"])
            self.tell_outcome(message, subject)

    def tell_outcome(self, message: Message, test: Any) -> None:
        """Pass on what became of a test."""
        kind = message["outcome"]
        if kind == "success":
            self.result.addSuccess(test)
        elif kind == "skip":
            self.result.addSkip(test, message["reason"])
        elif kind == "unexpected":
            self.result.addUnexpectedSuccess(test, makeTodo(message["reason"]))
        else:
            failure = RemoteFailure(message["class"], message["message"], message["text"], message["dirty"])
            if kind == "error":
                self.result.addError(test, failure)
            elif kind == "failure":
                self.result.addFailure(test, failure)
            else:
                self.result.addExpectedFailure(test, failure, makeTodo(message["reason"]))

    def end(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.end()


def _error(test: str, error: Exception) -> Message:
    """What a worker would have said of an error."""
    text = f"{type(error).__module__}.{type(error).__qualname__}: {error}\n"
    details = {"class": type(error).__qualname__, "message": str(error), "text": text, "dirty": False}
    return {"outcome": "error", "test": test, **details}


def _units(records: list[Record]) -> list[list[Record]]:
    """What has to be run in one process: tests that share a fixture of their class or module; else each test alone."""
    units: list[list[Record]] = []
    for owner, group in groupby(records, lambda record: _fixture_owner(record.test)):
        if owner is None:
            units.extend([record] for record in group)
        else:
            units.append(list(group))
    return units


def _fixture_owner(test: Any) -> Any:
    """The module or the class whose fixtures are made before the test; None if there are none."""

    klass = type(test)
    module = sys.modules.get(klass.__module__)
    if hasattr(module, "setUpModule") or hasattr(module, "tearDownModule"):
        return module
    for name in ("setUpClass", "tearDownClass"):
        own = getattr(getattr(klass, name, None), "__func__", None)
        if own is not None and own is not getattr(unittest.TestCase, name).__func__:
            return klass
    return None


def _preparations() -> list[str]:
    """What a worker has to call first, so that names mean the same to it."""
    alias = sys.modules.get("plait.as_twisted.finder")
    return ["plait.as_twisted.finder:install"] if alias is not None and alias.installed() else []
