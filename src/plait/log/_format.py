"""Events as text, whatever is in them.

Nothing here raises because of a value in an event: the log is where a program turns when something is broken,
so a value that cannot be shown becomes a text that says so.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from string import Formatter
from typing import Any

from plait.failure import Failure

TIME_FORMAT = timeFormatRFC3339 = "%Y-%m-%dT%H:%M:%S%z"

FLATTENED = "log_flattened"
"""The key under which `plait.log.flattenEvent` keeps what the format shows."""

# An event that cannot be formatted is shown as its raw values; a megabyte of them helps nobody.
_MAX_VALUE = 1000
_MAX_EVENT = 10 * _MAX_VALUE

_FIRST = re.compile(r"[^.\[(]+")
_NEXT = re.compile(r"\.(?P<attribute>[^.\[(]+)|\[(?P<index>[^\]]+)\]|(?P<call>\(\))")

# C0 and C1 controls (a terminal obeys them), the two Unicode line breaks, but not the tab.
_CONTROLS = {c: f"\\x{c:02x}" for c in [*range(0x20), *range(0x7F, 0xA0)] if c != 0x09}
_CONTROLS |= {0x0A: "\\n", 0x0D: "\\r", 0x2028: "\\u2028", 0x2029: "\\u2029"}
_CONTROLS_IN_LINES = {c: text for c, text in _CONTROLS.items() if c != 0x0A}


class _EventFormatter(Formatter):
    """Format strings in which a field may go on with ``.attribute``, ``[index]`` and ``()``, in any order."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        first = _FIRST.match(field_name)
        if first is None:
            raise ValueError(f"a field of the format begins without a name: {field_name!r}")
        value = kwargs[first[0]]
        at = first.end()
        while at < len(field_name):
            step = _NEXT.match(field_name, at)
            if step is None:
                raise ValueError(f"cannot read the field {field_name!r} of the format")
            if step["attribute"] is not None:
                value = getattr(value, step["attribute"])
            elif step["index"] is not None:
                index = step["index"]
                value = value[int(index) if index.isdecimal() else index]
            else:
                value = value()
            at = step.end()
        return value, first[0]

    def check_unused_args(self, used_args: object, args: object, kwargs: object) -> None:
        """An event may hold more than its format shows."""


aFormatter = _EventFormatter()


class KeyFlattener:
    """Names for the fields of one format: the second ``{x}`` is another field, as a call may give another value."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, int] = defaultdict(int)

    def flatKey(self, fieldName: str, formatSpec: str | None, conversion: str | None) -> str:
        """``name!conversion:format``, and ``/2`` behind it for the second of that name."""
        key = f"{fieldName}!{conversion or ''}:{formatSpec or ''}"
        self._seen[key] += 1
        return key if self._seen[key] == 1 else f"{key}/{self._seen[key]}"


def safe_str(value: object) -> str:
    """`str`, or a text that says why not."""
    try:
        return str(value)
    except Exception as error:
        return _unprintable("str", value, error)


def safe_repr(value: object) -> str:
    """`repr`, or a text that says why not."""
    try:
        return repr(value)
    except Exception as error:
        return _unprintable("repr", value, error)


def _unprintable(what: str, value: object, error: Exception) -> str:
    try:
        why = f"{type(error).__name__}: {error}"
    except Exception:
        why = type(error).__name__
    return f"<{what}() of {type(value).__name__} object at {id(value):#x} raised {why}>"


def escape_line(text: str) -> str:
    """`text` without anything that could end the line or move a terminal's cursor."""
    return text if text.isprintable() else text.translate(_CONTROLS)


def escape_lines(text: str) -> str:
    """`text` with its line breaks, but nothing else that a terminal would obey."""
    return text.translate(_CONTROLS_IN_LINES)


def formatEvent(event: Mapping[str, Any]) -> str:
    """The event's ``log_format`` with its values filled in; "" if it has no format.

    Fields are those of `str.format`, and a call may be part of one: ``{request.path}``, ``{sizes[0]:>8}``,
    ``{peer.getHost()!r}``. If that does not work the text says so, and shows the values that there are.
    """
    try:
        format = event.get("log_format")
        if format is None:
            return ""
        if isinstance(format, bytes):
            format = format.decode("utf-8")
        if not isinstance(format, str):
            raise TypeError(f"Log format must be str, not {format!r}")
        if FLATTENED in event:
            return _format_flattened(format, event[FLATTENED])
        return aFormatter.vformat(format, (), event)
    except Exception as error:
        return formatUnformattableEvent(event, error)


def _format_flattened(format: str, flattened: Mapping[str, Any]) -> str:
    keys = KeyFlattener()
    parts = []
    for text, name, spec, conversion in aFormatter.parse(format):
        parts.append(text)
        if name is not None:
            parts.append(str(flattened[keys.flatKey(name, spec, conversion)]))
    return "".join(parts)


def formatWithCall(formatString: str, mapping: Mapping[str, Any]) -> str:
    """`str.format` for one mapping, where a field may be or have a call: ``{name()}``. Raises what the values raise."""
    return aFormatter.vformat(formatString, (), mapping)


def formatUnformattableEvent(event: Mapping[str, Any], error: BaseException) -> str:
    """What there is to show of an event whose format has met with an error."""
    try:
        text = repr(event)
    except Exception:
        return _recoverable(event, error)
    if len(text) > _MAX_EVENT:
        return _recoverable(event, error)
    try:
        return f"Unable to format event {text}: {type(error).__name__}: {error}"
    except Exception:
        return _recoverable(event, error)


def _recoverable(event: Mapping[str, Any], error: BaseException) -> str:
    try:
        data = ", ".join(f"{_cut(key)} = {_cut(value)}" for key, value in event.items())
    except Exception:
        data = "none"
    try:
        why = f"{type(error).__name__}: {error}"
    except Exception:
        why = type(error).__name__
    return f"MESSAGE LOST: unformattable object logged: Recoverable data: {data}; Exception during formatting: {why}"


def _cut(value: object) -> str:
    return safe_repr(value)[:_MAX_VALUE]


def formatTime(when: float | None, timeFormat: str | None = TIME_FORMAT, default: str = "-") -> str:
    """A time in seconds since the epoch as local time; `default` if there is no time or no format.

    `timeFormat` is that of `datetime.datetime.strftime`.
    """
    if when is None or timeFormat is None:
        return default
    try:
        return datetime.fromtimestamp(when).astimezone().strftime(timeFormat)
    except (OverflowError, ValueError, OSError, TypeError):
        return default


def system_of(event: Mapping[str, Any]) -> str:
    """In whose name the event was logged: its ``log_system``, or ``namespace#level``."""
    system = event.get("log_system")
    if system is not None:
        try:
            return str(system)
        except Exception:
            return "UNFORMATTABLE"
    level = event.get("log_level")
    return f"{safe_str(event.get('log_namespace', '-'))}#{safe_str(getattr(level, 'name', '-'))}"


def context_of(event: Mapping[str, Any]) -> str:
    """What `plait.log.logContext` has put into the event: `` name=value``, with a blank before each."""
    context = event.get("log_context")
    if not isinstance(context, Mapping):
        return ""
    return "".join(f" {safe_str(name)}={safe_str(value)}" for name, value in context.items())


def traceback_of(failure: Failure) -> str:
    """The failure's traceback, or a text that says why there is none."""
    try:
        return failure.getTraceback().rstrip("\n")
    except Exception as error:
        return f"(UNABLE TO OBTAIN TRACEBACK FROM EVENT): {type(error).__name__}: {safe_str(error)}"


def eventAsText(
    event: Mapping[str, Any],
    includeTraceback: bool = True,
    includeTimestamp: bool = True,
    includeSystem: bool = True,
    formatTime: Callable[[float | None], str] = formatTime,
) -> str:
    """The event as text for people: time, ``[namespace#level]``, the formatted message, the traceback if any.

    The text is as long as it is and has the line breaks that it has; for a file, see `textFileLogObserver`.
    """
    text = formatEvent(event)
    failure = event.get("log_failure") if includeTraceback else None
    if failure is not None:
        text = f"{text}\n{traceback_of(failure)}\n" if text else f"{traceback_of(failure)}\n"
    if not text:
        return ""
    head = ""
    if includeTimestamp:
        head = formatTime(event.get("log_time")) + " "
    if includeSystem:
        head += f"[{system_of(event)}{context_of(event)}] "
    return head + text


def formatEventAsClassicLogText(
    event: Mapping[str, Any],
    formatTime: Callable[[float | None], str] = formatTime,
    formatTraceback: Callable[[Failure], str] = traceback_of,
) -> str | None:
    """The event as one line for a log file, ``2026-11-23T20:30:00+0000 [namespace#level] message``.

    Control characters in it are escaped, so what a peer sends cannot forge a line. If the event carries a
    failure its traceback follows, each line but the first behind a tab. None if the event has nothing to say.
    """
    text = formatEvent(event)
    failure = event.get("log_failure")
    if not text:
        if failure is None:
            return None
        text = safe_str(getattr(failure, "value", failure))
    head = f"{formatTime(event.get('log_time'))} [{escape_line(system_of(event) + context_of(event))}] "
    if failure is None:
        return f"{head}{escape_line(text)}\n"
    return head + escape_lines(f"{text}\n{formatTraceback(failure)}").replace("\n", "\n\t") + "\n"
