"""Metrics for Prometheus: what the engine, the services and the program itself count, on a page of their own.

Needs prometheus-client: ``pip install plait[metrics]``. In reading order: `families` (what is counted), `summing` (of several
processes), `page` (the server of that one page), `service`.
"""

try:
    import prometheus_client as _there
except ImportError as error:
    raise ImportError("plait.metrics needs prometheus-client: pip install plait[metrics]") from error

del _there

from plait.metrics.families import families  # noqa: E402
from plait.metrics.service import MetricsService, metricsEndpoint  # noqa: E402

__all__ = ["MetricsService", "families", "metricsEndpoint"]
