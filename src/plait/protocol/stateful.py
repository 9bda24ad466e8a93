"""Protocols that are a table of states: each step says how many bytes the next one wants, or what the next string means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from plait.log import Logger
from plait.protocol.framing import Framing

if TYPE_CHECKING:
    from collections.abc import Callable

_log = Logger("plait.protocol")


class StatefulProtocol(Framing):
    """Takes the stream in pieces of which each step says the length.

    A step is a function that is called with a piece. It returns the next step and the length of its piece in bytes, as a pair;
    or None, after which the same goes on (a step that finds an error closes the connection first).
    """

    _step: tuple[Callable[[bytes], Any], int] | None = None

    def makeConnection(self, transport: Any) -> Any:
        """Take the transport, and ask `getInitialState` for the first step."""
        result = super().makeConnection(transport)
        self._step = self.getInitialState()
        return result

    def getInitialState(self) -> tuple[Callable[[bytes], Any], int]:
        """The first step and the length of its piece. Override it."""
        raise NotImplementedError(f"{self.__class__.__name__} must override getInitialState")

    def hand_out(self) -> None:
        data = self._data
        transport: Any = self.transport
        while True:
            assert self._step is not None, "a step is there as soon as there is a connection"
            function, length = self._step
            end = self._offset + length
            if end > len(data):
                self._needed = length
                return
            start, self._offset = self._offset, end
            following = function(data[start:end])
            if following is not None:
                self._step = following
            if self.paused or transport.disconnecting:
                self._needed = 0
                return


class _HasTransport(Protocol):
    transport: Any


class StatefulStringProtocol:
    """For a receiver of strings: the meaning of each string depends on the `state`, at first "init".

    A string goes to the method ``proto_STATE``, which returns the next state; "done" closes the connection.
    """

    state = "init"

    def stringReceived(self: _HasTransport, string: bytes) -> None:
        """Hand the string to the method for this state."""
        state: str = self.state  # type: ignore[attr-defined]
        method = getattr(self, f"proto_{state}", None)
        if method is None:
            _log.error("{protocol!r} has no method proto_{state}: a string is dropped", protocol=self, state=state)
            return
        self.state = method(string)  # type: ignore[attr-defined]
        if self.state == "done":  # type: ignore[attr-defined]
            self.transport.loseConnection()
