"""Strings with their length in front: in 1, 2 or 4 bytes, or in decimal digits (https://cr.yp.to/proto/netstrings.txt).

``benchmarks/network.py`` measures it (int32).
"""

from __future__ import annotations

from functools import cache
from struct import Struct, calcsize
from struct import error as StructError
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from plait.protocol.framing import Framing, nowhere

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_struct = cache(Struct)


class StringTooLongError(AssertionError):
    """A string of ours is longer than the length in front of it can say."""


class NetstringParseError(ValueError):
    """What has come is no netstring, or a longer one than is taken."""


class _Strings(Framing):
    """What the receivers of strings have in common."""

    def stringReceived(self, string: bytes) -> Awaitable[None] | None:
        """Called with each string, without its length. Override it."""
        raise NotImplementedError(f"{self.__class__.__name__} must override stringReceived")

    def _write(self, data: bytes) -> None:
        send = self._send
        if send is not None:
            send(data)
        else:
            self.transport.write(data)


class IntNStringReceiver(_Strings):
    """Calls `stringReceived` for each string. Use a subclass, or set `structFormat` (as of `struct`) and `prefixLength` (bytes).

    `MAX_LENGTH` is the bytes of the longest string that is taken (99,999). A longer one goes to `lengthLimitExceeded`, which
    closes the connection.

    `stringReceived` may be ``async def``: no further string is handed out, and nothing is read, until it is done.
    """

    MAX_LENGTH = 99999
    structFormat = ""
    prefixLength = 0
    _pack: Callable[[int], bytes]  # of this format; there while strings are handed out

    @property
    def recvd(self) -> bytes:
        """What has come and is not yet handed out; in `stringReceived`, what follows the string. May be set."""
        return self.unread()

    @recvd.setter
    def recvd(self, data: bytes) -> None:
        self.read_instead(data)

    def hand_out(self) -> None:
        data, offset = self._data, self._offset
        size = len(data)
        prefix = self.prefixLength
        limit = self.MAX_LENGTH
        layout = _struct(self.structFormat)
        unpack = layout.unpack_from
        self._pack = layout.pack
        transport: Any = self.transport if self.transport is not None else nowhere
        while True:
            start = offset + prefix
            if start > size:
                self._needed = prefix
                return
            (length,) = unpack(data, offset)
            if length > limit:
                self.lengthLimitExceeded(length)
                if self._offset == offset and self._data is data:
                    self.read_instead(b"")  # nothing in it can be trusted
                data, offset = self._data, self._offset
                size = len(data)
            else:
                end = start + length
                if end > size:
                    self._needed = end - offset
                    return
                self._offset = end
                result = self.stringReceived(data[start:end])
                if result is not None and type(result) is CoroutineType:
                    self._wait_for(result, self.stringReceived)
                offset = end
                if self._offset != end:  # recvd has been set
                    data, offset = self._data, self._offset
                    size = len(data)
            if self.paused or transport.disconnecting:
                return

    def lengthLimitExceeded(self, length: int) -> Any:
        """Called with the length of a string that is too long, when nothing of it has been handed out. Closes the connection.

        It may set `recvd` to what is to be read instead; else all that has come is dropped.
        """
        return self.transport.loseConnection()

    def sendString(self, string: bytes) -> None:
        """Send a string with its length in front.

        :raises StringTooLongError: if `prefixLength` bytes cannot say its length.
        """
        send = self._send
        try:
            if send is not None:
                send(self._pack(len(string)) + string)  # a new object, so that nobody else can change it
            else:
                self.transport.write(_struct(self.structFormat).pack(len(string)) + string)
        except StructError:
            raise StringTooLongError(
                f"a string of {len(string)} bytes is too long for {self.prefixLength} bytes of length; "
                f"{(1 << 8 * self.prefixLength) - 1} is the most"
            ) from None


class Int32StringReceiver(IntNStringReceiver):
    """Strings with 4 bytes of length, the first the highest."""

    structFormat = "!I"
    prefixLength = calcsize(structFormat)


class Int16StringReceiver(IntNStringReceiver):
    """Strings with 2 bytes of length, the first the highest."""

    structFormat = "!H"
    prefixLength = calcsize(structFormat)


class Int8StringReceiver(IntNStringReceiver):
    """Strings with 1 byte of length."""

    structFormat = "!B"
    prefixLength = calcsize(structFormat)


_COMMA = ord(",")


class NetstringReceiver(_Strings):
    """Calls `stringReceived` for each netstring: its length in decimal digits, a colon, the string, a comma.

    `MAX_LENGTH` is the bytes of the longest string that is taken (99,999). What is longer, or is no netstring, goes to
    `netstringInvalid`, which closes the connection; `brokenPeer` is then true.

    `stringReceived` may be ``async def``: no further string is handed out, and nothing is read, until it is done.
    """

    MAX_LENGTH = 99999
    brokenPeer: int | bool = 0

    def hand_out(self) -> None:
        try:
            self._hand_out_strings()
        except NetstringParseError as e:
            self.brokenPeer = 1
            self.read_instead(b"")
            self.netstringInvalid(e)

    def _hand_out_strings(self) -> None:
        data, offset = self._data, self._offset
        size = len(data)
        limit = self.MAX_LENGTH
        most_digits = len(str(limit))
        transport: Any = self.transport if self.transport is not None else nowhere
        while offset < size:
            colon = data.find(b":", offset, offset + most_digits + 1)
            digits = data[offset : colon if colon >= 0 else offset + most_digits + 1]
            if (not digits and colon >= 0) or not digits.isdigit() or (digits[0] == 48 and len(digits) > 1):
                raise NetstringParseError(f"a netstring begins with its length and a colon, not with {digits[:20]!r}")
            if len(digits) > most_digits or (length := int(digits)) > limit:
                raise NetstringParseError(f"the netstring is longer than {limit} bytes (MAX_LENGTH): {digits!r}")
            if colon < 0:
                self._needed = len(digits) + 1
                return
            start = colon + 1
            end = start + length
            if end >= size:
                self._needed = end + 1 - offset
                return
            if data[end] != _COMMA:
                raise NetstringParseError(
                    f"after the {length} bytes of the netstring comes {data[end : end + 1]!r}, not a comma"
                )
            offset = self._offset = end + 1
            result = self.stringReceived(data[start:end])
            if result is not None and type(result) is CoroutineType:
                self._wait_for(result, self.stringReceived)
            if self.paused or transport.disconnecting:
                break
        self._needed = 0

    def netstringInvalid(self, error: NetstringParseError) -> Any:
        """Called when what has come is no netstring, or too long a one. All that has come is dropped. Closes the connection."""
        return self.transport.loseConnection()

    def sendString(self, string: bytes) -> None:
        """Send a string as a netstring."""
        self._write(b"%d:%b," % (len(string), string))
