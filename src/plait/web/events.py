"""Server-sent events: an answer that goes on, event by event (HTML Living Standard, section 9.2).

`EventStream` is the answer to one request; `sendEvents` and `EventResource` fill one from an async generator.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plait.current import getReactor
from plait.deferred import Deferred
from plait.web.error import StreamEnded
from plait.web.json import encodeJSON
from plait.web.resource import Resource

if TYPE_CHECKING:
    from plait.web.request import Request

__all__ = ["Event", "EventResource", "EventStream", "StreamEnded", "formatEvent", "lastEventID", "sendEvents"]

KEEP_ALIVE = 15.0
"""Seconds without an event after which a comment is sent, so that nobody on the way takes the connection for dead."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_COMMENT = b":\n\n"


@dataclass(frozen=True, slots=True)
class Event:
    """An event.

    :ivar data: a str, or what is sent as JSON. None is no data: the client then takes note of the rest, and sees no event.
    :ivar event: its name, for ``addEventListener``; None is ``message``.
    :ivar id: what the client names as the last one that it has had, when it connects again (`lastEventID`).
    :ivar retry: milliseconds after which the client connects again.
    """

    data: Any = None
    event: str | None = None
    id: str | int | None = None
    retry: int | None = None


def formatEvent(event: Event) -> bytes:
    """An event as it goes on the wire.

    All line ends in the data arrive as ``\\n``.

    :raises ValueError: if there is nothing in it, a name without data, a line end in `event` or `id` or a NUL in `id`, or a
        negative `retry`.
    :raises TypeError: if the data have no form in JSON, or something else is of a wrong type.
    """
    data, name, id, retry = event.data, event.event, event.id, event.retry
    lines = []
    if name is not None:
        if data is None:
            raise ValueError(f"The event {name!r} has no data, so that no client would see it; give it at least ''.")
        lines.append("event: " + _line("event", name, "\r\n"))
    if id is not None:
        lines.append("id: " + _line("id", str(id) if type(id) is int else id, "\r\n\0"))
    if retry is not None:
        if type(retry) is not int:
            raise TypeError(f"The retry of an event is an int, in milliseconds, not {retry!r}.")
        if retry < 0:
            raise ValueError(f"The retry of an event cannot be negative: {retry}.")
        lines.append(f"retry: {retry}")
    if data is not None:
        text = data if isinstance(data, str) else encodeJSON(data).decode()
        lines += ["data: " + line for line in _LINE_END.split(text)]
    if not lines:
        raise ValueError("An event without data, id and retry is none.")
    return "\n".join([*lines, "", ""]).encode()


def _line(what: str, value: Any, refused: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"The {what} of an event is a str, not {value!r}.")
    if any(char in value for char in refused):
        raise ValueError(f"The {what} of an event has a line end or a NUL in it: {value!r}.")
    return value


def lastEventID(request: Request) -> str:
    """The id of the last event that the client has had, when it connects again; "" if it says none."""
    header: bytes = request.getHeader(b"last-event-id") or b""
    return header.decode("utf-8", "replace")


class EventStream:
    """The answer to one request, to which events are sent until one of both sides ends it. Its head is sent at once.

    It ends with the coroutine that answers the request, with `end`, when the client goes away, and when the server is about to
    stop; in the last two cases that coroutine is cancelled.

    :param keepAlive: seconds without an event after which a comment is sent; None: never.

    Attribute: `lastEventID` (see there), `isOpen`.
    """

    def __init__(self, request: Request, keepAlive: float | None = KEEP_ALIVE) -> None:
        self.lastEventID = lastEventID(request)
        self.isOpen = True
        self._request = request
        self._waiting = _Turns()
        self._listeners: list[Deferred[None]] = []
        self._timer: Any = None
        self._keep_alive = keepAlive
        self._reactor = request.site.reactor if request.site is not None else getReactor()
        request.notifyFinish().addBoth(self._over)
        self._begin()
        if self.isOpen and keepAlive is not None:
            self._timer = self._reactor.callLater(keepAlive, self._comment)

    def _begin(self) -> None:
        request = self._request
        headers = request.responseHeaders
        if request.encoder is not None:
            # it would keep events back
            request.encoder = None
            headers.removeHeader(b"content-encoding")
        headers.removeHeader(b"content-length")
        headers.setRawHeaders(b"content-type", [b"text/event-stream"])
        headers.setRawHeaders(b"cache-control", [b"no-cache"])
        headers.setRawHeaders(b"x-accel-buffering", [b"no"])
        request.write(b"")
        if request.method == b"HEAD":
            self.end()
            return
        request.endless = True
        if getattr(request.channel, "draining", False):
            # not now: who answers has yet to come to its first wait
            self._reactor.callLater(0, request.breakOff)

    async def send(
        self, data: Any = None, *, event: str | None = None, id: str | int | None = None, retry: int | None = None
    ) -> None:
        """Send an event, when the client has taken the ones before it as far as they are not to pile up.

        :param data: see `Event`, as for the others; or an `Event`.
        :raises StreamEnded: if the stream has ended, or does meanwhile.
        :raises ValueError: as `formatEvent`.
        :raises TypeError: as that.
        """
        message = formatEvent(data if isinstance(data, Event) else Event(data, event, id, retry))
        await self._waiting.take()
        try:
            if self.isOpen:
                await self._request.drained()
            if not self.isOpen:
                raise StreamEnded("The stream of events has ended.")
            self._request.write(message)
            if self._timer is not None:
                self._timer.reset(self._keep_alive)
        finally:
            self._waiting.passOn()

    def end(self) -> None:
        """End the stream. A browser will connect again, unless it is answered with 204 then."""
        if self.isOpen:
            self._request.finish()

    def ended(self) -> Deferred[None]:
        """A Deferred that fires when the stream has ended, whoever ended it."""
        deferred: Deferred[None] = Deferred()
        if self.isOpen:
            self._listeners.append(deferred)
        else:
            deferred.callback(None)
        return deferred

    def _comment(self) -> None:
        self._timer = self._reactor.callLater(self._keep_alive, self._comment)
        if not self._waiting.taken:
            self._request.write(_COMMENT)

    def _over(self, _: object) -> None:
        self.isOpen = False
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        listeners, self._listeners = self._listeners, []
        for deferred in listeners:
            if not deferred.called:
                deferred.callback(None)


class _Turns:
    """Lets one after the other, in their order. One that is cancelled when its turn has come passes it on."""

    def __init__(self) -> None:
        self.taken = False
        self._queue: deque[Deferred[None]] = deque()

    async def take(self) -> None:
        if not self.taken:
            self.taken = True
            return
        turn: Deferred[None] = Deferred()
        self._queue.append(turn)
        try:
            await turn
        except BaseException:
            if turn in self._queue:
                self._queue.remove(turn)
            else:
                self.passOn()
            raise

    def passOn(self) -> None:
        if self._queue:
            self._queue.popleft().callback(None)
        else:
            self.taken = False


async def sendEvents(request: Request, source: AsyncIterable[Any], keepAlive: float | None = KEEP_ALIVE) -> None:
    """Answer with what an async generator yields: an `Event`, or the data of one.

    When the client goes away, or the server is about to stop, the generator is cancelled or closed at once.

    :param keepAlive: as for `EventStream`.
    """
    try:
        stream = EventStream(request, keepAlive)
        if stream.isOpen:
            async for event in source:
                await stream.send(event)
    except StreamEnded:
        pass
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


class EventResource(Resource):
    """A resource that answers with events.

    :param source: called with each request; returns an async generator, or is an ``async def`` that does (or raises
        `plait.web.error.HTTPError`).
    :param keepAlive: as for `EventStream`.
    """

    isLeaf = True

    def __init__(
        self,
        source: Callable[[Request], AsyncIterable[Any] | Awaitable[AsyncIterable[Any]]],
        keepAlive: float | None = KEEP_ALIVE,
    ) -> None:
        super().__init__()
        self._source = source
        self._keep_alive = keepAlive

    async def render_GET(self, request: Request) -> None:
        """Send them."""
        source = self._source(request)
        if isinstance(source, Awaitable):
            source = await source
        await sendEvents(request, source, self._keep_alive)
