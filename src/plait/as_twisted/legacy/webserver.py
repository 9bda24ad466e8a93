"""``twisted.web.server``: a site as old programs make and subclass it, and compressed answers."""

from __future__ import annotations

from typing import IO, Any

from plait.as_twisted.legacy.webdates import combinedLogFormatter, datetimeToLogString
from plait.as_twisted.legacy.webhttp import contentFile
from plait.as_twisted.legacy.webinterfaces import IRequest
from plait.as_twisted.version import __version__
from plait.interfaces import implementer
from plait.web import request, site

__all__ = ["Site", "supportedMethods", "version"]

version = f"TwistedWeb/{__version__}".encode("ascii")
"""What the server calls itself."""

supportedMethods = (b"GET", b"HEAD", b"POST")


implementer(IRequest)(request.Request)


class Site(site.Site):
    """A site. `requestFactory` may be set by a subclass, too."""

    requestFactory: Any = None
    _logDateTime: str | None = None

    def __init__(self, resource: Any, requestFactory: Any = None, *args: Any, **kwargs: Any) -> None:
        if len(args) < 3:
            kwargs.setdefault("logFormatter", combinedLogFormatter)
        super().__init__(resource, requestFactory or type(self).requestFactory, *args, **kwargs)

    def buildProtocol(self, addr: Any) -> Any:
        """A connection. Old clients that send no Host are served."""
        channel = super().buildProtocol(addr)
        channel.needsHost = False
        return channel

    def getContentFile(self, length: int | None) -> IO[bytes]:
        """Where the body of a request is kept, for one from a connection of another kind; a subclass may choose."""
        return contentFile(length)

    def log(self, request: Any) -> None:  # type: ignore[override]
        """Write a line to the access log."""
        if self.logFile is not None:
            when = self._logDateTime or datetimeToLogString(self.reactor.seconds())
            self.logFile.write(self._formatter(when, request) + "\n")
