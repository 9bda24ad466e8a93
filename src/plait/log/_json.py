"""Events as JSON: flat lines for programs that collect logs, and whole events that can be read back.

`jsonLinesLogObserver` writes what such a program expects: one object to a line, with the text and all values. What
`jsonFileLogObserver` writes can be turned into events again (`eventsFromJSONLogFile`): a level is a level, a failure a
`Failure`, and the text comes out as it would have (`plait.log.flattenEvent`). Its records are a JSON text sequence (RFC 7464).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from plait.failure import Failure, Frame
from plait.log._file import FileLogObserver, Writable
from plait.log._flatten import flattenEvent
from plait.log._format import formatEvent, safe_repr, safe_str, traceback_of
from plait.log._levels import InvalidLogLevelError, LogLevel
from plait.log._logger import Logger
from plait.log._publisher import LogEvent

log = Logger()

RECORD_SEPARATOR = "\x1e"

# The names under which these classes are written; readers of other programs know them, too.
_CLASS = "__class_uuid__"
_LEVEL = str(UUID("02E59486-F24D-46AD-8224-3ACDF2A5732A")).upper()
_FAILURE = str(UUID("E76887E2-20ED-49BF-A8F8-BA25CC586F2D")).upper()


def jsonLinesLogObserver(outFile: Writable) -> FileLogObserver:
    """An observer that writes each event as one flat JSON object on a line of its own.

    The keys are ``time`` (ISO 8601, UTC), ``level``, ``namespace``, ``message``; ``traceback`` if there is one; and the
    event's own values by their names, an underscore behind those that are taken: as JSON if they are of JSON's kinds, as
    text if not.
    """
    return FileLogObserver(outFile, eventAsJSONLine)


def eventAsJSONLine(event: Mapping[str, Any]) -> str:
    """The event as such a line, its end included. Whatever is in the event, nothing is raised."""
    failure = event.get("log_failure")
    level = event.get("log_level")
    line: dict[str, Any] = {
        "time": _time(event.get("log_time")),
        "level": safe_str(getattr(level, "name", level)) if level is not None else None,
        "namespace": _text(event.get("log_namespace")),
        "message": formatEvent(event) or (safe_str(getattr(failure, "value", failure)) if failure is not None else ""),
    }
    if failure is not None:
        line["traceback"] = traceback_of(failure)
    for key, value in event.items():
        name = key if isinstance(key, str) else safe_str(key)
        if name.startswith("log_"):
            continue
        while name in line:
            name += "_"
        line[name] = _plain(value)
    return json.dumps(line) + "\n"  # in ASCII: no half of a pair of surrogates can spoil a line


def _time(when: object) -> str | None:
    try:
        return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds")  # type: ignore[arg-type]
    except (OverflowError, ValueError, OSError, TypeError):
        return None


def _text(value: object) -> str | None:
    return None if value is None else safe_str(value)


# Deeper than this nobody looks, and a container may hold itself.
_DEEPEST = 6
_MAX_ITEMS = 1000
_MAX_INT = 2**63  # what is larger is no number any more for most readers


def _plain(value: Any, depth: int = 0) -> Any:
    """`value` as what JSON knows. Only the plain types themselves: a subclass may do anything when it is looked at."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_MAX_INT <= value < _MAX_INT else safe_repr(value)
    if kind is float:
        return value if math.isfinite(value) else repr(value)
    if kind is bytes:
        return value.decode("utf-8", "backslashreplace")
    if depth < _DEEPEST:
        if kind in (list, tuple) and len(value) <= _MAX_ITEMS:
            return [_plain(item, depth + 1) for item in value]
        if kind is dict and len(value) <= _MAX_ITEMS:
            return {key if type(key) is str else safe_str(key): _plain(item, depth + 1) for key, item in value.items()}
    return safe_str(value)


# -- events that can be read back


def eventAsJSON(event: LogEvent) -> str:
    """The event as JSON in one line. It is flattened first, see `plait.log.flattenEvent`: what is not of JSON's kinds can then
    still be formatted. Such values become ``{"unpersistable": true}``; bytes become text (Latin-1); keys that are not text
    are left out, but for those that JSON turns into text.
    """
    flattenEvent(event)
    return json.dumps(event, default=_as_json, skipkeys=True)


def eventFromJSON(eventText: str) -> LogEvent:
    """The event that `eventAsJSON` has written. ValueError if it is no JSON."""
    event: LogEvent = json.loads(eventText, object_hook=_from_json)
    return event


def jsonFileLogObserver(outFile: Writable, recordSeparator: str = RECORD_SEPARATOR) -> FileLogObserver:
    """An observer that writes events as `eventAsJSON` does, a separator before each and a line end behind it."""
    return FileLogObserver(outFile, lambda event: f"{recordSeparator}{eventAsJSON(dict(event))}\n")


def eventsFromJSONLogFile(
    inFile: IO[Any], recordSeparator: str | None = None, bufferSize: int = 4096
) -> Iterable[LogEvent]:
    """The events in a file that `jsonFileLogObserver` has written; one that cannot be read is left out, and logged.

    :param inFile: a text file, or a binary one in UTF-8.
    :param recordSeparator: what stands before each; if None, that is the first character if it is `RECORD_SEPARATOR`, else
        nothing, and each line is one event.
    :param bufferSize: how much to read at a time.
    """
    read = _bytes_of(inFile)
    begun = read(1) if recordSeparator is None else b""
    if recordSeparator is None:
        separator = begun if begun == RECORD_SEPARATOR.encode() else b""
    else:
        separator = recordSeparator.encode("utf-8")
    ends = separator or b"\n"
    while piece := read(bufferSize):
        *records, begun = (begun + piece).split(ends)
        for record in records:
            yield from _read(record if separator else record + b"\n", separator)
    yield from _read(begun, separator)


def _bytes_of(file: IO[Any]) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        piece = file.read(size)
        return piece.encode("utf-8") if isinstance(piece, str) else piece

    return read


def _read(record: bytes, separator: bytes) -> Iterable[LogEvent]:
    if not record.strip():
        return
    if separator and not record.endswith(b"\n"):
        log.error("Unable to read truncated JSON record: {record!r}", record=record)
        return
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError:
        log.error("Unable to decode UTF-8 for JSON record: {record!r}", record=record)
        return
    try:
        yield eventFromJSON(text)
    except ValueError:
        log.error("Unable to read JSON record: {record!r}", record=record)


def _as_json(value: object) -> Any:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, LogLevel):
        return {_CLASS: _LEVEL, "name": value.name}
    if isinstance(value, Failure):
        return {
            _CLASS: _FAILURE,
            "type": {"__module__": value.type.__module__, "__name__": value.type.__qualname__},
            "value": value.getErrorMessage(),
            "parents": value.parents,
            "frames": [[frame.name, frame.file, frame.line, [], []] for frame in value.frames],
        }
    return {"unpersistable": True}


def _from_json(value: dict[str, Any]) -> Any:
    kind = value.get(_CLASS)
    if kind == _LEVEL:
        try:
            return LogLevel.levelWithName(value["name"])
        except (KeyError, InvalidLogLevelError):
            return None
    if kind == _FAILURE:
        return _failure_from(value)
    return value


class RememberedError(Exception):
    """Stands for the exception of a failure that was read from a log: it has its text."""


def _failure_from(state: dict[str, Any]) -> Failure:
    """The failure that was written. `Failure.check` knows the classes that it was of; its value is a `RememberedError`."""
    try:
        failure = Failure(RememberedError(str(state["value"])))
        failure.type = f"{state['type']['__module__']}.{state['type']['__name__']}"  # type: ignore[assignment]
        failure.parents = [str(name) for name in state["parents"]]
        failure.frames = [Frame(*frame) for frame in state["frames"]]
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no failure: {error}") from error
    return failure
