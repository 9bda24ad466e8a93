"""What `twisted.python.systemd` is: sockets that the service manager opened for us (``sd_listen_fds(3)``)."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping, Sequence

from plait.transport import handover

__all__ = ["ListenFDs"]

FIRST = 3
"""The first descriptor that systemd hands over; those before it are the standard ones."""


class ListenFDs:
    """The descriptors that this process was given, by number and by name."""

    _START = FIRST

    def __init__(self, descriptors: Sequence[int], names: Sequence[str] = ()) -> None:
        self._descriptors = list(descriptors)
        self._names = list(names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ListenFDs):
            return NotImplemented
        return (self._descriptors, self._names) == (other._descriptors, other._names)

    def __hash__(self) -> int:
        return hash((tuple(self._descriptors), tuple(self._names)))

    @classmethod
    def fromEnvironment(cls, environ: MutableMapping[str, str] | None = None, start: int = FIRST) -> ListenFDs:
        """Read what the environment says, if it is meant for this process, and take it out of the environment."""
        if environ is None:
            environ = os.environ
            if handover.given:
                given_names = environ.pop("LISTEN_FDNAMES", "")
                return cls(handover.given, given_names.split(":") if given_names else [])
        count, names = 0, []
        if environ.get("LISTEN_PID") == str(os.getpid()) and environ.get("LISTEN_FDS", "").isdecimal():
            count = int(environ["LISTEN_FDS"])
            names = environ["LISTEN_FDNAMES"].split(":") if environ.get("LISTEN_FDNAMES") else []
            for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
                environ.pop(name, None)
        return cls(range(start, start + count), names)

    def inheritedDescriptors(self) -> list[int]:
        """The numbers."""
        return list(self._descriptors)

    def inheritedNamedDescriptors(self) -> Mapping[str, int]:
        """The numbers by their names; those without a name are not there."""
        return dict(zip(self._names, self._descriptors, strict=False))
