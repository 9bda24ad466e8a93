"""SOCKS without I/O: versions 4 and 4a (D. Koblas, Y. Lee), version 5 (RFC 1928) with user and password (RFC 1929).

Bytes go in by `receive`, which gives back what they mean; what is to be sent is taken by `takeOutgoing`. Once the tunnel is
open, `takeRest` gives what has come behind the last message: it belongs to the tunnel.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECT, BIND, UDP_ASSOCIATE = 1, 2, 3

# A host name has at most 255 bytes (RFC 1035, section 2.3.4). No user name of an ident server is longer than 512 characters
# (RFC 1413, section 4), and nobody's is longer than 255.
_MAX_NAME = 255

_NO_LOGIN, _PASSWORD, _NO_METHOD = 0x00, 0x02, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4

# The reply codes of version 5 (RFC 1928, section 6); version 4 has one word for all of them (91).
REPLIES = {
    0: "succeeded",
    1: "general failure of the proxy",
    2: "not allowed by the proxy's rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
FAILURE, NOT_ALLOWED, HOST_UNREACHABLE, REFUSED, NOT_SUPPORTED = 1, 2, 4, 5, 7
_REPLIES_4 = {
    91: "rejected or failed",
    92: "the client's ident server cannot be reached",
    93: "the client's ident server names another user",
}


class SOCKSError(Exception):
    """What has come is no SOCKS, or the proxy says no. `code`: the proxy's reply code, if it was that."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class SOCKSLogin:
    """The client says who it is: answer by `SOCKSServerCore.login`."""

    user: bytes
    password: bytes


@dataclass(frozen=True, slots=True)
class SOCKSRequest:
    """What the client wants: answer by `SOCKSServerCore.reply`.

    `version` (4 or 5), `command` (1: connect, 2: wait for a connection, 3: UDP), `host` (an address or a name), `port`, `user`
    (as the client says, without proof in version 4; empty if it says nothing).
    """

    version: int
    command: int
    host: str
    port: int
    user: bytes = b""


class _Core:
    """A buffer of what came, and one of what goes."""

    def __init__(self) -> None:
        self._buffer = b""
        self._out = b""

    def takeOutgoing(self) -> bytes:
        """What is to be sent to the other side now."""
        out, self._out = self._out, b""
        return out

    def takeRest(self) -> bytes:
        """What has come and was not for us."""
        rest, self._buffer = self._buffer, b""
        return rest

    def _take(self, length: int) -> bytes:
        taken, self._buffer = self._buffer[:length], self._buffer[length:]
        return taken


def _address5(data: bytes, start: int) -> tuple[str, int, int] | None:
    """The host, the port and the end of an address of version 5 that begins at `start`; None if it is not all there."""
    if len(data) <= start:
        return None
    kind = data[start]
    name_at = start + 1
    if kind not in (_IPV4, _NAME, _IPV6):
        raise SOCKSError(f"address type {kind} is not one of 1 (IPv4), 3 (name), 4 (IPv6)")
    if len(data) <= name_at:
        return None
    if kind == _NAME:
        length = data[name_at]
        name_at += 1
    else:
        length = 4 if kind == _IPV4 else 16
    end = name_at + length + 2
    if len(data) < end:
        return None
    host = data[name_at : end - 2]
    if kind == _NAME:
        name = host.decode("ascii", "replace")
        if not name.isascii() or not name or "\0" in name:
            raise SOCKSError(f"{host!r} is not the name of a host")
    else:
        name = str(ipaddress.ip_address(host))
    return name, int.from_bytes(data[end - 2 : end], "big"), end


def _pack_address5(host: str, port: int) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = _name_bytes(host)
        return bytes([_NAME, len(name)]) + name + struct.pack("!H", port)
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed + struct.pack("!H", port)


def _name_bytes(host: str) -> bytes:
    try:
        name = host.encode("ascii")
    except UnicodeEncodeError:
        name = host.encode("idna")
    if not 0 < len(name) <= _MAX_NAME or b"\0" in name:
        raise ValueError(f"{host!r} is not the name of a host: 1 to {_MAX_NAME} bytes, no zero byte")
    return name


class SOCKSServerCore(_Core):
    """The proxy's side of one connection.

    `needsLogin`: take version 5 with user and password only; else take whoever comes.
    """

    state: Literal["version", "methods", "login", "request", "asked", "open"] = "version"
    version = 0

    def __init__(self, needsLogin: bool = False) -> None:
        super().__init__()
        self._needs_login = needsLogin
        self._user = b""

    def receive(self, data: bytes) -> SOCKSLogin | SOCKSRequest | None:
        """Take `data`, and give the next question, if it is complete. Ask again with ``b""`` after the answer to a login.

        :raises SOCKSError: if it is no SOCKS. Send what `takeOutgoing` gives, and close.
        """
        self._buffer += data
        while True:
            step = _SERVER_STEPS.get((self.state, self.version))
            if step is None or not self._buffer:
                return None
            before = self.state
            event = step(self)
            if event is not None or self.state == before:
                return event

    def login(self, good: bool) -> None:
        """Answer a `SOCKSLogin`. After a no, the client must be disconnected (RFC 1929, section 2)."""
        self._out += b"\1\0" if good else b"\1\1"
        self.state = "request" if good else "open"

    def reply(self, code: int, host: str = "0.0.0.0", port: int = 0, more: bool = False) -> None:
        """Answer a `SOCKSRequest`: `code` is one of version 5's, 0 means that the tunnel is there.

        `host`, `port`: our end of it. `more`: another reply will follow (for a connection that is waited for).
        """
        if self.version == 4:
            try:
                address = ipaddress.IPv4Address(host).packed
            except ValueError:
                address = bytes(4)
            self._out += struct.pack("!BBH", 0, 91 if code else 90, port) + address
        else:
            self._out += bytes([5, code, 0]) + _pack_address5(host, port)
        self.state = "asked" if more else "open"

    def _version(self) -> None:
        version = self._buffer[0]
        if version == 5:
            self.state = "methods"
        elif version == 4 and not self._needs_login:
            self.state = "request"
        elif version == 4:
            self.version = 4
            self.reply(NOT_ALLOWED)
            raise SOCKSError("a SOCKS 4 client cannot log in, and this proxy needs it")
        else:
            raise SOCKSError(f"the first byte is {version}, not a version of SOCKS (4 or 5)")
        self.version = version

    def _methods(self) -> None:
        if len(self._buffer) < 2 or len(self._buffer) < 2 + self._buffer[1]:
            return
        methods = self._take(2 + self._buffer[1])[2:]
        wanted = _PASSWORD if self._needs_login else _NO_LOGIN
        if wanted not in methods:
            self._out += bytes([5, _NO_METHOD])
            raise SOCKSError(f"the client offers the ways to log in {list(methods)}; this proxy takes {wanted}")
        self._out += bytes([5, wanted])
        self.state = "login" if self._needs_login else "request"

    def _login(self) -> SOCKSLogin | None:
        data = self._buffer
        if data[0] != 1:
            raise SOCKSError(f"the login has version {data[0]}, not 1")
        if len(data) < 2 or len(data) < 3 + data[1] or len(data) < 3 + data[1] + data[2 + data[1]]:
            return None
        end = 2 + data[1]
        self._user, password = data[2:end], data[end + 1 : end + 1 + data[end]]
        self._take(end + 1 + data[end])
        self.state = "asked"
        return SOCKSLogin(self._user, password)

    def _request4(self) -> SOCKSRequest | None:
        data = self._buffer
        names = data[8:].split(b"\0", 2)
        by_name = len(data) >= 8 and data[4:7] == b"\0\0\0" and data[7] != 0  # 4a: an address that cannot be
        if any(len(name) > _MAX_NAME for name in names[: 2 if by_name else 1]):
            raise SOCKSError(f"the user or the host is longer than {_MAX_NAME} bytes")
        if len(names) < (3 if by_name else 2):
            return None
        _, command, port = struct.unpack_from("!BBH", data)
        if by_name:
            host = names[1].decode("ascii", "replace")
            if not host or not host.isascii():
                raise SOCKSError(f"{names[1]!r} is not the name of a host")
        else:
            host = str(ipaddress.IPv4Address(data[4:8]))
        self._take(8 + len(names[0]) + 1 + (len(names[1]) + 1 if by_name else 0))
        self.state = "asked"
        return SOCKSRequest(4, command, host, port, names[0])

    def _request5(self) -> SOCKSRequest | None:
        data = self._buffer
        if data[0] != 5:
            raise SOCKSError(f"the request has version {data[0]}, not 5")
        try:
            address = _address5(data, 3)
        except SOCKSError:
            self.reply(8)
            raise
        if address is None:
            return None
        host, port, end = address
        self._take(end)
        self.state = "asked"
        return SOCKSRequest(5, data[1], host, port, self._user)


_SERVER_STEPS: dict[tuple[str, int], Callable[[SOCKSServerCore], SOCKSLogin | SOCKSRequest | None]] = {
    ("version", 0): SOCKSServerCore._version,
    ("methods", 5): SOCKSServerCore._methods,
    ("login", 5): SOCKSServerCore._login,
    ("request", 4): SOCKSServerCore._request4,
    ("request", 5): SOCKSServerCore._request5,
}


class SOCKSClientCore(_Core):
    """The client's side: asks a proxy to connect to `host` and `port`.

    `host` may be a name, which the proxy looks up (in version 4 by its extension 4a). `version` is 5 or 4. `user` and
    `password` are for the proxy; version 4 has no password, and version 5 without one needs no login.

    `bound` is the proxy's end of the tunnel (host, port), when it is open.
    """

    state: Literal["methods", "login", "reply4", "reply5", "open"]
    bound: tuple[str, int] | None = None

    def __init__(
        self,
        host: str,
        port: int,
        version: int = 5,
        user: bytes = b"",
        password: bytes | None = None,
        command: int = CONNECT,
    ) -> None:
        super().__init__()
        if version not in (4, 5):
            raise ValueError(f"SOCKS has the versions 4 and 5, not {version}")
        if len(user) > _MAX_NAME or len(password or b"") > _MAX_NAME:
            raise ValueError(f"user and password are at most {_MAX_NAME} bytes")
        if version == 4:
            if password is not None:
                raise ValueError("SOCKS 4 has no password: use version 5")
            if b"\0" in user:
                raise ValueError("a user of SOCKS 4 has no zero byte")
            self._out = self._request4(host, port, user, command)
            self.state = "reply4"
            return
        self._request = bytes([5, command, 0]) + _pack_address5(host, port)
        self._login = None if password is None else (user, password)
        self._out = b"\5\1\0" if password is None else b"\5\2\0\2"
        self.state = "methods"

    @staticmethod
    def _request4(host: str, port: int, user: bytes, command: int) -> bytes:
        name = b""
        try:
            address = ipaddress.IPv4Address(host).packed
        except ValueError:
            if ":" in host:
                raise ValueError(f"SOCKS 4 has no IPv6 addresses ({host}): use version 5") from None
            address = b"\0\0\0\1"
            name = _name_bytes(host) + b"\0"
        return struct.pack("!BBH", 4, command, port) + address + user + b"\0" + name

    def receive(self, data: bytes) -> bool:
        """Take `data`; true when the tunnel is open.

        :raises SOCKSError: if the proxy says no, or what it says is no SOCKS.
        """
        self._buffer += data
        while self.state != "open":
            before = self.state
            _CLIENT_STEPS[before](self)
            if self.state == before:
                return False
        return True

    def _methods(self) -> None:
        if len(self._buffer) < 2:
            return
        version, method = self._take(2)
        if version != 5:
            raise SOCKSError(f"the proxy answers with version {version}, not 5")
        if method == _NO_LOGIN:
            self._ask()
        elif method == _PASSWORD and self._login is not None:
            user, password = self._login
            self._out += bytes([1, len(user)]) + user + bytes([len(password)]) + password
            self.state = "login"
        else:
            raise SOCKSError("the proxy takes none of our ways to log in; does it want a user and a password?")

    def _login_answered(self) -> None:
        if len(self._buffer) < 2:
            return
        if self._take(2)[1] != 0:
            raise SOCKSError("the proxy does not take this user with this password")
        self._ask()

    def _ask(self) -> None:
        self._out += self._request
        self.state = "reply5"

    def _reply4(self) -> None:
        if len(self._buffer) < 8:
            return
        version, code, port = struct.unpack_from("!BBH", self._buffer)
        if version != 0:
            raise SOCKSError(f"the proxy's reply has version {version}, not 0")
        if code != 90:
            raise SOCKSError(f"the proxy says: {_REPLIES_4.get(code, f'code {code}')}", code)
        self.bound = str(ipaddress.IPv4Address(self._take(8)[4:])), port
        self.state = "open"

    def _reply5(self) -> None:
        data = self._buffer
        if len(data) < 2:
            return
        if data[0] != 5:
            raise SOCKSError(f"the proxy's reply has version {data[0]}, not 5")
        if data[1] != 0:
            raise SOCKSError(f"the proxy says: {REPLIES.get(data[1], f'code {data[1]}')}", data[1])
        address = _address5(data, 3)
        if address is not None:
            host, port, end = address
            self.bound = host, port
            self._take(end)
            self.state = "open"


_CLIENT_STEPS: dict[str, Callable[[SOCKSClientCore], None]] = {
    "methods": SOCKSClientCore._methods,
    "login": SOCKSClientCore._login_answered,
    "reply4": SOCKSClientCore._reply4,
    "reply5": SOCKSClientCore._reply5,
}
