"""What the processes of a run say to each other: lines of JSON over pipes.

To a worker: its settings, then one unit of work after the other, a list of keys. From a worker: "ready", then for each
test "start", what it prints ("out"), "warning", outcomes, and "stop"; of each unit first what is "missing" there, if
anything is, and in the end "done".

A *key* is a test's name, and a number that tells tests of the same name apart.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import IO, Any, TypeAlias

Key: TypeAlias = tuple[str, int]

Message: TypeAlias = dict[str, Any]


class Sender:
    """Writes messages to a pipe, one at a time, from any thread."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lock = threading.Lock()

    def send(self, message: Message | list[Any]) -> None:
        """Write a message. OSError if nobody reads any more."""
        line = json.dumps(message).encode("ascii") + b"\n"
        with self._lock:
            self._file.write(line)
            self._file.flush()


def receive(file: IO[bytes]) -> Iterator[Any]:
    """The messages that come over a pipe, until it is closed or the sender breaks off."""
    for line in file:
        if not line.endswith(b"\n"):
            return
        yield json.loads(line)


def keyed(tests: Iterable[Any]) -> Iterator[tuple[Key, Any]]:
    """Each test with its key."""
    seen: Counter[str] = Counter()
    for test in tests:
        name = test.id()
        yield (name, seen[name]), test
        seen[name] += 1
