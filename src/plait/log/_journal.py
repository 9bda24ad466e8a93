"""systemd's journal, which takes events with their values.

The source is systemd's documentation of the native journal protocol: a datagram of fields, ``NAME=value`` and a line end, or
for a value with line ends the name alone, a line end, the length (64 bits, little endian), the value and a line end. What is
too large for a datagram goes into a sealed memory file, whose descriptor is sent in its place.
"""

from __future__ import annotations

import array
import errno
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from plait.failure import Failure
from plait.interfaces import implementer
from plait.log._folding import is_machinery, tracebackForPeople
from plait.log._format import formatEvent, safe_str
from plait.log._levels import LogLevel
from plait.log._losses import Losses
from plait.log._publisher import ILogObserver, LogEvent

SOCKET = "/run/systemd/journal/socket"

# What a socket says whose other side was closed.
_GONE = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE)

# Those of syslog (RFC 5424, section 6.2.1).
_PRIORITIES = {
    LogLevel.debug: 7,
    LogLevel.info: 6,
    LogLevel.warn: 4,
    LogLevel.error: 3,
    LogLevel.critical: 2,
}

# What the journal allows in a name; one that begins with an underscore is its own to give.
_NOT_IN_NAMES = re.compile(r"[^A-Z0-9_]+")
_LONGEST_NAME = 64

# Fields that mean something to the journal and its readers: a value of an event must not pass for one of them.
_TAKEN = frozenset(("MESSAGE", "PRIORITY", "ERRNO", "TID", "INVOCATION_ID", "USER_INVOCATION_ID", "DOCUMENTATION"))
_TAKEN_BEGINNINGS = ("SYSLOG_", "CODE_", "LOG_", "OBJECT_", "COREDUMP_")


@implementer(ILogObserver)
class JournalLogObserver:
    """Sends each event to the journal. See `journalLogObserver`."""

    def __init__(self, identifier: str, address: str = SOCKET) -> None:
        self._identifier = identifier
        self._address = address
        self._losses = Losses("in the journal")
        self._lock = threading.RLock()
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        if not hasattr(socket, "AF_UNIX"):
            raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)  # a journal that hangs must not hang us
            sock.connect(self._address)
        except OSError:
            sock.close()
            raise
        return sock

    def __call__(self, event: LogEvent) -> None:
        data = self._encoded(event)
        if data is None:
            return
        with self._lock:
            try:
                if self._losses.count:
                    self._send(self._encoded(self._losses.asEvent()) or b"")
                    self._losses.forget()
                self._send(data)
            except OSError as error:
                self._losses.add(error)

    def close(self) -> None:
        """Send no more."""
        with self._lock:
            self._socket.close()

    def _encoded(self, event: LogEvent) -> bytes | None:
        fields = list(fields_of(event))
        if not fields:
            return None
        return b"".join(_field(name, value) for name, value in (("SYSLOG_IDENTIFIER", self._identifier), *fields))

    def _send(self, data: bytes) -> None:
        try:
            self._send_here(data)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            old, self._socket = self._socket, self._connected()  # the journal was begun anew
            old.close()
            self._send_here(data)

    def _send_here(self, data: bytes) -> None:
        try:
            self._socket.send(data)
        except OSError as error:
            if error.errno not in (errno.EMSGSIZE, errno.ENOBUFS) or not hasattr(os, "memfd_create"):
                raise
            self._send_in_memory(data)

    def _send_in_memory(self, data: bytes) -> None:
        import fcntl

        file = os.memfd_create("plait-journal", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(file, view) :]
            seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
            self._socket.sendmsg([], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))])
        finally:
            os.close(file)


def journalLogObserver(identifier: str, address: str = SOCKET) -> JournalLogObserver:
    """An observer that sends events to systemd's journal, with their values, so that they can be asked for.

    :param identifier: the name of the program there (``SYSLOG_IDENTIFIER``).
    :param address: the path of the journal's socket.
    :raises OSError: if there is none.

    The fields are MESSAGE (with the traceback, if there is one), PRIORITY, LOG_NAMESPACE and LOG_LEVEL; of an error also
    CODE_FILE, CODE_LINE and CODE_FUNC, where it was raised, and LOG_ERROR, its class; and each value of the event by its name in
    upper case, an underscore behind it if the journal means something by that name. An event that cannot be sent is lost,
    and never waited for; the next one that can be says how many were.
    """
    return JournalLogObserver(identifier, address)


def leadsToJournal(number: int, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a descriptor leads to the journal: systemd says in ``JOURNAL_STREAM`` which file that is (device:inode)."""
    try:
        state = os.fstat(number)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{state.st_dev}:{state.st_ino}"


def fields_of(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The names and values of the fields; none if the event has nothing to say. Whatever is in it, nothing is raised."""
    text = formatEvent(event)
    failure = event.get("log_failure")
    if failure is not None:
        text = f"{text}\n{tracebackForPeople(failure)}".lstrip("\n")
    if not text:
        return
    level = event.get("log_level")
    yield "MESSAGE", text
    yield "PRIORITY", str(_PRIORITIES.get(level, 6) if isinstance(level, LogLevel) else 6)
    if isinstance(level, LogLevel):
        yield "LOG_LEVEL", level.name
    if event.get("log_namespace") is not None:
        yield "LOG_NAMESPACE", safe_str(event["log_namespace"])
    if isinstance(failure, Failure):
        yield from _place_of(failure)
    for key, value in event.items():
        if isinstance(key, str) and not key.startswith("log_"):
            name = name_of(key)
            if name:
                yield name, value.decode("utf-8", "backslashreplace") if type(value) is bytes else safe_str(value)


def _place_of(failure: Failure) -> Iterator[tuple[str, str]]:
    """Where an error was raised: in a file of the program's own, if it went through any."""
    yield "LOG_ERROR", safe_str(failure.parents[0])
    frames = failure.frames
    if frames:
        frame = next((each for each in reversed(frames) if not is_machinery(each.file)), frames[-1])
        yield "CODE_FILE", frame.file
        yield "CODE_LINE", str(frame.line)
        yield "CODE_FUNC", frame.name


def name_of(key: str) -> str:
    """The name of the field for the value `key` of an event; "" if it has nothing that may be in one."""
    name = _NOT_IN_NAMES.sub("_", key.upper()).lstrip("_0123456789")[: _LONGEST_NAME - 1]
    return f"{name}_" if name in _TAKEN or name.startswith(_TAKEN_BEGINNINGS) else name


def _field(name: str, value: str) -> bytes:
    data = value.encode("utf-8", "backslashreplace")
    if b"\n" in data:
        return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return name.encode() + b"=" + data + b"\n"
