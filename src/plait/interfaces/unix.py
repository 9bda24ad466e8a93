"""UNIX sockets: streams between programs of one machine, which can hand over file descriptors too."""

from __future__ import annotations

from plait.interfaces._root import Interface
from plait.interfaces.reactor import IClientFactory
from plait.interfaces.stream import IConnector, IListeningPort, IProtocolFactory, ITransport


class IUNIXTransport(ITransport, Interface):
    """A transport over a UNIX socket."""

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Give the peer a copy of a descriptor, with the next byte that is written: nothing is sent until you write one.

        Leave `descriptor` open until it has gone. A peer whose protocol provides `IFileDescriptorReceiver` is handed it.
        """


class IFileDescriptorReceiver(Interface):
    """A protocol, besides `IProtocol`, that takes file descriptors from its peer."""

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """The peer has sent a descriptor. It is yours now: close it when you have done with it.

        It comes before the `dataReceived` with the byte that it was sent with.
        """


class IReactorUNIX(Interface):
    """Connections over UNIX sockets."""

    def listenUNIX(
        self,
        address: str | bytes,
        factory: IProtocolFactory,
        backlog: int = 50,
        mode: int = 0o666,
        wantPID: bool = False,
    ) -> IListeningPort:
        """Make the socket `address` (a path) and accept connections there. Raises CannotListenError at once.

        `backlog`: how many connections may wait to be accepted. `mode`: the permissions of the socket. `wantPID`: keep a
        lock file beside it, by which a socket that a dead process left behind is known and removed.
        """

    def connectUNIX(
        self, address: str | bytes, factory: IClientFactory, timeout: float = 30, checkPID: bool = False
    ) -> IConnector:
        """Connect to the socket `address` (a path).

        `timeout`: seconds until the attempt fails with TimeoutError. `checkPID`: fail with BadFileError unless a process
        that is alive holds the lock file.
        """
