"""What a reactor and its services count, as metric families of prometheus-client.

Names follow the conventions of Prometheus: base units, ``_total`` for what only grows. What grows begins at 0 with each process.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from plait.engine.census import PortFacts, ThreadFacts, totals
from plait.service.census import services

if TYPE_CHECKING:
    from plait.engine.heartbeat import Lag

_PORT = ("kind", "address", "factory")


def families(reactor: Any, root: Any = None) -> list[Metric]:
    """The metric families of a reactor, and of the services in `root` (None: of none), as they are now.

    Call it in the reactor's thread.
    """
    now = totals(reactor)
    found: list[Metric] = [
        _gauge(
            "plait_connections",
            "Open connections, by who has made them: in (others to us), out (we).",
            ("direction",),
            ((("in",), now.accepted), (("out",), now.connections - now.accepted)),
        ),
        _counter("plait_accepts", "Connections that others have made to us.", now.accepts),
        _counter(
            "plait_received_bytes", "Bytes that protocols were given; under TLS, those inside it.", now.bytesReceived
        ),
        _counter("plait_sent_bytes", "Bytes that protocols have sent; under TLS, those inside it.", now.bytesSent),
        _gauge("plait_timers", "Timed calls that are still to be made.", (), (((), now.timers),)),
        _gauge("plait_child_processes", "Child processes.", (), (((), now.processes),)),
        *_threads(now.threads),
        *_ports(now.ports),
    ]
    if reactor.lag is not None:
        found += _lag(reactor.lag)
    if root is not None:
        restarts = CounterMetricFamily(
            "plait_service_restarts", "How often its supervisor has started a service again.", labels=("service",)
        )
        for service in services(root):
            if service.path:
                restarts.add_metric((service.path,), service.restarts)
        found.append(restarts)
    return found


def _threads(threads: ThreadFacts) -> list[Metric]:
    states = ((("busy",), threads.busy), (("idle",), max(0, threads.threads - threads.busy)))
    return [
        _gauge("plait_threads", "Threads of the reactor's pool.", ("state",), states),
        _gauge("plait_threads_limit", "How many threads the pool may have.", (), (((), threads.limit),)),
        _gauge("plait_threads_queued", "Calls that wait for a thread.", (), (((), threads.queued),)),
    ]


def _ports(ports: Iterable[PortFacts]) -> list[Metric]:
    found: dict[tuple[str, ...], list[int]] = {}
    for port in ports:  # two may listen at one address, with SO_REUSEPORT
        values = found.setdefault((port.kind, port.address, port.factory), [0, 0, 0, 0])
        for i, value in enumerate((port.open, port.accepts, port.bytesReceived, port.bytesSent)):
            values[i] += value
    connections = GaugeMetricFamily("plait_port_connections", "Open connections of a port.", labels=_PORT)
    accepts = CounterMetricFamily("plait_port_accepts", "Connections that a port has taken.", labels=_PORT)
    received = CounterMetricFamily("plait_port_received_bytes", "Bytes that a port's connections got.", labels=_PORT)
    sent = CounterMetricFamily("plait_port_sent_bytes", "Bytes that a port's connections have sent.", labels=_PORT)
    for labels, values in found.items():
        connections.add_metric(labels, values[0])
        accepts.add_metric(labels, values[1])
        received.add_metric(labels, values[2])
        sent.add_metric(labels, values[3])
    return [connections, accepts, received, sent]


def _lag(lag: Lag) -> list[Metric]:
    sums = list(accumulate(lag.buckets))
    bounds = [*map(str, lag.BOUNDS), "+Inf"]
    histogram = HistogramMetricFamily(
        "plait_loop_lag_seconds",
        "How late the event loop came to a timer of its own.",
        buckets=list(zip(bounds, sums, strict=True)),
        sum_value=lag.total,
    )
    worst = _gauge("plait_loop_lag_worst_seconds", "The latest that the event loop ever came.", (), (((), lag.worst),))
    return [histogram, worst]


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(
    name: str, text: str, labels: tuple[str, ...], values: Iterable[tuple[tuple[str, ...], float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for each, value in values:
        family.add_metric(each, value)
    return family
