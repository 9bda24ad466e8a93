"""What `twisted.python._tzhelper` is: time zones that are a fixed number of hours away from UTC."""

from __future__ import annotations

from datetime import UTC as _UTC
from datetime import datetime, timedelta, tzinfo

__all__ = ["UTC", "FixedOffsetTimeZone"]


class FixedOffsetTimeZone(tzinfo):
    """A time zone with one offset and no summer time. Without a name it is called ``UTC+0100``."""

    def __init__(self, offset: timedelta, name: str | None = None) -> None:
        self.offset = offset
        self.name = name

    @classmethod
    def fromSignHoursMinutes(cls, sign: str, hours: int, minutes: int) -> FixedOffsetTimeZone:
        """The zone that is so far from UTC, to the east for ``"+"``, to the west for ``"-"``."""
        if sign not in ("+", "-"):
            raise ValueError(f"the sign of a time zone is '+' or '-', not {sign!r}")
        offset = timedelta(hours=hours, minutes=minutes)
        return cls(-offset if sign == "-" else offset, f"{sign}{hours:02}:{minutes:02}")

    @classmethod
    def fromLocalTimeStamp(cls, timeStamp: float) -> FixedOffsetTimeZone:
        """The zone that the local time is in at a moment, in seconds since the epoch."""
        there = datetime.fromtimestamp(timeStamp)
        return cls(there - datetime.fromtimestamp(timeStamp, _UTC).replace(tzinfo=None))

    def utcoffset(self, dt: datetime | None) -> timedelta:
        """How far it is from UTC."""
        return self.offset

    def dst(self, dt: datetime | None) -> timedelta:
        """How much of that is summer time: nothing."""
        return timedelta(0)

    def tzname(self, dt: datetime | None) -> str:
        """Its name."""
        if self.name is not None:
            return self.name
        minutes = round(self.offset.total_seconds() / 60)
        return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"

    def __repr__(self) -> str:
        return f"FixedOffsetTimeZone({self.offset!r}, {self.name!r})"

    def __eq__(self, other: object) -> bool:
        return self.offset == other.offset if isinstance(other, FixedOffsetTimeZone) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.offset)


UTC = FixedOffsetTimeZone.fromSignHoursMinutes("+", 0, 0)
