"""File descriptors: what the reactor watches for you, when a socket or a pipe is not one that it made.

An object with a descriptor provides `IReadDescriptor`, `IWriteDescriptor` or both; `IReactorFDSet` is told when to watch it.
A descriptor that another program has opened (a socket from systemd, say) becomes a port by `IReactorSocket`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.interfaces._root import Interface
from plait.interfaces.datagram import IDatagramProtocol
from plait.interfaces.stream import IListeningPort, ILoggingContext, IProtocolFactory

if TYPE_CHECKING:
    from plait.failure import Failure


class ISystemHandle(Interface):
    """Something that has an object of the operating system inside."""

    def getHandle(self) -> Any:
        """The socket, the file or the number of a process: what the system calls it. Look, and do not read or write."""


class IFileDescriptor(ILoggingContext, Interface):
    """Something with a file descriptor."""

    def fileno(self) -> int:
        """The number of the descriptor; -1 once it is closed."""

    def connectionLost(self, reason: Failure) -> None:
        """The descriptor is of no use any more; `reason` says why. The reactor has stopped watching it: close it."""


class IReadDescriptor(IFileDescriptor, Interface):
    """A descriptor that is read from."""

    def doRead(self) -> Exception | None:
        """There is something to read, or the end: read without waiting.

        An exception that is returned (`ConnectionDone`, `ConnectionLost`) ends the descriptor: `connectionLost` follows
        with it. What is raised does the same, and is logged.
        """


class IWriteDescriptor(IFileDescriptor, Interface):
    """A descriptor that is written to."""

    def doWrite(self) -> Exception | None:
        """There is room: write without waiting. An exception that is returned ends the descriptor, as with `doRead`."""


class IReadWriteDescriptor(IReadDescriptor, IWriteDescriptor, Interface):
    """A descriptor of both kinds."""


class IHalfCloseableDescriptor(Interface):
    """A transport whose directions can be lost one at a time. The engine calls these, not the application."""

    def readConnectionLost(self, reason: Failure) -> None:
        """The peer has closed its direction. If that is the end, `connectionLost` is called instead."""

    def writeConnectionLost(self, reason: Failure) -> None:
        """Our direction is closed. If that is the end, `connectionLost` is called instead."""


class IReactorFDSet(Interface):
    """A reactor that watches descriptors of yours."""

    def addReader(self, reader: IReadDescriptor) -> None:
        """Call ``reader.doRead`` whenever there is something to read, until `removeReader`. Twice is as once."""

    def addWriter(self, writer: IWriteDescriptor) -> None:
        """Call ``writer.doWrite`` whenever there is room to write, until `removeWriter`. Twice is as once."""

    def removeReader(self, reader: IReadDescriptor) -> None:
        """Watch `reader` for reading no more. Nothing happens if it is not watched."""

    def removeWriter(self, writer: IWriteDescriptor) -> None:
        """Watch `writer` for writing no more. Nothing happens if it is not watched."""

    def removeAll(self) -> list[IReadDescriptor | IWriteDescriptor]:
        """Watch nothing more, but for what the reactor needs itself; returns what was watched."""

    def getReaders(self) -> list[IReadDescriptor]:
        """What is watched for reading."""

    def getWriters(self) -> list[IWriteDescriptor]:
        """What is watched for writing."""


class IReactorSocket(Interface):
    """A reactor that goes on with sockets that somebody else has opened.

    Each method makes a copy of the descriptor (``os.dup``): close yours when you like. `addressFamily` is one of the
    ``socket.AF_…`` numbers; UnsupportedAddressFamily is raised for one that cannot be served, and UnsupportedSocketType
    for a socket of the wrong type, where that can be seen.
    """

    def adoptStreamPort(self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory) -> IListeningPort:
        """Accept connections on a stream socket that listens already; `factory` makes the protocol for each."""

    def adoptStreamConnection(self, fileDescriptor: int, addressFamily: int, factory: IProtocolFactory) -> Any:
        """Go on with a connection that is made already; `factory` is asked for its protocol. Returns the transport."""

    def adoptDatagramPort(
        self, fileDescriptor: int, addressFamily: int, protocol: IDatagramProtocol, maxPacketSize: int = 8192
    ) -> IListeningPort:
        """Receive on a datagram socket that is bound already.

        `maxPacketSize`: the longest datagram, in bytes, that can be received; of a longer one the rest is lost.
        """


class IReactorWin32Events(Interface):
    """A reactor on Windows that waits for the system's event objects."""

    def addEvent(self, event: Any, fd: object, action: str) -> None:
        """When `event` (a handle) is signalled, call the method of `fd` that is named `action`."""

    def removeEvent(self, event: Any) -> None:
        """Wait for `event` no more."""
