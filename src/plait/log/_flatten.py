"""Events that outlive their objects: what the format will want to show is worked out and kept beside it.

A flattened event can be written as JSON, read again elsewhere, and be formatted there as it would have been here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plait.log._format import FLATTENED, KeyFlattener, aFormatter
from plait.log._publisher import LogEvent

_PLAIN = (str, int, float, bool, type(None))


def flattenEvent(event: LogEvent) -> None:
    """Put what the fields of the event's format show under the key ``log_flattened`` of the event.

    A field that only names a value keeps a str, a number, a bool or None as it is; anything else is kept as text. Nothing
    is done twice, and nothing where the format cannot be filled in: the text will say so.
    """
    if event.get("log_format", None) is None or FLATTENED in event:
        return
    try:
        flattened = dict(_fields(event["log_format"], event))
    except Exception:
        return
    if flattened:
        event[FLATTENED] = flattened


def _fields(format: Any, event: LogEvent) -> Iterator[tuple[str, Any]]:
    keys = KeyFlattener()
    if isinstance(format, bytes):
        format = format.decode("utf-8")
    for _, name, spec, conversion in aFormatter.parse(format):
        if name is None:
            continue
        value, _ = aFormatter.get_field(name, (), event)
        shown = aFormatter.convert_field(value, conversion)
        if spec:
            shown = format_field(shown, spec, event)
        yield keys.flatKey(name, spec, conversion), shown if isinstance(shown, _PLAIN) else str(shown)


def format_field(value: Any, spec: str, event: LogEvent) -> str:
    """`value` with a format, which may have fields of its own."""
    return format(value, aFormatter.vformat(spec, (), event))


def extractField(field: str, event: LogEvent) -> Any:
    """The value that a field of a format stands for: ``extractField("peer.host", event)``.

    Of an event that was flattened, what was kept of it. KeyError, or what the object raises, if there is no such value.
    """
    (_, name, spec, conversion), *_ = aFormatter.parse("{" + field + "}")
    assert name is not None
    if FLATTENED in event:
        flattened = event[FLATTENED]
        key = KeyFlattener().flatKey(name, spec, conversion)
        if key in flattened:
            return flattened[key]
        value = flattened[KeyFlattener().flatKey(name, None, None)]
    else:
        value, _ = aFormatter.get_field(name, (), event)
    value = aFormatter.convert_field(value, conversion)
    return format_field(value, spec, event) if spec else value
