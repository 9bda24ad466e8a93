"""Services at endpoints: a server that listens, and a client that keeps a connection and makes it again when it is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.current import getReactor
from plait.deferred import CancelledError, Deferred, fail, maybeDeferred, succeed
from plait.endpoints import serverFromString
from plait.endpoints.joining import PassingProtocol
from plait.failure import Failure
from plait.interfaces import IProtocolFactory, IStreamClientEndpoint, IStreamServerEndpoint, implementer
from plait.log import Logger
from plait.service.backoff import backoffPolicy
from plait.service.base import Service, describe
from plait.transport.tlsserver import reload_certificates

_log = Logger(namespace="plait.service")


class StreamServerEndpointService(Service):
    """Listens at an endpoint from the start to the stop. The port is opened in the privileged part of the start, if there is one.

    :param endpoint: where, as an object or as a string (`plait.endpoints.serverFromString`). Where a string is given, a port
        that cannot be opened makes the start fail, as with `TCPServer`. What any other endpoint says, maybe later, is logged.
    :param factory: makes the protocols.
    :param reactor: for a string; None: the current one.
    """

    _unsaved = Service._unsaved | {"_listening", "_port"}
    _listening: Deferred[Any] | None = None
    _port: Any = None

    def __init__(
        self, endpoint: str | IStreamServerEndpoint, factory: IProtocolFactory, *, reactor: Any = None
    ) -> None:
        self._raiseSynchronously = isinstance(endpoint, str)
        self.endpoint = serverFromString(reactor or getReactor(), endpoint) if isinstance(endpoint, str) else endpoint
        self.factory = factory

    def privilegedStartService(self) -> None:
        """Open the port."""
        listening = maybeDeferred(self.endpoint.listen, self.factory)
        failures: list[Failure] = []
        at_once = self._raiseSynchronously

        def failed(failure: Failure) -> None:
            if at_once:
                failures.append(failure)
            elif failure.check(CancelledError) is None:  # which is our stop
                _log.failure("{service} cannot listen", failure, service=describe(self))

        self._listening = listening.addCallback(self._opened).addErrback(failed)
        at_once = False
        if failures:
            self._listening = None
            failures[0].raiseException()

    def startService(self) -> None:
        """Open the port if that was not done before."""
        super().startService()
        if self._listening is None:
            self.privilegedStartService()

    def stopService(self) -> Deferred[Any]:
        """Close the port, or give up to open it. The Deferred fires when it is closed; connections that are there stay."""
        super().stopService()
        listening, self._listening, self._port = self._listening, None, None
        if listening is None:
            return succeed(None)
        listening.cancel()
        closed: Deferred[Any] = Deferred()

        def close(port: Any) -> Any:
            return None if port is None else port.stopListening()

        listening.addCallback(close).addBoth(closed.callback)
        return closed

    def reloadService(self) -> None:
        """Load the certificates of an endpoint that speaks TLS anew. What `SSLServer` says of that holds here, too."""
        reload_certificates(self.endpoint)

    def getHost(self) -> Any:
        """The address on which the service listens: ask it for the number where port 0 was asked for.

        RuntimeError while it does not listen.
        """
        if self._port is None:
            raise RuntimeError(f"{describe(self)} does not listen: start it first")
        return self._port.getHost()

    def _opened(self, port: Any) -> Any:
        self._port = port
        return port


class ClientService(Service):
    """Keeps a connection to an endpoint from the start to the stop: when it fails, or is lost, it is made again, after a while.

    :param endpoint: where to connect to.
    :param factory: makes the protocols, a new one for each connection.
    :param retryPolicy: how long to wait after the nth failure in a row, in seconds; `backoffPolicy` with its defaults if None.
    :param clock: where the time comes from; None: the current reactor.
    :param prepareConnection: called with each connection that is made, before `whenConnected` tells of it: to log in, say. It
        may return a Deferred, or a coroutine. If it fails, the connection is cut, and that counts as a failure to connect.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        factory: IProtocolFactory,
        retryPolicy: Callable[[int], float] | None = None,
        clock: Any = None,
        prepareConnection: Callable[[Any], Any] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._factory = factory
        self._policy = retryPolicy or backoffPolicy()
        self._clock = clock
        self._prepare = prepareConnection
        self._failures = 0
        self._attempt: Deferred[Any] | None = None  # to connect, or to prepare the connection
        self._timer: Any = None  # to the next attempt
        self._connection: _WatchedProtocol | None = None  # until it is lost
        self._ready = False  # it is prepared
        self._closing = False  # we have asked for its end
        self._began = False
        self._stopping: list[Deferred[None]] = []
        self._waiting: list[tuple[Deferred[Any], int | None]] = []

    def whenConnected(self, failAfterFailures: int | None = None) -> Deferred[Any]:
        """Wait for the protocol of a connection. The Deferred fires at once if there is one.

        It fails with `plait.deferred.CancelledError` if the service stops or has been stopped, and with the reason of the last
        failure if `failAfterFailures` attempts have failed since this call (None: however many fail).
        """
        connection = self._connection
        if self._ready and not self._closing and connection is not None and connection.reason is None:
            return succeed(connection._protocol)
        if self._began and not self.running and not self._stopping:
            return fail(CancelledError())
        waiting: Deferred[Any] = Deferred()
        self._waiting.append((waiting, failAfterFailures))
        return waiting

    def startService(self) -> None:
        """Connect. Whether that works out, `whenConnected` tells."""
        if self.running:
            _log.warn("Duplicate ClientService.startService: {service} runs already", service=describe(self))
            return
        super().startService()
        self._began = True
        if not self._stopping:  # else when that has come to its end
            self._connect()

    def stopService(self) -> Deferred[None]:
        """Disconnect, or give up the attempt. The Deferred fires when there is no connection any more."""
        super().stopService()
        self._began = True
        stopped: Deferred[None] = Deferred()
        self._stopping.append(stopped)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._attempt is not None:
            self._attempt.cancel()  # `_failed` does the rest
        elif not self._closing:
            self._close()
        return stopped

    def _connect(self) -> None:
        self._timer = None
        self._closing = self._ready = False
        attempt = self._attempt = maybeDeferred(self._endpoint.connect, _WatchedFactory(self._factory, self._lost))
        attempt.addCallback(self._connected)
        attempt.addCallbacks(self._prepared, self._failed)

    def _connected(self, connection: _WatchedProtocol) -> Deferred[Any]:
        self._connection = connection
        if connection.reason is not None:  # lost as soon as it was there
            return fail(connection.reason)
        return succeed(None) if self._prepare is None else maybeDeferred(self._prepare, connection)

    def _prepared(self, _: object) -> None:
        connection = self._connection
        assert connection is not None
        if connection.reason is not None:
            self._failed(connection.reason)
            return
        self._attempt = None
        if self._stopping:
            self._close()
            return
        self._ready = True
        self._failures = 0
        waiting, self._waiting = self._waiting, []
        for deferred, _failures in waiting:
            deferred.callback(connection._protocol)

    def _failed(self, failure: Failure) -> None:
        """There is no connection, or it was no good."""
        self._attempt = None
        if self._stopping:
            self._close()
            return
        connection, self._connection = self._connection, None
        if connection is None:
            self._retry(failure)
        elif connection.reason is None:
            self._retry(failure)
            getattr(connection.transport, "abortConnection", connection.transport.loseConnection)()
        else:
            self._retry(connection.reason)

    def _lost(self, connection: _WatchedProtocol, reason: Failure) -> None:
        if connection is not self._connection:
            return  # it is not there yet, or we have left it
        if self._attempt is not None:
            self._attempt.cancel()  # it was being prepared: `_failed` does the rest
            return
        self._connection = None
        closing, self._closing = self._closing, False
        self._ready = False
        if closing:
            self._stopped()
        else:
            self._retry(reason)

    def _retry(self, reason: Failure) -> None:
        self._failures += 1
        delay = self._policy(self._failures)
        _log.info(
            "{service}: no connection to {endpoint} ({error}); attempt {attempt} is made in {delay:.3g} seconds",
            service=describe(self),
            endpoint=self._endpoint,
            error=reason.getErrorMessage(),
            attempt=self._failures + 1,
            delay=delay,
        )
        self._timer = (self._clock or getReactor()).callLater(delay, self._connect)
        waiting, self._waiting = self._waiting, []
        enough = [deferred for deferred, left in waiting if left is not None and left <= 1]
        self._waiting = [(d, left if left is None else left - 1) for d, left in waiting if left is None or left > 1]
        for deferred in enough:
            deferred.errback(reason)

    def _close(self) -> None:
        """End the connection, if there is one; then the service has stopped."""
        if self._connection is None or self._connection.reason is not None:
            self._connection = None
            self._stopped()
        else:
            self._closing = True
            self._connection.transport.loseConnection()

    def _stopped(self) -> None:
        stopping, self._stopping = self._stopping, []
        if self.running:  # again, meanwhile
            self._connect()
        else:
            waiting, self._waiting = self._waiting, []
            for deferred, _failures in waiting:
                deferred.errback(CancelledError())
        for stopped in stopping:
            stopped.callback(None)


class _WatchedProtocol(PassingProtocol):
    """Around the protocol of a `ClientService`, to learn when the connection is lost. What it lacks is asked of that protocol."""

    reason: Failure | None = None

    def __init__(self, protocol: Any, lost: Callable[[_WatchedProtocol, Failure], None]) -> None:
        super().__init__(protocol)
        self._protocol = protocol
        self.factory = getattr(protocol, "factory", None)
        self._told_lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_protocol"], name)

    def __repr__(self) -> str:
        return f"<connection of {self._protocol}>"

    def makeConnection(self, transport: Any) -> Any:
        """Hand it on, and stay in the way."""
        self.transport = transport
        self.connected = 1
        return self._protocol.makeConnection(transport)

    def connectionLost(self, reason: Failure) -> Any:
        """Hand it on, and tell the service."""
        self.reason = reason
        try:
            return super().connectionLost(reason)
        finally:
            self._told_lost(self, reason)


@implementer(IProtocolFactory)
class _WatchedFactory:
    """Around the factory of a `ClientService`. What it lacks is asked of that factory."""

    def __init__(self, factory: Any, lost: Callable[[_WatchedProtocol, Failure], None]) -> None:
        self._factory = factory
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_factory"], name)

    def __repr__(self) -> str:
        return f"<ClientService's factory around {self._factory!r}>"

    def doStart(self) -> None:
        self._factory.doStart()

    def doStop(self) -> None:
        self._factory.doStop()

    def buildProtocol(self, addr: Any) -> _WatchedProtocol | None:
        protocol = self._factory.buildProtocol(addr)
        return None if protocol is None else _WatchedProtocol(protocol, self._lost)
