"""``--metrics`` and ``--trace``: the page of metrics of a daemon; with workers, their parent serves it, and asks each of them.

A worker is asked by a line of its own, a pair of UNIX sockets: an empty line is the question, and the answer a line of JSON
(`plait.metrics.summing`).
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from plait.daemon.errors import StartError
from plait.errors import CannotListenError
from plait.log import Logger

if TYPE_CHECKING:
    from plait.metrics import MetricsService
    from plait.metrics.summing import Packed

_log = Logger(namespace="plait.daemon")

# Seconds that workers have to answer. One that is busy longer is left out: the scraper gives up after ten.
PATIENCE = 3.0

# Bytes of an answer. A page that a scraper takes is far smaller.
LONGEST = 64 * 1024 * 1024

# The name that the parent's own metrics have beside those of its workers, which are numbered from 1.
PARENT = "0"


def load_metrics() -> None:
    """Import what metrics need, in a worker, too: later its folders may be out of sight. StartError if it is not there."""
    try:
        import plait.metrics  # noqa: F401
    except ImportError as error:
        raise StartError(f"--metrics: {error}") from error


def metrics_service(place: str, reactor: Any, root: Any, workers: Asking | None) -> MetricsService:
    """The service for a daemon whose services are in `root`. StartError if there can be none."""
    from plait.metrics import MetricsService

    try:
        service = MetricsService(place, root=root, reactor=reactor, render=None if workers is None else workers.render)
    except (ValueError, TypeError, LookupError) as error:
        raise StartError(f"--metrics {place}: {error}") from error
    if workers is not None:
        workers.own = service
    return service


def open_page(place: str, service: MetricsService) -> None:
    """Open its port. StartError if that cannot be."""
    try:
        service.startService()
    except (CannotListenError, OSError) as error:
        raise StartError(f"--metrics {place}: {error}") from error


def start_tracing() -> None:
    """``--trace``: make spans. StartError if that needs more than is installed."""
    try:
        from plait import tracing
    except ImportError as error:
        raise StartError(f"--trace: {error}") from error
    if not tracing.isSetUp():
        _log.warn(
            "--trace: nobody takes the spans. Set a tracer provider in the application (opentelemetry.trace."
            "set_tracer_provider), or start it by opentelemetry-instrument."
        )
    tracing.instrument()


class Asking:
    """Asks the workers, for the page of all of them."""

    def __init__(self, reactor: Any) -> None:
        from plait.metrics.summing import Sum  # the option needs a package that not everybody has

        self._reactor = reactor
        self._sum = Sum()
        self._lines: dict[str, Line] = {}
        self.own: MetricsService

    def line_to(self, name: str) -> socket.socket:
        """The other end of a new line to the worker of that name, whose process is about to be started."""
        ours, theirs = socket.socketpair()
        self.hang_up(name)
        self._lines[name] = line = Line(lambda text: self._heard(name, line, text))
        line.talk(self._reactor.loop, ours)
        return theirs

    def hang_up(self, name: str) -> None:
        """That process has ended."""
        line = self._lines.pop(name, None)
        if line is not None:
            line.close()
            self._sum.ended(name)

    async def render(self) -> bytes:
        """The page of this process and all its workers."""
        from plait.metrics.service import page
        from plait.metrics.summing import packed

        asked = {name: line.ask(self._reactor.loop) for name, line in self._lines.items()}
        if asked:
            await asyncio.wait(asked.values(), timeout=PATIENCE)
        here = [name for name, answer in asked.items() if answer.done() and not answer.cancelled() and answer.result()]
        self._sum.heard(PARENT, packed(self.own.collect()))
        return page(self._sum.families([PARENT, *here]))

    def _heard(self, name: str, line: Line, text: bytes) -> None:
        if self._lines.get(name) is not line:
            return
        try:
            families: Packed = [_family(*family) for family in json.loads(text)]
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            _log.error("The metrics of worker {name} make no sense: {error}.", name=name, error=error)
            line.close()
            return
        self._sum.heard(name, families)
        line.answered(True)


def _family(name: str, kind: str, text: str, samples: Any) -> tuple[str, str, str, Any]:
    read = [
        (str(sample), {str(k): str(v) for k, v in labels.items()}, float(value)) for sample, labels, value in samples
    ]
    return str(name), str(kind), str(text), read


class Answering:
    """The worker's end of the line."""

    def __init__(self, reactor: Any, root: Any, sock: socket.socket) -> None:
        from plait.metrics import MetricsService

        self._service = MetricsService(0, root=root, reactor=reactor)  # which opens no port: it only collects
        self._line = Line(self._asked)
        reactor.callWhenRunning(self._line.talk, reactor.loop, sock)
        reactor.callWhenRunning(self._service.measure)

    def _asked(self, _: bytes) -> None:
        from plait.metrics.summing import packed

        try:
            families = packed(self._service.collect())
        except Exception:
            _log.failure("The metrics cannot be told")
            families = []
        self._line.say(json.dumps(families).encode())


class Line(asyncio.Protocol):
    """One end of the line. `heard` is called with each line that comes.

    It is no connection of the reactor's: it is not counted, and nobody waits for its end when the program stops.
    """

    def __init__(self, heard: Callable[[bytes], object]) -> None:
        self._heard = heard
        self._transport: asyncio.Transport | None = None
        self._parts = bytearray()
        self._question: asyncio.Future[bool] | None = None
        self._closed = False

    def talk(self, loop: asyncio.AbstractEventLoop, sock: socket.socket) -> None:
        """Begin, on `sock`."""
        sock.setblocking(False)
        self._making = loop.create_task(loop.create_unix_connection(lambda: self, sock=sock))

    def say(self, text: bytes) -> None:
        """Send a line."""
        if self._transport is not None:
            self._transport.write(text + b"\n")

    def ask(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[bool]:
        """Send a question, if none is under way: whether it has been answered, as a future of this loop."""
        if self._question is None or self._question.done():
            self._question = loop.create_future()
            if self._transport is None:
                self._question.set_result(False)
            else:
                self.say(b"")
        return self._question

    def answered(self, well: bool) -> None:
        """There is an answer, or there will be none."""
        if self._question is not None and not self._question.done():
            self._question.set_result(well)

    def close(self) -> None:
        """Say no more."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()
        self.answered(False)

    # -- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be used."""
        self._transport = transport = cast("asyncio.Transport", transport)
        if self._closed:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Gather lines."""
        self._parts += data
        while (end := self._parts.find(b"\n")) >= 0 and not self._closed:
            line = bytes(self._parts[:end])
            del self._parts[: end + 1]
            self._heard(line)
        if len(self._parts) > LONGEST:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self._transport = None
        self.answered(False)
