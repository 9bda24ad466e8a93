"""A client of memcached, by its text protocol (https://github.com/memcached/memcached/blob/master/doc/protocol.txt).

Questions may be asked one after the other without waiting: the answers come in the same order.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred, TimeoutError, fail
from plait.log import Logger
from plait.protocol.base import connectionDone
from plait.protocol.lines import LineReceiver
from plait.protocol.policies.timeouts import TimeoutMixin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plait.failure import Failure

_log = Logger("plait.protocol")

DEFAULT_PORT = 11211


class NoSuchCommand(Exception):
    """The server does not know the command."""


class ClientError(Exception):
    """What was asked is not right: by the server's word, or by ours before it was sent."""


class ServerError(Exception):
    """The server cannot do it."""


class Command:
    """A question that is not answered yet: its name, and what has been learnt so far."""

    def __init__(self, command: bytes, **kwargs: Any) -> None:
        self.command = command
        self.deferred: Deferred[Any] = Deferred()
        self.values: dict[bytes, Any] = {}
        for name, value in kwargs.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"<Command: {self.command!r}>"

    def success(self, value: Any) -> None:
        """It is answered."""
        self.deferred.callback(value)

    def fail(self, error: Any) -> None:
        """It has failed."""
        self.deferred.errback(error)


_NO_KEY = re.compile(rb"[\x00-\x20\x7f]")


class MemCacheProtocol(LineReceiver, TimeoutMixin):
    """One connection to a server. Keys and values are bytes; each method returns a Deferred.

    It fails with `ClientError` if a key or a value cannot be sent, with `ServerError`, `NoSuchCommand` or `ClientError` if the
    server says so, with RuntimeError if the connection is lost already, and with `TimeoutError` if the server does not answer
    within `persistentTimeOut` seconds (60), after which the connection is closed.
    """

    MAX_KEY_LENGTH = 250  # protocol.txt, "Keys"
    MAX_VALUE_LENGTH = 128 << 20  # bytes; a server has 1 MiB, unless its -I says otherwise
    persistentTimeOut = 60

    def __init__(self, timeOut: int = 60) -> None:
        """`timeOut`: seconds, as `persistentTimeOut`."""
        self._current: deque[Command] = deque()
        self._value: tuple[bytes, int, bytes, int] | None = None  # key, flags, cas, length: while a value comes in
        self._pieces: list[bytes] = []
        self._have = 0
        self._disconnected = False
        self.persistentTimeOut = self.timeOut = timeOut

    def timeoutConnection(self) -> None:
        """The server does not answer: all that waits fails."""
        self._cancel(TimeoutError("Connection timeout"))
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All that waits fails."""
        self._disconnected = True
        self._cancel(reason)

    def _cancel(self, reason: Any) -> None:
        self.setTimeout(None)
        while self._current:
            self._current.popleft().fail(reason)

    # -- asking

    def _ask(self, line: bytes, command: Command, data: bytes | None = None) -> Deferred[Any]:
        if self._disconnected:
            return fail(RuntimeError("not connected"))
        if not self._current:
            self.setTimeout(self.persistentTimeOut)
        self.sendLine(line if data is None else line + b"\r\n" + data)
        self._current.append(command)
        return command.deferred

    def _key_error(self, key: Any) -> ClientError | None:
        if not isinstance(key, bytes):
            return ClientError(f"a key is bytes, not {type(key).__name__}")
        if not 0 < len(key) <= self.MAX_KEY_LENGTH:
            return ClientError(f"a key has 1 to {self.MAX_KEY_LENGTH} bytes, not {len(key)}")
        if _NO_KEY.search(key):
            return ClientError(f"a key has no white space and no control characters: {key!r}")
        return None

    def increment(self, key: bytes, val: int = 1) -> Deferred[Any]:
        """Add to a number. Fires with the new one, or False if the key is not there."""
        return self._count(b"incr", key, val)

    def decrement(self, key: bytes, val: int = 1) -> Deferred[Any]:
        """Take from a number, down to 0. Fires with the new one, or False if the key is not there."""
        return self._count(b"decr", key, val)

    def _count(self, name: bytes, key: bytes, by: int) -> Deferred[Any]:
        error = self._key_error(key)
        if error is not None:
            return fail(error)
        return self._ask(b"%b %b %d" % (name, key, int(by)), Command(name, key=key))

    def set(self, key: bytes, val: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[Any]:
        """Store. Fires with True.

        :param flags: a number (32 bits) that is kept with the value.
        :param expireTime: seconds (up to 30 days), or the time of day in seconds since 1970, after which it is gone; 0: never.
        """
        return self._set(b"set", key, val, flags, expireTime, b"")

    def add(self, key: bytes, val: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[Any]:
        """Store, if the key is not there. Fires with whether it was stored."""
        return self._set(b"add", key, val, flags, expireTime, b"")

    def replace(self, key: bytes, val: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[Any]:
        """Store, if the key is there. Fires with whether it was stored."""
        return self._set(b"replace", key, val, flags, expireTime, b"")

    def checkAndSet(self, key: bytes, val: bytes, cas: bytes, flags: int = 0, expireTime: int = 0) -> Deferred[Any]:
        """Store, if nobody has since `cas` was got (``get(key, True)``). Fires with whether it was stored."""
        return self._set(b"cas", key, val, flags, expireTime, cas)

    def append(self, key: bytes, val: bytes) -> Deferred[Any]:
        """Put behind the value that is there. Fires with whether it was."""
        return self._set(b"append", key, val, 0, 0, b"")

    def prepend(self, key: bytes, val: bytes) -> Deferred[Any]:
        """Put in front of the value that is there. Fires with whether it was."""
        return self._set(b"prepend", key, val, 0, 0, b"")

    def _set(self, command: bytes, key: bytes, val: bytes, flags: int, expireTime: int, cas: bytes) -> Deferred[Any]:
        error = self._key_error(key)
        if error is None and not isinstance(val, bytes):
            error = ClientError(f"a value is bytes, not {type(val).__name__}")
        if error is None and cas and not cas.isdigit():
            error = ClientError(f"what `get` gives for checkAndSet is digits, not {cas!r}")
        if error is not None:
            return fail(error)
        line = b"%b %b %d %d %d" % (command, key, flags, expireTime, len(val)) + (b" " + cas if cas else b"")
        return self._ask(line, Command(command, key=key), val)

    def get(self, key: bytes, withIdentifier: bool = False) -> Deferred[Any]:
        """Fires with (flags, value), with `withIdentifier` (flags, what `checkAndSet` needs, value).

        The value is None if the key is not there.
        """
        return self._get([key], withIdentifier, False)

    def getMultiple(self, keys: Iterable[bytes], withIdentifier: bool = False) -> Deferred[Any]:
        """Fires with a dictionary of what `get` gives, by key."""
        return self._get(keys, withIdentifier, True)

    def _get(self, keys: Iterable[bytes], with_identifier: bool, multiple: bool) -> Deferred[Any]:
        keys = list(keys)
        for key in keys:
            error = self._key_error(key)
            if error is not None:
                return fail(error)
        name = b"gets" if with_identifier else b"get"
        command = Command(name, keys=keys, multiple=multiple)
        command.values = dict.fromkeys(keys, (0, b"", None) if with_identifier else (0, None))
        return self._ask(name + b" " + b" ".join(keys), command)

    def stats(self, arg: bytes | None = None) -> Deferred[Any]:
        """Fires with a dictionary of what the server says about itself; `arg` names a part of it."""
        return self._ask(b"stats" if arg is None else b"stats " + arg, Command(b"stats"))

    def version(self) -> Deferred[Any]:
        """Fires with the server's version."""
        return self._ask(b"version", Command(b"version"))

    def delete(self, key: bytes) -> Deferred[Any]:
        """Remove. Fires with whether it was there."""
        error = self._key_error(key)
        if error is not None:
            return fail(error)
        return self._ask(b"delete " + key, Command(b"delete", key=key))

    def flushAll(self) -> Deferred[Any]:
        """Remove everything. Fires with True."""
        return self._ask(b"flush_all", Command(b"flush_all"))

    # -- the answers

    def lineReceived(self, line: bytes) -> None:
        """Take an answer, or a part of one."""
        if not self._current:
            raise RuntimeError(f"memcached says what nobody asked: {line!r}")
        word, _, rest = line.partition(b" ")
        command = self._current[0]
        if word == b"VALUE":
            self._value_comes(command, rest)
            return
        if word == b"STAT":
            name, _, value = rest.partition(b" ")
            if command.command != b"stats":
                raise RuntimeError(f"memcached answers {command!r} by {line!r}")
            command.values[name] = value
            return
        if word == b"END":
            self._answered(self._end(command))
        elif line in _TRUE:
            self._answered(True)
        elif line in _FALSE:
            self._answered(False)
        elif word == b"VERSION":
            self._answered(rest)
        elif word in _ERRORS:
            self._done().fail(_ERRORS[word](repr(rest) if rest else "memcached knows no such command"))
        elif line.strip().isdigit() and command.command in (b"incr", b"decr"):
            self._answered(int(line))
        else:
            raise RuntimeError(f"memcached answers {command!r} by {line!r}")

    def _end(self, command: Command) -> Any:
        if command.command not in (b"get", b"gets", b"stats"):
            raise RuntimeError(f"memcached answers {command!r} by END")
        if command.command == b"stats" or command.multiple:  # type: ignore[attr-defined]
            return command.values
        return next(iter(command.values.values()))

    def _done(self) -> Command:
        command = self._current.popleft()
        if self._current:
            self.resetTimeout()
        else:
            self.setTimeout(None)
        return command

    def _answered(self, value: Any) -> None:
        self._done().success(value)

    def _value_comes(self, command: Command, rest: bytes) -> None:
        words = rest.split()
        if command.command not in (b"get", b"gets") or len(words) < 3 or words[0] not in command.values:
            raise RuntimeError(f"memcached answers {command!r} by a value of {words[:1]}")
        if not words[1].isdigit() or not words[2].isdigit() or int(words[2]) > self.MAX_VALUE_LENGTH:
            raise RuntimeError(f"memcached announces a value by nonsense, or one that is too long: {rest!r}")
        self._value = words[0], int(words[1]), words[3] if len(words) > 3 else b"", int(words[2])
        self._pieces, self._have = [], 0
        self.setRawMode()

    def rawDataReceived(self, data: bytes) -> None:
        """Take a piece of a value."""
        assert self._value is not None
        key, flags, cas, length = self._value
        self._pieces.append(data)
        self._have += len(data)
        if self._have < length + 2:
            return
        whole = b"".join(self._pieces)
        self._value, self._pieces = None, []
        command = self._current[0]
        value = whole[:length]
        command.values[key] = (flags, cas, value) if command.command == b"gets" else (flags, value)
        self.setLineMode(whole[length + 2 :])


# With a space, as some servers wrote it once.
_TRUE = {b"STORED", b"DELETED", b"OK"}
_FALSE = {b"NOT_STORED", b"NOT STORED", b"NOT_FOUND", b"NOT FOUND", b"EXISTS"}
_ERRORS: dict[bytes, Callable[[str], Exception]] = {
    b"ERROR": NoSuchCommand,
    b"CLIENT_ERROR": ClientError,
    b"SERVER_ERROR": ServerError,
}
