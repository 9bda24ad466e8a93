"""A web site: a tree of resources at a port."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any

from plait.current import getReactor
from plait.log import Logger
from plait.protocol import ServerFactory
from plait.web.accesslog import combinedLogFormatter, logTime
from plait.web.connection import HTTPChannel
from plait.web.limits import Limits
from plait.web.request import Request
from plait.web.resource import getChildForRequest
from plait.web.session import Session

__all__ = ["HTTPFactory", "Site"]

_log = Logger("plait.web")

TICK = 1.0
"""Seconds between two looks at who is too slow."""


class HTTPFactory(ServerFactory):
    """Serves HTTP with requests of one's own class; `Site` is the one for resources.

    :param logPath: the file of the access log, in combined form; None for none.
    :param timeout: seconds that a connection may be idle between two requests; None: for ever.
    :param logFormatter: makes a line (str) of a time and a request.
    :param reactor: None is the default reactor.
    :param limits: what a client may take.
    """

    protocol = HTTPChannel
    streamsBody = False
    displayTracebacks = False
    logPath: str | None = None
    timeOut: float | None = 60.0

    def __init__(
        self,
        logPath: str | None = None,
        timeout: float | None = 60.0,
        logFormatter: Callable[[str, Any], str] | None = None,
        reactor: Any = None,
        limits: Limits | None = None,
        requestFactory: Callable[..., Any] = Request,
    ) -> None:
        self.timeOut = timeout
        self.logPath = logPath
        self.limits = limits if limits is not None else Limits()
        self.requestFactory = requestFactory
        self._formatter = logFormatter or combinedLogFormatter
        self._reactor = reactor
        self.logFile: IO[str] | None = None
        self.channels: set[Any] = set()
        self.now = 0.0
        """The time of the last look, in seconds: near enough for time limits, and nothing to ask for."""
        self._tick: Any = None

    @property
    def reactor(self) -> Any:
        """The reactor."""
        if self._reactor is None:
            self._reactor = getReactor()
        return self._reactor

    def buildProtocol(self, addr: Any) -> Any:
        """A connection."""
        channel = self.protocol()
        channel.factory = self
        channel.timeOut = self.timeOut
        channel.requestFactory = self.requestFactory
        return channel

    def startFactory(self) -> None:
        """The first port is open: open the log."""
        if self.logPath and self.logFile is None:
            self.logFile = open(self.logPath, "a", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115

    def stopFactory(self) -> None:
        """The last port is closed."""
        if self.logFile is not None and self.logPath:
            self.logFile.close()
            self.logFile = None
        if not self.channels:
            self._stop_ticking()

    # -- connections

    def channelOpened(self, channel: Any) -> None:
        """A client is there."""
        if self._tick is None:
            self.now = self.reactor.seconds()
            self._tick = self.reactor.callLater(TICK, self._look)
        self.channels.add(channel)

    def channelClosed(self, channel: Any) -> None:
        """It is gone."""
        self.channels.discard(channel)
        if not self.channels:
            self._stop_ticking()

    def _stop_ticking(self) -> None:
        tick, self._tick = self._tick, None
        if tick is not None and tick.active():
            tick.cancel()

    def _look(self) -> None:
        self.now = now = self.reactor.seconds()
        self._tick = self.reactor.callLater(TICK, self._look)
        for channel in list(self.channels):
            channel.look(now)

    # -- requests

    def getResourceFor(self, request: Any) -> Any:
        """The resource for a request."""
        raise NotImplementedError("this factory has no resources: give it a requestFactory with a `process` of its own")

    def log(self, request: Any) -> None:  # type: ignore[override]
        """Write a line to the access log."""
        if self.logFile is not None:
            try:
                self.logFile.write(self._formatter(logTime(), request) + "\n")
            except Exception:  # a full disk is no reason to leave the client without an answer
                _log.failure("Cannot write to the access log")

    def rejected(self, channel: Any, code: int, why: str) -> None:
        """A request was refused before it had a resource."""


class Site(HTTPFactory):
    """Serves a tree of resources.

    :param resource: its root.
    :param requestFactory: makes the requests, `Request` or a subclass.

    Attributes: `displayTracebacks` (whether the page for an error in a resource shows it: not for the public), `sessions` (that
    which was not touched for longest comes first), `sessionFactory`, `maxSessions` (with one more, that first one is ended). The
    other parameters as for `HTTPFactory`.
    """

    sessionFactory: Callable[..., Any] = Session
    maxSessions = 100_000
    counter = 0

    def __init__(
        self,
        resource: Any,
        requestFactory: Callable[..., Any] | None = None,
        logPath: str | None = None,
        timeout: float | None = 60.0,
        logFormatter: Callable[[str, Any], str] | None = None,
        reactor: Any = None,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(logPath, timeout, logFormatter, reactor, limits, requestFactory or Request)
        self.sessions: OrderedDict[bytes, Any] = OrderedDict()
        self.resource = resource

    @property
    def streamsBody(self) -> bool:  # type: ignore[override]
        """Whether requests are rendered before their body has come."""
        return getattr(self.resource, "streamsBody", False) is True

    def getResourceFor(self, request: Any) -> Any:
        """Follow the request's path down from the root."""
        request.site = self
        resource = self.resource
        if resource.isLeaf:
            return resource
        return getChildForRequest(resource, request)

    # the same name as a resource has it
    def getChildWithDefault(self, pathEl: bytes, request: Any) -> Any:
        """A child of the root."""
        request.site = self
        return self.resource.getChildWithDefault(pathEl, request)

    def render(self, request: Any) -> None:
        """Send the client to the root with a slash at its end."""
        request.redirect(request.prePathURL() + b"/")
        request.finish()

    def makeSession(self) -> Any:
        """A new session."""
        # anybody can have as many as they ask for, by leaving the cookie out
        while len(self.sessions) >= self.maxSessions:
            next(iter(self.sessions.values())).expire()
        uid = secrets.token_hex(20).encode("ascii")
        session = self.sessions[uid] = self.sessionFactory(self, uid)
        session.startCheckingExpiration()
        return session

    def getSession(self, uid: bytes) -> Any:
        """The session of that name. KeyError if there is none."""
        return self.sessions[uid]
