"""The same interfaces as mypy --strict reads them: what fits passes, what does not is an error, without a
plugin.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import plait

SOURCE = Path(plait.__file__).parent.parent

HEAD = """
from plait.interfaces import *
from plait.interfaces import Interface

class IGreeter(Interface):
    name: str
    def greet(self, whom: str, loudly: bool = False) -> str:
        "Say hello."
"""

RIGHT = """
@implementer(IGreeter)
class Butler:
    name = "James"
    def greet(self, whom: str, loudly: bool = False) -> str:
        return whom

def use(greeter: IGreeter) -> None:
    greeter.greet("you", loudly=True)

use(Butler())
reveal_type(Butler().greet("x"))  # R: str

def ask(thing: object) -> None:
    assert provides(IGreeter, thing)
    reveal_type(adapt(IGreeter, thing))  # R: IGreeter
    reveal_type(adapt(IGreeter, thing, None))  # R: IGreeter | None

verifyObject(IGreeter, Butler())
verifyClass(IGreeter, Butler)
alsoProvides(Butler(), IGreeter, ILoggingContext)
assert implements(IGreeter, Butler)

@implementer(IProtocol)
class Echo:
    transport: ITransport
    def makeConnection(self, transport: ITransport) -> None:
        self.transport = transport
        self.connectionMade()
    def connectionMade(self) -> None: ...
    async def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)
    def connectionLost(self, reason: object) -> None: ...

one: IProtocol = Echo()

def lower(reactor: IReactorThreads, tls: ISSLTransport, push: IPushProducer) -> tuple[IReactorFromThreads,
ITransport, IProducer]:
    return reactor, tls, push
"""

PARTS = """
from collections.abc import Sequence
from plait.deferred import Deferred, succeed
from plait.failure import Failure
from plait.interfaces import *
from plait.transport import HostnameAddress, IPv4Address

@implementer(IDatagramProtocol)
class Answer:
    transport: IUDPTransport
    def makeConnection(self, transport: IUDPTransport) -> None:
        self.transport = transport
    def doStart(self) -> None: ...
    def doStop(self) -> None: ...
    def connectionRefused(self) -> None: ...
    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        self.transport.write(datagram, addr)

def listen(reactor: IReactorMulticast, udp: IReactorUDP) -> Deferred[None] | None:
    reactor.listenMulticast(8005, Answer(), listenMultiple=True)
    return udp.listenUDP(0, Answer()).stopListening()

@implementer(IProcessProtocol)
class Child:
    process: IProcessTransport
    def makeConnection(self, process: IProcessTransport) -> None:
        process.write(b"hello")
        process.closeStdin()
    def childDataReceived(self, childFD: int, data: bytes) -> None: ...
    def childConnectionLost(self, childFD: int) -> None: ...
    def processExited(self, reason: Failure) -> None: ...
    def processEnded(self, reason: Failure) -> None: ...

def start(reactor: IReactorProcess) -> None:
    process = reactor.spawnProcess(Child(), "/bin/sh", ["sh", b"-c", "true"], env=None, childFDs={0: "w", 1: 1})
    process.signalProcess("TERM")
    reveal_type(process.pid)  # R: int | None

class Way:
    name = "example.com"
    def cancel(self) -> None: ...

@implementer(IHostnameResolver)
class Fixed:
    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        way = Way()
        resolutionReceiver.resolutionBegan(way)
        resolutionReceiver.addressResolved(IPv4Address("TCP", "127.0.0.1", portNumber))
        resolutionReceiver.resolutionComplete()
        return way

def names(reactor: IReactorPluggableNameResolver, receiver: IResolutionReceiver) -> IHostnameResolver:
    reactor.nameResolver.resolveHostName(receiver, "example.com", addressTypes=[IPv4Address])
    return reactor.installNameResolver(Fixed())

@implementer(IStreamClientEndpoint)
class Again:
    def __init__(self, other: IStreamClientEndpoint) -> None:
        self.other = other
    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        return self.other.connect(protocolFactory)

@implementer(IStreamClientEndpointStringParserWithReactor)
class Parser:
    prefix = "again"
    def parseStreamClient(self, reactor: object, *args: object, **kwargs: object) -> IStreamClientEndpoint:
        raise ValueError(args)

@implementer(IReadWriteDescriptor)
class Pipe:
    def fileno(self) -> int:
        return 3
    def logPrefix(self) -> str:
        return "pipe"
    def doRead(self) -> None: ...
    def doWrite(self) -> Exception:
        return OSError()
    def connectionLost(self, reason: Failure) -> None: ...

def watch(reactor: IReactorFDSet, parser: IStreamClientEndpointStringParserWithReactor = Parser()) -> None:
    reactor.addReader(Pipe())
    reactor.addWriter(Pipe())
    reader: IReadDescriptor = reactor.getReaders()[0]

def tls(transport: ITLSTransport, context: IOpenSSLContextFactory) -> None:
    transport.startTLS(context)
    if negotiated := adapt(INegotiated, transport, None):
        reveal_type(negotiated.negotiatedProtocol)  # R: bytes | None

def hand(transport: IUNIXTransport, reactor: IReactorUNIX, factory: IClientFactory) -> IConnector:
    transport.sendFileDescriptor(3)
    return reactor.connectUNIX("/run/a", factory, checkPID=True)
"""

OURS = """
from plait.engine import Reactor
from plait.engine.timers import DelayedCall
from plait.interfaces import *
from plait.protocol import *
from plait.transport import *

class Mine(LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.transport.registerProducer(self.transport, streaming=True)

reactor = Reactor()
core: IReactorCore = reactor
time: IReactorTime = reactor
tcp: IReactorTCP = reactor
ssl: IReactorSSL = reactor
threads: IReactorThreads = reactor

def promises(call: DelayedCall, port: Port, connector: Connector, address: IPv4Address) -> None:
    a: IDelayedCall = call
    b: IListeningPort = port
    c: IConnector = connector
    e: IAddress = address
    f: IProtocol = Mine()
    g: IProtocolFactory = Factory()
    h: IClientFactory = ClientFactory()

def connections(plain: Connection, secure: SecureConnection) -> None:
    a: ITLSTransport = plain
    b: INegotiated = secure
"""

WRONG = """
class NoName:
    def greet(self, whom: str, loudly: bool = False) -> str:
        return whom

class Deaf:
    name = "x"
    def greet(self) -> str:
        return ""

class Rude:
    name = "x"
    def greet(self, whom: str, loudly: bool = False) -> int:
        return 3

a: IGreeter = NoName()  # E: "NoName" is missing following "IGreeter" protocol member
b: IGreeter = Deaf()  # E: Incompatible types in assignment
c: IGreeter = Rude()  # E: Incompatible types in assignment

def use(reactor: IReactorTime, transport: ITransport) -> None:
    transport.write("text")  # E: incompatible type "str"; expected "bytes"
    reactor.callLater("1", print)  # E: incompatible type "str"; expected "float"
    reactor.callSooner()  # E: has no attribute "callSooner"

class Half:
    def fileno(self) -> int:
        return 3
    def logPrefix(self) -> str:
        return "half"
    def doRead(self) -> None: ...
    def connectionLost(self, reason: object) -> None: ...

def parts(udp: IUDPTransport, fds: IReactorFDSet, process: IProcessTransport) -> None:
    fds.addReader(Half())
    fds.addWriter(Half())  # E: "Half" is missing following "IWriteDescriptor" protocol member
    udp.write("text", ("10.1.2.3", 80))  # E: incompatible type "str"; expected "bytes"
    udp.connect(("10.1.2.3", 80))  # E: Missing positional argument "port"
    process.signalProcess(None)  # E: incompatible type "None"; expected "str | int"
"""


@pytest.fixture(scope="module")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str, str]]]:
    """What mypy says of the programs, in one run: file name -> (line number, kind, message)."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "right.py").write_text(HEAD + RIGHT)
    (folder / "parts.py").write_text(PARTS)
    (folder / "ours.py").write_text(OURS)
    (folder / "wrong.py").write_text(HEAD + WRONG)
    # zope.interface has no types; users of Plait do not import it, and Plait does so out of mypy's sight.
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--follow-imports=silent",
            "--no-incremental",
        ]
        + ["right.py", "parts.py", "ours.py", "wrong.py"],
        cwd=folder,
        env={"MYPYPATH": str(SOURCE), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    said: dict[str, list[tuple[int, str, str]]] = {"right.py": [], "parts.py": [], "ours.py": [], "wrong.py": []}
    for line in done.stdout.splitlines():
        name, number, kind, message = (line.split(":", 3) + ["", "", ""])[:4]
        if name in said:
            said[name].append((int(number), kind.strip(), message.strip()))
    return said


@pytest.mark.parametrize(("name", "program"), [("right", HEAD + RIGHT), ("parts", PARTS)])
def test_right_classes_pass_and_are_narrowed(
    mypy: dict[str, list[tuple[int, str, str]]], name: str, program: str
) -> None:
    said = mypy[f"{name}.py"]
    assert [entry for entry in said if entry[1] == "error"] == []
    revealed = {number: message.replace(f"{name}.", "").replace("builtins.", "") for number, _, message in said}
    for number, line in enumerate(program.splitlines(), 1):
        if "# R: " in line:
            assert f'"{line.split("# R: ")[1]}"' in revealed.get(number, "nothing revealed")


def test_our_own_classes_keep_their_promises(mypy: dict[str, list[tuple[int, str, str]]]) -> None:
    assert mypy["ours.py"] == []


def test_wrong_classes_and_calls_are_errors(mypy: dict[str, list[tuple[int, str, str]]]) -> None:
    errors: dict[int, str] = {}
    for number, _, message in mypy["wrong.py"]:
        errors[number] = errors.get(number, "") + message
    program = enumerate((HEAD + WRONG).splitlines(), 1)
    expected = {number: line.split("# E: ")[1] for number, line in program if "# E: " in line}
    assert set(errors) == set(expected)
    for number, text in expected.items():
        assert text in errors[number]
