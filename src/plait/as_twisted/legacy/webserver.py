"""``twisted.web.server``: a site as old programs make and subclass it, and compressed answers."""

from __future__ import annotations

from typing import Any

from plait.as_twisted.legacy.webdates import combinedLogFormatter, datetimeToLogString
from plait.as_twisted.legacy.webinterfaces import IRequest, IRequestEncoder, IRequestEncoderFactory
from plait.as_twisted.version import __version__
from plait.interfaces import implementer
from plait.web import encoding, request, site


__all__ = ["GzipEncoder", "GzipEncoderFactory", "Site", "supportedMethods", "version"]

version = f"TwistedWeb/{__version__}".encode("ascii")
"""What the server calls itself."""

supportedMethods = (b"GET", b"HEAD", b"POST")


implementer(IRequestEncoder)(encoding.GzipEncoder)
implementer(IRequestEncoderFactory)(encoding.GzipEncoderFactory)
implementer(IRequest)(request.Request)

GzipEncoder = encoding.GzipEncoder
GzipEncoderFactory = encoding.GzipEncoderFactory


class Site(site.Site):
    """A site. `requestFactory` may be set by a subclass, too."""

    requestFactory: Any = None
    _logDateTime: str | None = None

    def __init__(self, resource: Any, requestFactory: Any = None, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("logFormatter", combinedLogFormatter) if len(args) < 3 else None
        super().__init__(resource, requestFactory or type(self).requestFactory, *args, **kwargs)

    def log(self, request: Any) -> None:  # type: ignore[override]
        """Write a line to the access log."""
        if self.logFile is not None:
            when = self._logDateTime or datetimeToLogString(self.reactor.seconds())
            self.logFile.write(self._formatter(when, request) + "\n")
