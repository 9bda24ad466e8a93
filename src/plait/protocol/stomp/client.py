"""A connection to a broker that speaks STOMP."""

from __future__ import annotations

from collections import deque
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from plait import current
from plait.deferred import Deferred, TimeoutError, ensureDeferred, fail, succeed
from plait.failure import Failure
from plait.log import Logger
from plait.protocol.base import Protocol, connectionDone
from plait.protocol.stomp.frames import (
    VERSIONS,
    StompDecoder,
    StompError,
    StompFrame,
    StompProtocolError,
    encodeFrame,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from plait.interfaces import IDelayedCall

    Callback = Callable[[StompFrame], Awaitable[None] | None]

_log = Logger("plait.protocol")


class StompClient(Protocol):
    """One connection to a broker; wait for `whenConnected` before anything else.

    All methods return Deferreds. They fail with `StompError` if the broker sends an ERROR frame (after which it closes the
    connection) or there is no session, with `StompProtocolError` if it does not speak STOMP, with `TimeoutError` if its
    heart-beats cease, with ValueError if a header cannot be sent, and with the reason if the connection is lost. With
    ``receipt=True`` they fire with None when the broker has confirmed, else at once.

    A callback of `subscribe` may be ``async def``: the next message is handed out when it is done. Meanwhile nothing is read,
    except for a receipt that somebody awaits; messages that come before that are kept, up to `MAX_WAITING`. One that fails
    closes the connection.

    Attributes: `version` (what is spoken, such as "1.2", when connected), `clock` (what has `callLater`; None: the reactor).
    """

    MAX_WAITING = 10_000  # messages
    clock: Any = None
    version = ""

    def __init__(
        self,
        login: str | None = None,
        passcode: str | None = None,
        host: str = "/",
        heartBeat: tuple[float, float] = (0, 0),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say who we are.

        :param host: the virtual host: some brokers want their own name here, for RabbitMQ it is ``/`` by default.
        :param heartBeat: seconds: how often we can send something, and how often the broker should; 0: not at all.
        :param headers: more of them, for CONNECT.
        """
        out, into = (round(seconds * 1000) for seconds in heartBeat)
        self._heart_beat = out, into
        self._hello = {"accept-version": ",".join(VERSIONS), "host": host, "heart-beat": f"{out},{into}"}
        if login is not None:
            self._hello["login"] = login
        if passcode is not None:
            self._hello["passcode"] = passcode
        self._hello.update(headers or {})
        self._decoder = StompDecoder()
        self._waiting_for_session: list[Deferred[StompClient]] = []
        self._receipts: dict[str, Deferred[None]] = {}
        self._subscriptions: dict[str, tuple[str, Callback]] = {}
        self._messages: deque[StompFrame] = deque()
        self._ids = 0
        self._failure: Failure | None = None  # why it is over
        self._busy = self._callback_runs = self._reading_paused = self._written = False
        self._beat: IDelayedCall | None = None
        self._silence: IDelayedCall | None = None

    # -- the session

    def connectionMade(self) -> None:
        """Ask for a session."""
        try:
            # Not STOMP, the other name of it, which 1.0 does not know.
            self.transport.write(encodeFrame(StompFrame("CONNECT", self._hello)))
        except ValueError:
            self._end(Failure())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """All that waits fails."""
        self._end(reason)

    def whenConnected(self) -> Deferred[StompClient]:
        """Fires with this client when the broker has opened the session."""
        if self._failure is not None:
            return fail(self._failure)
        if self.version:
            return succeed(self)
        d: Deferred[StompClient] = Deferred()
        self._waiting_for_session.append(d)
        return d

    def disconnect(self) -> Deferred[None]:
        """End the session: fires when the broker has all that was sent; the connection is closed then."""
        d = self._ask("DISCONNECT", {}, True)

        def close(result: Any) -> Any:
            self.transport.loseConnection()
            return result

        return d.addCallback(close)

    def _end(self, failure: Failure) -> None:
        if self._failure is not None:
            return
        self._failure = failure
        for timer in (self._beat, self._silence):
            if timer is not None and timer.active():
                timer.cancel()
        self._messages.clear()
        waiting: list[Deferred[Any]] = [*self._waiting_for_session, *self._receipts.values()]
        self._waiting_for_session, self._receipts = [], {}
        for d in waiting:
            d.errback(failure)
        self.transport.loseConnection()

    # -- asking

    def _ask(
        self, command: str, headers: Mapping[str, str | None], receipt: bool, body: bytes = b"", more: Any = None
    ) -> Deferred[Any]:
        if self._failure is not None or not self.version:
            return fail(StompError("there is no session: wait for whenConnected, and not after the connection is lost"))
        all_headers = {name: value for name, value in headers.items() if value is not None} | dict(more or {})
        number = ""
        if receipt:
            number = all_headers["receipt"] = self._number()
        try:
            data = encodeFrame(StompFrame(command, all_headers, body), self.version)
        except ValueError as error:
            return fail(error)
        self._written = True
        self.transport.write(data)
        if not receipt:
            return succeed(None)
        d = self._receipts[number] = Deferred(lambda _: self._receipts.pop(number, None))
        self._go_on()  # the receipt may be behind messages that wait
        return d

    def _number(self) -> str:
        self._ids += 1
        return str(self._ids)

    def send(
        self,
        destination: str,
        body: bytes | str,
        headers: Mapping[str, str] | None = None,
        transaction: str | None = None,
        receipt: bool = False,
    ) -> Deferred[None]:
        """Send a message; text is sent as UTF-8."""
        data = body.encode() if isinstance(body, str) else body
        return self._ask("SEND", {"destination": destination, "transaction": transaction}, receipt, data, headers)

    def subscribe(
        self, destination: str, callback: Callback, ack: str = "auto", headers: Mapping[str, str] | None = None
    ) -> Deferred[str]:
        """Have `callback` called with each message (a `StompFrame`) of `destination`, in their order.

        Fires with the name of the subscription, for `unsubscribe`, when the broker has confirmed.

        :param ack: "auto", or "client" or "client-individual" (not in 1.0), which ask for `ack` of each message.
        """
        name = self._number()
        self._subscriptions[name] = destination, callback
        d: Deferred[Any] = self._ask(
            "SUBSCRIBE", {"id": name, "destination": destination, "ack": ack}, True, more=headers
        )

        def failed(failure: Failure) -> Failure:
            self._subscriptions.pop(name, None)
            return failure

        return d.addErrback(failed).addCallback(lambda _: name)

    def unsubscribe(self, name: str, receipt: bool = False) -> Deferred[None]:
        """End a subscription: its callback is called no more."""
        destination, _ = self._subscriptions.pop(name, ("", None))
        if not destination:
            return fail(StompError(f"there is no subscription {name!r}"))
        # Brokers that grew from 1.0 ask for the destination, too.
        return self._ask("UNSUBSCRIBE", {"id": name, "destination": destination}, receipt)

    def ack(self, message: StompFrame, transaction: str | None = None, receipt: bool = False) -> Deferred[None]:
        """Say that a message is dealt with."""
        return self._ack("ACK", message, transaction, receipt)

    def nack(self, message: StompFrame, transaction: str | None = None, receipt: bool = False) -> Deferred[None]:
        """Say that a message is not dealt with. STOMP 1.0 cannot: fails with `StompError`."""
        if self.version == "1.0":
            return fail(StompError("the broker speaks STOMP 1.0, which has no NACK"))
        return self._ack("NACK", message, transaction, receipt)

    def _ack(self, command: str, message: StompFrame, transaction: str | None, receipt: bool) -> Deferred[None]:
        names = {"id": "ack"} if self.version == "1.2" else {"message-id": "message-id", "subscription": "subscription"}
        headers = {name: message.headers.get(of_message) for name, of_message in names.items()}
        if next(iter(headers.values())) is None:
            return fail(StompError(f"the broker expects no {command} of this message: its subscription is ack='auto'"))
        return self._ask(command, {**headers, "transaction": transaction}, receipt)

    def begin(self, transaction: str, receipt: bool = False) -> Deferred[None]:
        """Begin a transaction, of a name that you choose."""
        return self._ask("BEGIN", {"transaction": transaction}, receipt)

    def commit(self, transaction: str, receipt: bool = False) -> Deferred[None]:
        """Let all of a transaction happen."""
        return self._ask("COMMIT", {"transaction": transaction}, receipt)

    def abort(self, transaction: str, receipt: bool = False) -> Deferred[None]:
        """Let nothing of a transaction happen."""
        return self._ask("ABORT", {"transaction": transaction}, receipt)

    # -- what comes

    def dataReceived(self, data: bytes) -> None:
        """Take what the broker says."""
        if self._failure is not None:
            return
        if self._silence is not None and data:
            self._silence.reset(self._patience)
        self._decoder.feed(data)
        self._go_on()

    def _go_on(self) -> None:
        """Hand out what can be, and read as long as somebody waits for more."""
        if self._busy:
            return
        self._busy = True
        try:
            while self._failure is None:
                if self._messages and not self._callback_runs:
                    self._deliver(self._messages.popleft())
                elif self._callback_runs and not self._receipts:
                    break
                else:
                    frame = self._decoder.nextFrame()
                    if frame is None:
                        break
                    self._take(frame)
        except StompProtocolError as error:
            self._end(Failure(error))
        finally:
            self._busy = False
        pause = self._callback_runs and not self._receipts
        if self._failure is None and pause is not self._reading_paused:
            self._reading_paused = pause
            if pause:
                self.transport.pauseProducing()
            else:
                self.transport.resumeProducing()

    def _take(self, frame: StompFrame) -> None:
        if frame.command == "ERROR":
            text = frame.headers.get("message") or frame.body[:1000].decode(errors="replace").strip()
            self._end(Failure(StompError(text or "the broker gives no reason", frame)))
        elif frame.command == "CONNECTED" and not self.version:
            self._connected(frame)
        elif frame.command == "MESSAGE" and self.version:
            if len(self._messages) >= self.MAX_WAITING:
                raise StompProtocolError(f"more than {self.MAX_WAITING} messages have come before an awaited receipt")
            self._messages.append(frame)
        elif frame.command == "RECEIPT" and self.version:
            d = self._receipts.pop(frame.headers.get("receipt-id", ""), None)
            if d is not None:  # else its Deferred was cancelled
                d.callback(None)
        else:
            raise StompProtocolError(f"the broker sends {frame.command[:80]}, which has no place here")

    def _connected(self, frame: StompFrame) -> None:
        version = frame.headers.get("version", "1.0")
        if version not in VERSIONS:
            raise StompProtocolError(f"the broker speaks STOMP {version[:80]!r}, we speak {', '.join(VERSIONS)}")
        theirs = frame.headers.get("heart-beat", "0,0").split(",")
        if len(theirs) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in theirs):
            raise StompProtocolError(f"heart-beat is no pair of milliseconds: {','.join(theirs)[:80]!r}")
        self.version = self._decoder.version = version
        (out, into), (their_out, their_into) = self._heart_beat, map(int, theirs)
        if out and their_into:
            # Half of it: so there is never more than the whole between two things that are written.
            self._beat_period = max(out, their_into) / 2000
            self._beat = self._clock().callLater(self._beat_period, self._beats)
        if into and their_out:
            self._patience = max(into, their_out) / 500  # twice: 1.2, "Heart-beating", asks for a margin
            self._silence = self._clock().callLater(self._patience, self._is_silent)
        waiting, self._waiting_for_session = self._waiting_for_session, []
        for d in waiting:
            d.callback(self)

    def _clock(self) -> Any:
        return self.clock if self.clock is not None else current.getReactor()

    def _beats(self) -> None:
        if not self._written:
            self.transport.write(b"\n")
        self._written = False
        self._beat = self._clock().callLater(self._beat_period, self._beats)

    def _is_silent(self) -> None:
        if self._reading_paused:  # we do not listen
            self._silence = self._clock().callLater(self._patience, self._is_silent)
        else:
            self._end(Failure(TimeoutError(f"the broker has been silent for {self._patience} seconds")))
            self.transport.abortConnection()  # it will not read either what is not yet written

    def _deliver(self, message: StompFrame) -> None:
        name = message.headers.get("subscription")
        if name is None:  # 1.0 leaves that open
            destination = message.headers.get("destination")
            found = [callback for to, callback in self._subscriptions.values() if to == destination]
        else:
            found = [callback for key, (_, callback) in self._subscriptions.items() if key == name]
        if not found:
            return  # it was under way when the subscription ended
        try:
            result = found[0](message)
        except Exception:
            self._callback_failed(Failure())
            return
        if type(result) is CoroutineType:
            self._callback_runs = True
            ensureDeferred(result).addErrback(self._callback_failed).addCallback(self._callback_done)

    def _callback_failed(self, failure: Failure) -> None:
        _log.failure("Unhandled error in a subscription of {client!r}: its connection is closed", failure, client=self)
        self._end(failure)

    def _callback_done(self, _: object) -> None:
        self._callback_runs = False
        self._go_on()
