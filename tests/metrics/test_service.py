"""The page as a service, read by prometheus-client's own parser."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary
from prometheus_client.parser import text_string_to_metric_families

from plait import Deferred, Factory, Protocol, reactor
from plait.metrics import MetricsService, metricsEndpoint
from plait.metrics.service import page
from plait.metrics.summing import Sum, packed
from plait.service import MultiService, Service


def values(text):
    """The samples of a page: by name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scrape(service):
    reader, writer = await asyncio.open_connection("127.0.0.1", service.getHost().port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 200 ")
    return values(body.decode())


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
async def service(registry):
    service = MetricsService(0, registry=registry)
    service.startService()
    yield service
    await service.stopService()


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data * 2)


async def test_what_the_engine_counts(service):
    port = reactor.listenTCP(0, Factory.forProtocol(Echo), interface="127.0.0.1")
    before = await scrape(service)
    reader, writer = await asyncio.open_connection("127.0.0.1", port.getHost().port)
    writer.write(b"12345")
    assert await reader.readexactly(10) == b"1234512345"
    timer = reactor.callLater(1000, print)
    after = await scrape(service)
    labels = (("address", f"127.0.0.1:{port.getHost().port}"), ("factory", "Factory"), ("kind", "TCP"))
    assert after["plait_port_connections", labels] == 1
    assert after["plait_port_accepts_total", labels] == 1
    assert after["plait_port_received_bytes_total", labels] == 5
    assert after["plait_port_sent_bytes_total", labels] == 10
    assert after["plait_accepts_total", ()] - before["plait_accepts_total", ()] == 2  # the scraper's, too
    assert after["plait_timers", ()] >= 1
    assert after["plait_connections", (("direction", "in"),)] >= 2
    assert after["plait_threads_limit", ()] >= 1
    assert after["plait_loop_lag_seconds_bucket", (("le", "+Inf"),)] == after["plait_loop_lag_seconds_count", ()]
    timer.cancel()
    writer.close()
    await port.stopListening()
    assert ("plait_port_connections", labels) not in await scrape(service)


async def test_the_programs_own_metrics_are_there(service, registry):
    Counter("orders", "Orders.", ["kind"], registry=registry).labels('odd "kind"\n\\').inc(3)
    found = await scrape(service)
    assert found["orders_total", (("kind", 'odd "kind"\n\\'),)] == 3


async def test_restarts_are_those_of_the_collection_around_it(registry):
    root = MultiService()
    root.setName("root")
    part = Service()
    part.setName("part")
    part.setServiceParent(root)
    service = MetricsService("0", registry=registry)
    service.setServiceParent(root)
    root.startService()
    try:
        found = await scrape(service)
        assert found["plait_service_restarts_total", (("service", "part"),)] == 0
    finally:
        await root.stopService()


async def test_it_measures_how_late_the_loop_is_if_nobody_else_does(registry):
    service = MetricsService(0, registry=registry)
    service.startService()
    assert reactor.lag is not None
    await service.stopService()
    assert reactor.lag is None


async def test_a_page_of_its_own_making(registry):
    done = Deferred()

    async def render():
        await done
        return b"mine 1\n"

    service = MetricsService(0, render=render)
    service.startService()
    reactor.callLater(0, done.callback, None)
    assert await scrape(service) == {("mine", ()): 1}
    await service.stopService()


def test_places():
    assert metricsEndpoint(9464) == metricsEndpoint("9464") == "tcp:9464:interface=127.0.0.1"
    assert metricsEndpoint("unix:/run/metrics") == "unix:/run/metrics"
    for wrong in (65536, "-1"):
        with pytest.raises(ValueError, match="no port"):
            metricsEndpoint(wrong)


# -- of several processes


def process(requests, busy):
    registry = CollectorRegistry()
    Counter("requests", "Requests.", ["path"], registry=registry).labels("/").inc(requests)
    Gauge("busy", "At work.", registry=registry).set(busy)
    Histogram("took", "Seconds.", buckets=(1, 2), registry=registry).observe(requests)
    Summary("size", "Bytes.", registry=registry).observe(requests)
    Info("build", "What runs.", registry=registry).info({"version": str(busy), "worker": "mine"})
    return packed(registry.collect())


def test_what_grows_is_summed_and_all_else_is_each_workers():
    sums = Sum()
    sums.heard("1", process(1, 10))
    sums.heard("2", process(2, 20))
    found = values(page(sums.families(["1", "2"])).decode())
    assert found["requests_total", (("path", "/"),)] == 3
    assert found["busy", (("worker", "1"),)] == 10 and found["busy", (("worker", "2"),)] == 20
    assert found["took_bucket", (("le", "1.0"),)] == 1 and found["took_bucket", (("le", "2.0"),)] == 2
    assert found["took_count", ()] == 2 and found["took_sum", ()] == 3
    assert found["size_sum", ()] == 3
    assert found["build_info", (("exported_worker", "mine"), ("version", "20"), ("worker", "2"))] == 1


def test_the_sum_does_not_fall_when_a_process_ends():
    sums = Sum()
    sums.heard("1", process(1, 10))
    sums.heard("2", process(2, 20))
    sums.ended("2")
    found = values(page(sums.families(["1"])).decode())
    assert found["requests_total", (("path", "/"),)] == 3
    assert ("busy", (("worker", "2"),)) not in found
    sums.heard("2", process(5, 30))  # another one in its place
    assert values(page(sums.families(["1", "2"])).decode())["requests_total", (("path", "/"),)] == 8
    sums.ended("2")
    sums.ended("2")
    assert values(page(sums.families(["1"])).decode())["requests_total", (("path", "/"),)] == 8


def test_of_one_that_does_not_answer_now_what_only_grows_is_given():
    sums = Sum()
    sums.heard("1", process(1, 10))
    sums.heard("2", process(2, 20))
    found = values(page(sums.families(["1"])).decode())
    assert found["requests_total", (("path", "/"),)] == 3
    assert ("busy", (("worker", "2"),)) not in found


def test_a_family_that_is_of_another_type_elsewhere_is_left_out():
    sums = Sum()
    sums.heard("1", [("x", "counter", "", [("x_total", {}, 1.0)])])
    sums.heard("2", [("x", "gauge", "", [("x", {}, 1.0)])])
    assert values(page(sums.families(["1", "2"])).decode()) == {("x_total", ()): 1}
