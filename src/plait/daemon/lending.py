"""Ports that several workers share: whoever comes first opens one, the parent keeps it, and all others get a copy.

All have the same socket, and so one queue of those who want to connect. One who waits in it is served by the next worker that
has time, and is not lost with a worker that dies. A worker opens a port with its own code, options and rights; the parent, which
may be root, binds nothing. Of two that want to open the same one at once, the second waits until the first has done it.

What is said (see `plait.daemon.channel`): a worker asks ``{"borrow": place, "index": n}``, where n counts the ports that it
has at one and the same place (such as port 0). The answer is ``{"lent": true}``, with the socket, or ``{"lent": false}``: then
it is to open the port, and says ``{"opened": true}``, with the socket, or ``{"opened": false}``. When it has closed a port while
it serves, it says ``{"returned": place, "index": n}``; a worker that dies returns nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from plait.daemon.channel import Channel, ChannelError, names
from plait.errors import CannotListenError
from plait.transport.handover import Place, inherited
from plait.transport.unix import SocketFile, lock_of

if TYPE_CHECKING:
    from plait.engine import DelayedCall

# Seconds that a worker waits for the answer of its parent, or for another worker that opens the same port.
PATIENCE = 10.0

# Seconds that the parent keeps a port that all workers have returned: longer than the longest back-off, so that a service that is
# started again finds it, even where its process may not open it any more. Who connects meanwhile waits.
GRACE = 60.0

# Sockets that are kept for the workers. A worker that has gone wrong must not eat all descriptors.
MOST_PORTS = 1000


class Borrower:
    """The worker's side: what `inherited` asks for the sockets of this process."""

    def __init__(self, channel: Channel, parent: int) -> None:
        self._channel = channel
        self.pid = parent
        self._held: dict[Place, list[socket.socket | None]] = {}
        self._opening = 0  # the index of the port that we have been told to open

    def borrow(self, place: Place) -> socket.socket | None:
        """See `plait.transport.handover.Lender`."""
        held = self._held.setdefault(place, [])
        # A port that has been closed and is opened again gets its own socket, not that of a second one at this place.
        index = next((n for n, sock in enumerate(held) if sock is None or sock.fileno() < 0), len(held))
        if index == len(held):
            held.append(None)
        try:
            self._channel.sock.settimeout(PATIENCE)
            self._channel.send({"borrow": place, "index": index})
            answer: dict[str, Any] | None = None
            while answer is None:
                answer = next(self._channel.receive(), None)
            self._opening = index
            if not answer.get("lent"):
                return None
            held[index] = sock = socket.socket(fileno=self._channel.fetch_descriptor())
            return sock
        except (OSError, EOFError, ChannelError) as error:
            raise _silent(place, error) from None
        finally:
            self._channel.sock.settimeout(0)

    def lend(self, place: Place, sock: socket.socket | None) -> None:
        """See `plait.transport.handover.Lender`."""
        self._held[place][self._opening] = sock
        try:
            self._channel.sock.settimeout(PATIENCE)
            self._channel.send({"opened": sock is not None}, None if sock is None else sock.fileno())
        except OSError as error:
            if sock is not None:  # else there is an error to tell already
                sock.close()
                raise _silent(place, error) from None
        finally:
            self._channel.sock.settimeout(0)

    def returned(self) -> Iterator[tuple[Place, int]]:
        """The ports that this process has closed since the last time."""
        for place, held in self._held.items():
            for index, sock in enumerate(held):
                if sock is not None and sock.fileno() < 0:
                    held[index] = None
                    yield place, index


def _silent(place: Place, error: BaseException) -> CannotListenError:
    reason = "it is gone" if isinstance(error, (EOFError, BrokenPipeError, ConnectionResetError)) else str(error)
    return CannotListenError(place[1], place[2], OSError(f"the parent process does not lend it: {reason}"))


class LentPort:
    """A socket that the parent keeps for its workers. It listens with it to nothing, but hands it to the next parent."""

    def __init__(self, place: Place, sock: socket.socket, opened_here: bool) -> None:
        self.place = place
        self.sock = sock
        self.holders: set[object] = set()
        self.alarm: DelayedCall | None = None  # when it is closed, because nobody holds it
        self._file: SocketFile | None = None
        if place[0] == "UNIX":
            self._file = SocketFile(place[2], want_lock=_is_locked(place[2], opened_here))
            self._file.take_over(from_before=not opened_here)

    def fileno(self) -> int:
        """The number of the socket's descriptor."""
        return self.sock.fileno()

    def wanted(self) -> None:
        """It is not to be closed after all."""
        if self.alarm is not None and self.alarm.active():
            self.alarm.cancel()
        self.alarm = None

    def hand_over(self, pid: int) -> None:
        """The process `pid` goes on with the socket: leave what belongs to it."""
        if self._file is not None:
            self._file.hand_over(pid)

    def stopListening(self) -> None:
        """Close it. Those who connect are refused once no worker listens with it either."""
        self.wanted()
        self.sock.close()
        if self._file is not None:
            self._file.remove()
            self._file = None


def _is_locked(path: str, by_us: bool) -> bool:
    try:
        holder = os.readlink(lock_of(path))
    except (OSError, ValueError):
        return False
    return not by_us or holder == str(os.getpid())


class Lending:
    """The parent's side: the sockets of all workers. They are among the `ports` of the network, for the next process."""

    def __init__(self, ports: set[Any], reactor: Any) -> None:
        self._ports = ports
        self._reactor = reactor
        self._kept: dict[Place, list[LentPort | None]] = {}
        self._opening: dict[tuple[Place, int], Borrowing] = {}
        self._waiting: list[Borrowing] = []

    def close(self) -> None:
        """Lend nothing any more, and close our own copies."""
        for ports in self._kept.values():
            for port in ports:
                if port is not None:
                    self._ports.discard(port)
                    port.stopListening()
        self._kept.clear()

    def ask(self, borrowing: Borrowing) -> None:
        """A worker wants a socket: it gets one, or is told to open it, or waits for another one that does."""
        place, index = borrowing.wanted
        kept = self._kept.setdefault(place, [])
        if index >= len(kept) + 1 or sum(map(len, self._kept.values())) >= MOST_PORTS:
            raise ChannelError(f"too many ports at {place}")
        if index == len(kept):
            kept.append(None)
        port = kept[index]
        if port is None and (sock := inherited.take(place)) is not None:
            port = self._keep(place, index, sock, opened_here=False)
        if port is not None:
            port.wanted()
            port.holders.add(borrowing.who)
            borrowing.answer(True, port.fileno())
        elif borrowing.wanted in self._opening:
            self._waiting.append(borrowing)
        else:
            self._opening[borrowing.wanted] = borrowing
            borrowing.answer(False, None)

    def opened(self, borrowing: Borrowing, descriptor: int | None) -> None:
        """A worker that was told to open a port has done so, or could not (None), or has died."""
        if self._opening.get(borrowing.wanted) is not borrowing:
            if borrowing in self._waiting:
                self._waiting.remove(borrowing)
            if descriptor is not None:
                os.close(descriptor)
            return
        del self._opening[borrowing.wanted]
        try:
            if descriptor is not None:
                place, index = borrowing.wanted
                port = self._keep(place, index, _socket(place, descriptor), opened_here=True)
                port.holders.add(borrowing.who)
        finally:
            waiting = [other for other in self._waiting if other.wanted == borrowing.wanted]
            self._waiting = [other for other in self._waiting if other.wanted != borrowing.wanted]
            for other in waiting:
                self.ask(other)

    def returned(self, borrowing: Borrowing) -> None:
        """A worker has closed a port. If it was the last one, we close it too, after a while."""
        place, index = borrowing.wanted
        kept = self._kept.get(place, [])
        port = kept[index] if index < len(kept) else None
        if port is not None:
            port.holders.discard(borrowing.who)
            if not port.holders and port.alarm is None:
                port.alarm = self._reactor.callLater(GRACE, self._drop, place, index)

    def forget(self, who: object) -> None:
        """A worker has died. What it held stays open, for those who wait in the queue and for the worker that comes next."""
        for ports in self._kept.values():
            for port in ports:
                if port is not None:
                    port.holders.discard(who)

    def _drop(self, place: Place, index: int) -> None:
        port = self._kept[place][index]
        if port is not None:
            self._kept[place][index] = None
            self._ports.discard(port)
            port.stopListening()

    def _keep(self, place: Place, index: int, sock: socket.socket, opened_here: bool) -> LentPort:
        self._kept[place][index] = port = LentPort(place, sock, opened_here)
        self._ports.add(port)
        return port


class Borrowing:
    """What one worker, `who`, wants to have now, or does not want any more; `answer` tells it."""

    def __init__(
        self, message: dict[str, Any], answer: Callable[[bool, int | None], None], who: object, verb: str = "borrow"
    ) -> None:
        kind, interface, name = names(message.get(verb), 3)
        index = message.get("index")
        if not isinstance(index, int) or not 0 <= index < MOST_PORTS:
            raise ChannelError(f"no index: {index!r:.60}")
        self.wanted = (kind, interface, name), index
        self.answer = answer
        self.who = who


def _socket(place: Place, descriptor: int) -> socket.socket:
    """The socket that a worker has opened. ChannelError if it cannot be the one for that place.

    A worker that has gone wrong must not give others what they do not want.
    """
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        os.close(descriptor)
        raise ChannelError(f"no socket for {place}") from None
    if not _fits(place, sock):
        sock.close()
        raise ChannelError(f"another socket than that for {place}")
    return sock


def _fits(place: Place, sock: socket.socket) -> bool:
    kind, _, name = place
    found = sock.getsockname()
    if kind == "UNIX":
        return sock.family == socket.AF_UNIX and os.fsdecode(found) == name
    streams = sock.type == socket.SOCK_STREAM
    return isinstance(found, tuple) and streams == (kind == "TCP") and name in ("0", str(found[1]))
