"""``plait run --metrics``: one page for the daemon and all its workers."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
from pathlib import Path

import pytest

from .conftest import PATIENCE, Plait
from .test_workers import ready, until

pytest.importorskip("prometheus_client", reason="the extra 'metrics' is not installed")

from prometheus_client.parser import text_string_to_metric_families

# It counts the lines that it answers with the number of its process.
COUNTING = """
import os
from prometheus_client import Counter, Gauge
from plait.protocol import Factory, LineReceiver
from plait.service import Application, Service, TCPServer

lines = Counter("lines", "Lines that were answered.")
Gauge("process_number", "Whose is it?").set(os.getpid())

class Count(LineReceiver):
    def lineReceived(self, line):
        lines.inc()
        self.sendLine(str(os.getpid()).encode())

class Announce(Service):
    def startService(self):
        with open("port", "w") as file:
            file.write(str(server.getHost().port))

application = Application("Counting")
server = TCPServer(0, Factory.forProtocol(Count), interface="127.0.0.1")
server.setServiceParent(application)
Announce().setServiceParent(application)
"""

Page = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("here", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(str(self._path))


def scrape(plait: Plait) -> Page:
    with contextlib.closing(Connection(plait.path("metrics"))) as connection:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        assert answer.status == 200, plait.log()
        text = answer.read().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def start(plait: Plait, *options: str) -> None:
    result = plait("run", "--metrics", "unix:metrics", *options, "-y", plait.application(COUNTING))
    assert (result.returncode, result.stderr) == (0, ""), plait.log()


def test_a_daemon_serves_its_metrics(plait: Plait) -> None:
    start(plait)
    plait.ask("hello")
    found = scrape(plait)
    assert found["lines_total", ()] == 1
    assert found["process_number", ()] == plait.pid()
    address = f"127.0.0.1:{plait.path('port').read_text()}"
    assert found["plait_port_accepts_total", (("address", address), ("factory", "Factory"), ("kind", "TCP"))] == 1
    assert found["plait_loop_lag_seconds_count", ()] >= 0
    if Path("/proc/self/stat").exists():  # prometheus-client's own collector needs it
        assert found["process_cpu_seconds_total", ()] > 0
    plait.stop()
    assert not plait.path("metrics").exists()


def test_a_number_is_a_port_of_this_machine_alone(plait: Plait, reverser: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = plait("run", "--metrics", str(port), "-y", reverser)
    assert result.returncode == 1
    assert result.stderr.startswith("plait: ") and f"127.0.0.1:{port}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert plait("run", "--metrics", str(port), "-y", reverser).returncode == 0
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request("GET", "/metrics")
        assert b"plait_connections" in connection.getresponse().read()
    plait.stop()


@pytest.mark.parametrize("place", ["99999", "what:is=this", "tcp:port"])
def test_a_place_that_is_none_is_told_in_one_line(plait: Plait, reverser: str, place: str) -> None:
    result = plait("run", "--metrics", place, "-y", reverser)
    assert result.returncode == 1
    assert result.stderr.startswith(f"plait: --metrics {place}: ")
    assert len(result.stderr.splitlines()) == 1
    assert not plait.path("plait.pid").exists()


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_without_the_package_it_is_told_what_to_install(plait: Plait, reverser: str, workers: tuple[str, ...]) -> None:
    plait.path("prometheus_client.py").write_text("raise ImportError('not there')")
    plait.environment["PYTHONPATH"] = os.pathsep.join([str(plait.folder), plait.environment["PYTHONPATH"]])
    result = plait("run", "--metrics", "0", *workers, "-y", reverser)
    assert result.returncode == 1
    assert result.stderr == "plait: --metrics: plait.metrics needs prometheus-client: pip install plait[metrics]\n"


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")


@needs_fork
def test_of_workers_what_grows_is_summed(plait: Plait) -> None:
    start(plait, "--workers", "2")
    for _ in range(6):
        plait.ask("who")
    until(lambda: scrape(plait).get(("lines_total", ())) == 6, plait.log)
    found = scrape(plait)
    of_workers = {found["process_number", (("worker", str(number)),)] for number in (1, 2)}
    assert of_workers == set(ready(plait))
    assert found["plait_service_restarts_total", (("service", "1"),)] == 0
    assert ("plait_timers", (("worker", "0"),)) in found  # the parent's
    address = f"127.0.0.1:{plait.path('port').read_text()}"
    assert found["plait_port_accepts_total", (("address", address), ("factory", "Factory"), ("kind", "TCP"))] == 6
    plait.stop()


@needs_fork
def test_a_worker_that_dies_takes_nothing_out_of_the_sums(plait: Plait) -> None:
    start(plait, "--workers", "2")
    for _ in range(6):
        plait.ask("who")
    until(lambda: scrape(plait).get(("lines_total", ())) == 6, plait.log)
    before = ready(plait)
    os.kill(before[0], signal.SIGKILL)

    def replaced() -> bool:
        assert scrape(plait)["lines_total", ()] == 6  # at any time
        return len(ready(plait)) == 3

    until(replaced, plait.log)
    until(lambda: ("process_number", (("worker", "1"),)) in scrape(plait), plait.log)
    found = scrape(plait)
    assert found["lines_total", ()] == 6
    assert found["process_number", (("worker", "1"),)] == ready(plait)[2]
    assert found["plait_service_restarts_total", (("service", "1"),)] == 1
    plait.ask("who")
    assert scrape(plait)["lines_total", ()] == 7
    plait.stop()


@needs_fork
def test_a_worker_that_does_not_answer_is_left_out_for_now(plait: Plait) -> None:
    start(plait, "--workers", "2")
    for _ in range(6):
        plait.ask("who")
    until(lambda: scrape(plait).get(("lines_total", ())) == 6, plait.log)
    first, second = ready(plait)
    os.kill(first, signal.SIGSTOP)
    try:
        found = scrape(plait)
        assert found["lines_total", ()] == 6
        assert ("process_number", (("worker", "1"),)) not in found
        assert found["process_number", (("worker", "2"),)] == second
    finally:
        os.kill(first, signal.SIGCONT)
    until(lambda: ("process_number", (("worker", "1"),)) in scrape(plait), plait.log)
    plait.stop()


BARE = """
from plait.service import Application
application = Application("Traced")
"""

SET_UP = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(
    SimpleSpanProcessor(ConsoleSpanExporter(out=open("spans", "w"), formatter=lambda span: f"SPAN {span.name} END\\n"))
)
"""


def test_trace_makes_spans_that_somebody_takes(plait: Plait) -> None:
    pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")
    name = plait.application(SET_UP + COUNTING)
    assert plait("run", "--trace", "-y", name).returncode == 0
    plait.ask("hello")
    until(lambda: "SPAN Count END" in plait.path("spans").read_text(), plait.log)  # once the connection has ended
    assert "nobody takes the spans" not in plait.log()
    plait.stop()


def test_trace_without_a_place_for_spans_is_told(plait: Plait) -> None:
    pytest.importorskip("opentelemetry", reason="OpenTelemetry's API is not installed")
    assert plait("run", "--trace", "-y", plait.application(BARE)).returncode == 0
    assert "--trace: nobody takes the spans." in plait.log()
    plait.stop()


def test_trace_without_the_package_is_told_in_one_line(plait: Plait) -> None:
    plait.path("opentelemetry.py").write_text("raise ImportError('not there')")
    plait.environment["PYTHONPATH"] = os.pathsep.join([str(plait.folder), plait.environment["PYTHONPATH"]])
    result = plait("run", "--trace", "-y", plait.application(BARE))
    assert result.returncode == 1
    assert result.stderr == "plait: --trace: plait.tracing needs OpenTelemetry's API: pip install plait[otel]\n"


@needs_fork
@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_an_upgrade_hands_the_page_over(plait: Plait, workers: tuple[str, ...]) -> None:
    start(plait, *workers)
    before = plait.pid()
    os.kill(before, signal.SIGUSR2)
    until(lambda: plait.path("plait.pid").read_text().strip() not in ("", str(before)), plait.log)
    until(lambda: plait.log().count("Stopped.") == 1, plait.log)
    found = scrape(plait)  # as from the beginning
    if workers:
        pids = {found["process_number", (("worker", str(number)),)] for number in (1, 2)}
        assert pids == set(ready(plait)[2:])
    else:
        assert found["process_number", ()] == plait.pid()
    plait.stop()
