"""The page of metrics as a service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from prometheus_client import REGISTRY
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest

from plait.current import getReactor
from plait.deferred import Deferred
from plait.engine.heartbeat import Heartbeat
from plait.interfaces import IStreamServerEndpoint
from plait.metrics.families import families
from plait.metrics.page import PageFactory, Render
from plait.service import StreamServerEndpointService

# Seconds between two looks at how late the loop is, if nobody else looks.
INTERVAL = 0.25


class Collects(Protocol):
    """What has metrics: a registry of prometheus-client, mostly."""

    def collect(self) -> Iterable[Metric]:
        """The metric families, as they are now."""


class MetricsService(StreamServerEndpointService):
    """Serves the metrics of a program at ``/metrics``, for Prometheus: those of the engine, and those of a registry.

    :param endpoint: where: a port on 127.0.0.1, an endpoint's description, or an endpoint.
    :param root: whose services are looked at for restarts; None: those of the collection in which this service is, up to the
        topmost.
    :param registry: where the program has its own metrics. The default is prometheus-client's.
    :param render: makes the page, in place of all that: a coroutine function that gives it as bytes.
    """

    def __init__(
        self,
        endpoint: int | str | IStreamServerEndpoint,
        *,
        root: Any = None,
        registry: Collects = REGISTRY,
        render: Render | None = None,
        reactor: Any = None,
    ) -> None:
        self._reactor = reactor or getReactor()
        place = metricsEndpoint(endpoint) if isinstance(endpoint, (int, str)) else endpoint
        super().__init__(place, PageFactory(render or self._render), reactor=self._reactor)
        self.root = root
        self.registry = registry
        self._heart: Heartbeat | None = None

    def startService(self) -> None:
        """Open the port, and measure how late the loop is, unless somebody does that already."""
        super().startService()
        self._reactor.callWhenRunning(self.measure)

    def stopService(self) -> Deferred[Any]:
        """Close the port."""
        if self._heart is not None:
            self._heart.stop()
            self._heart = None
        return super().stopService()

    def collect(self) -> list[Metric]:
        """The metric families of this process, as they are now: the engine's first."""
        root: Any = self.root
        if root is None:
            root = self
            while getattr(root, "parent", None) is not None:
                root = root.parent
        return [*families(self._reactor, root), *self.registry.collect()]

    async def _render(self) -> bytes:
        return page(self.collect())

    def measure(self) -> None:
        """Measure how late the loop is, unless somebody does that already."""
        if self._reactor.lag is None:
            self._heart = Heartbeat(self._reactor, INTERVAL)
            self._heart.start()


def metricsEndpoint(text: int | str) -> str:
    """The description of the endpoint that `text` means: a port alone is one on 127.0.0.1.

    :raises ValueError: for a number that is no port.
    """
    word = str(text)
    if not (word.isascii() and word.removeprefix("-").isdigit()):
        return word
    if not 0 <= int(word) <= 65535:
        raise ValueError(f"{word} is no port: it has to be from 0 to 65535")
    return f"tcp:{word}:interface=127.0.0.1"


class _Families:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def page(families: list[Metric]) -> bytes:
    """Families in the Prometheus text format, 0.0.4."""
    return generate_latest(_Families(families))
