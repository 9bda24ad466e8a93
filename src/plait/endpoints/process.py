"""A program as the other end of a connection: what it prints is received, and what is written it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from plait.deferred import Deferred, fail, succeed
from plait.errors import ConnectionDone, ConnectionLost, NoProtocol, ProcessDone
from plait.failure import Failure
from plait.interfaces import (
    IAddress,
    IConsumer,
    IProtocol,
    IProtocolFactory,
    IPushProducer,
    IStreamClientEndpoint,
    ITransport,
    implementer,
)
from plait.log import Logger
from plait.protocol import ProcessProtocol
from plait.transport.address import ProcessAddress

_log = Logger("plait.endpoints")


class StandardErrorBehavior(Enum):
    """What to do with what the program writes to standard error."""

    LOG = "log"
    DROP = "drop"


@implementer(IStreamClientEndpoint)
class ProcessEndpoint:
    """Starts `executable`; the arguments are those of ``reactor.spawnProcess``. `errFlag` says what becomes of its errors.

    The protocol's `connectionLost` is called when the program has ended: with `ConnectionDone` if it said that all was well
    (exit code 0), else with `ConnectionLost`.
    """

    def __init__(
        self,
        reactor: Any,
        executable: str | bytes,
        args: Iterable[str | bytes] = (),
        env: Mapping[Any, Any] | None = {},
        path: str | bytes | None = None,
        uid: int | None = None,
        gid: int | None = None,
        usePTY: bool | int = 0,
        childFDs: Mapping[int, int | str] | None = None,
        errFlag: StandardErrorBehavior = StandardErrorBehavior.LOG,
    ) -> None:
        self._reactor = reactor
        self._executable = executable
        self._args = args
        self._env = env
        self._path = path
        self._uid = uid
        self._gid = gid
        self._usePTY = usePTY
        self._childFDs = childFDs
        self._errFlag = errFlag
        self._spawnProcess = getattr(reactor, "spawnProcess", None)

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Start the program. The Deferred fires with the protocol."""
        if self._spawnProcess is None:
            return fail(NotImplementedError(f"{self._reactor!r} cannot start programs"))
        try:
            protocol = protocolFactory.buildProtocol(ProcessAddress())
            if protocol is None:
                raise NoProtocol()
            self._spawnProcess(
                ConnectedProcess(protocol, self._executable, self._errFlag),
                self._executable,
                self._args,
                self._env,
                self._path,
                self._uid,
                self._gid,
                self._usePTY,
                self._childFDs,
            )
        except Exception as e:
            return fail(Failure(e))
        return succeed(protocol)


class ConnectedProcess(ProcessProtocol):
    """Hands the events of a process on to a stream `protocol`."""

    def __init__(self, protocol: Any, executable: str | bytes, errFlag: StandardErrorBehavior) -> None:
        self.protocol = protocol
        self.executable = executable
        self.errFlag = errFlag

    def makeConnection(self, process: Any) -> Any:
        """The program runs."""
        self.transport: Any = ProcessStream(process)
        return self.protocol.makeConnection(self.transport)

    def childDataReceived(self, childFD: int, data: bytes) -> Any:
        """What it has written: to the protocol, or the log."""
        if childFD == 1:
            return self.protocol.dataReceived(data)
        if childFD == 2 and self.errFlag is StandardErrorBehavior.LOG:
            _log.error(
                "Process {executable!r} wrote stderr unhandled by {protocol}: {data!r}",
                executable=self.executable,
                protocol=self.protocol,
                data=data,
            )
        return None

    def processEnded(self, reason: Failure) -> None:
        """It has ended, and all that it wrote has been read."""
        well = reason.check(ProcessDone) is not None
        error = ConnectionDone() if well else ConnectionLost(reason.getErrorMessage())
        self.protocol.connectionLost(Failure(error))


@implementer(ITransport, IPushProducer, IConsumer)
class ProcessStream:
    """A process as the transport of a stream: its standard input and output."""

    disconnecting = False

    def __init__(self, process: Any) -> None:
        self._process = process

    def write(self, data: bytes) -> None:
        """To its standard input. Nothing happens once that is closed, as with any connection."""
        try:
            self._process.writeToChild(0, data)
        except KeyError:
            pass

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Several pieces, one after the other."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Close its standard input and output."""
        self.disconnecting = True
        self._process.loseConnection()

    def getPeer(self) -> IAddress:
        """A `ProcessAddress`."""
        address: IAddress = self._process.getPeer()
        return address

    def getHost(self) -> IAddress:
        """A `ProcessAddress`."""
        address: IAddress = self._process.getHost()
        return address

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """As of any consumer."""
        self._process.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The producer is done."""
        self._process.unregisterProducer()

    def pauseProducing(self) -> None:
        """Read nothing more of its output."""
        self._process.pauseProducing()

    def resumeProducing(self) -> None:
        """Read again."""
        self._process.resumeProducing()

    def stopProducing(self) -> None:
        """Whoever consumes its output wants nothing more."""
        self._process.stopProducing()
