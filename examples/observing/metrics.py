"""A program's own metrics beside the engine's. It scrapes itself once, and shows some of what it gets."""

from prometheus_client import Counter

from plait import deferToThread, reactor
from plait.metrics import MetricsService
from plait.task import react

orders = Counter("orders", "Orders that were taken.", ["size"])


async def main(reactor):
    orders.labels("small").inc(2)
    orders.labels("big").inc()
    service = MetricsService(0)  # in earnest a fixed port, such as 9464
    service.startService()
    text = await deferToThread(scrape, service.getHost().port)
    await service.stopService()
    wanted = ("orders_total{", "plait_accepts_total ")
    print("\n".join(sorted(line for line in text.splitlines() if line.startswith(wanted))))


def scrape(port):
    """What Prometheus does, in a thread: the loop has to answer meanwhile."""
    from urllib.request import urlopen

    return urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()


react(main, _reactor=reactor)
