"""Plait's server, as a daemon runs it that watches for blocks and serves metrics: `python watched_server.py echo|lines|…`.

A page of metrics is made each second, far more often than a scraper asks.
"""

import runpy
from pathlib import Path

from plait import reactor
from plait.engine import BlockWatch
from plait.metrics import MetricsService
from plait.metrics.service import page
from plait.task import LoopingCall

service = MetricsService(0)
service.startService()
BlockWatch(reactor).start()
reactor.callWhenRunning(LoopingCall(lambda: page(service.collect())).start, 1.0)
runpy.run_path(str(Path(__file__).with_name("plait_server.py")), run_name="__main__")
