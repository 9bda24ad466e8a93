"""Byte streams: a transport carries bytes, a protocol gives them a meaning, producers and consumers keep
pace.

Who calls whom: the engine makes a transport for each connection, asks the factory for a protocol, and hands
the transport to it. From then on the transport calls the protocol's hooks (`IProtocol`) and the protocol
calls the transport's methods (`ITransport`). All of it happens in the reactor's thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING

from plait.interfaces._root import Attribute, Interface

if TYPE_CHECKING:
    from plait.deferred import Deferred
    from plait.failure import Failure


class IAddress(Interface):
    """One end of a connection: whom it is with, or where it arrives. Addresses compare equal by what they
    name.
    """


class ILoggingContext(Interface):
    """Something in whose name log lines are written."""

    def logPrefix(self) -> str:
        """A short text, without line breaks, that tells a reader of the log who is at work."""


class ITransport(Interface):
    """The way to one peer, as a protocol sees it.

    None of the methods waits: bytes that the peer does not take yet are kept and sent as it takes them. A
    protocol that writes much registers itself as a producer (`IConsumer`), so that it is told to pause.
    """

    disconnecting: bool = Attribute("True from `loseConnection` until the connection is lost.")

    def write(self, data: bytes) -> None:
        """Send `data`, after everything that was written before.

        Bytes only: TypeError for anything else. After the connection is lost, or once you have asked for it
        to be closed, what you write is dropped without an error.
        """

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Send all parts in order, as `write` would if they were joined; cheaper than one call for each."""

    def loseConnection(self) -> None:
        """Send what has been written so far, then close the connection.

        If a producer is registered, closing waits until it is unregistered. Your protocol's `connectionLost`
        follows.
        """

    def getPeer(self) -> IAddress:
        """The address of the other end."""

    def getHost(self) -> IAddress:
        """The address of our own end."""


class IProducer(Interface):
    """A source of bytes that writes to a consumer; more exactly one of the two kinds, `IPushProducer`,
    `IPullProducer`.
    """

    def stopProducing(self) -> None:
        """The consumer takes no more, for good: its connection is lost. Let go of what you hold."""


class IPushProducer(IProducer, Interface):
    """A source that writes by itself whenever it has something, and can be held up.

    Register it with ``registerProducer(self, streaming=True)``.
    """

    def pauseProducing(self) -> None:
        """The consumer's buffer is full: do not write until `resumeProducing` is called."""

    def resumeProducing(self) -> None:
        """Go on writing."""


class IPullProducer(IProducer, Interface):
    """A source that writes one piece each time it is asked.

    Register it with ``registerProducer(self, streaming=False)``.
    """

    def resumeProducing(self) -> None:
        """Write one piece to the consumer, now or when you have it; you are asked again when it has been
        sent.
        """


class IConsumer(Interface):
    """Something that bytes are written to, and that can ask their source to wait."""

    def registerProducer(self, producer: IPushProducer | IPullProducer, streaming: bool) -> None:
        """From now on `producer` is the source; tell it to pause, to resume and to stop.

        `streaming`: True for an `IPushProducer`, False for an `IPullProducer`. RuntimeError if there is a
        producer already. If the connection is gone, `producer.stopProducing` is called at once.
        """

    def unregisterProducer(self) -> None:
        """The producer has nothing more to write. Bytes may still be written directly."""

    def write(self, data: bytes) -> None:
        """Take `data`. A producer calls this."""


class ITCPTransport(ITransport, IConsumer, IPushProducer, Interface):
    """A transport over TCP. Its addresses are IPv4Address or IPv6Address.

    It takes a producer (for what you write), and is one itself (of what the peer sends): `pauseProducing` stops
    reading.
    """

    def loseWriteConnection(self) -> None:
        """Tell the peer, once everything is sent, that no more will come; go on reading.

        A protocol that provides `IHalfCloseableProtocol` then gets `writeConnectionLost`.
        """

    def abortConnection(self) -> None:
        """Close the connection now and throw away what was not sent yet. The peer usually sees a reset."""

    def getTcpNoDelay(self) -> bool:
        """Whether small segments are sent without delay (TCP_NODELAY)."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Switch Nagle's algorithm off (True) or on (False) for this connection (RFC 9293, section 3.7.4)."""

    def getTcpKeepAlive(self) -> bool:
        """Whether the system probes a silent peer (SO_KEEPALIVE)."""

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """Have the system probe a silent peer, or not (RFC 9293, section 3.8.4). When it gives up, the
        connection is lost.
        """


class IProtocol(Interface):
    """What one connection does with its bytes. One object for each connection.

    A hook may be a coroutine function: reading from this connection then pauses until the coroutine has
    finished.
    """

    def makeConnection(self, transport: ITransport) -> None:
        """The engine calls this once, first of all; it keeps `transport` and calls `connectionMade`."""

    def connectionMade(self) -> Awaitable[None] | None:
        """The connection is there: write a greeting, start a timer."""

    def dataReceived(self, data: bytes) -> Awaitable[None] | None:
        """Some bytes have arrived, at least one.

        A stream has no seams: a message may come in several pieces, several messages in one. Your protocol
        should behave alike whether it gets its input in one call or byte by byte; test it both ways.
        """

    def connectionLost(self, reason: Failure) -> Awaitable[None] | None:
        """The connection is gone; called once, last of all. Break reference cycles, stop timers.

        `reason` holds ConnectionDone if it was closed in good order, ConnectionLost (or a subclass)
        otherwise.
        """


class IDrainable(Interface):
    """A protocol that wants to know that its server is about to end (`plait.engine.drain`)."""

    def drain(self) -> None:
        """Finish what is under way, take on nothing new, and close the connection: at once if nothing is under way.

        What has not closed by the deadline is cut.
        """


class IHalfCloseableProtocol(Interface):
    """A protocol, besides `IProtocol`, to which the two directions of a connection are separate.

    Without it a connection is closed as a whole when the peer stops sending.
    """

    def readConnectionLost(self) -> None:
        """The peer sends no more. You may go on writing; call ``transport.loseConnection`` when done."""

    def writeConnectionLost(self) -> None:
        """Our direction is closed: `loseWriteConnection` has done its work, or the peer takes no more.
        Reading goes on.

        If writing fails for another reason the whole connection is lost, and only `connectionLost` is called.
        """


class IProtocolFactory(Interface):
    """Makes the protocol for each connection, and holds what the connections share."""

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """A protocol for a new connection with the peer `addr`; None refuses it and it is closed."""

    def doStart(self) -> None:
        """A port or a connector begins to use this factory. It may be used by several at a time; each calls
        this.
        """

    def doStop(self) -> None:
        """A port or a connector has finished with this factory; once for each `doStart`."""


class IListeningPort(Interface):
    """An open port: what ``reactor.listenTCP`` and its kin return."""

    def startListening(self) -> None:
        """Open the port again after `stopListening`. Raises CannotListenError if the address is taken."""

    def stopListening(self) -> Deferred[None] | None:
        """Accept no more connections. Those that are there stay.

        If a Deferred is returned, the port is closed when it fires; None means that it is closed already.
        """

    def getHost(self) -> IAddress:
        """Where it listens; the way to learn the port number after listening on port 0."""


class IConnector(Interface):
    """One attempt to connect, and the connection that comes of it: what ``reactor.connectTCP`` and its kin
    return.
    """

    def stopConnecting(self) -> None:
        """Give up the attempt: the factory's `clientConnectionFailed` is called with UserError.

        Raises NotConnectingError if no attempt is under way.
        """

    def disconnect(self) -> None:
        """Close the connection if there is one, give up the attempt if it is under way, else do nothing."""

    def connect(self) -> None:
        """Try again, with the same arguments; for use in `clientConnectionLost` and `clientConnectionFailed`.

        Raises RuntimeError if a connection or an attempt exists.
        """

    def getDestination(self) -> IAddress:
        """The address that was asked for, whether or not it has been reached."""
