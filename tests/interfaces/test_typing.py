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

def promises(call: DelayedCall, port: Port, connector: Connector, connection: Connection, address: IPv4Address) -> None:
    a: IDelayedCall = call
    b: IListeningPort = port
    c: IConnector = connector
    d: ISSLTransport = connection
    e: IAddress = address
    f: IProtocol = Mine()
    g: IProtocolFactory = Factory()
    h: IClientFactory = ClientFactory()
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
"""


@pytest.fixture(scope="module")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str, str]]]:
    """What mypy says of the programs, in one run: file name -> (line number, kind, message)."""
    folder = tmp_path_factory.mktemp("typing")
    (folder / "right.py").write_text(HEAD + RIGHT)
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
        + ["right.py", "ours.py", "wrong.py"],
        cwd=folder,
        env={"MYPYPATH": str(SOURCE), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    said: dict[str, list[tuple[int, str, str]]] = {"right.py": [], "ours.py": [], "wrong.py": []}
    for line in done.stdout.splitlines():
        name, number, kind, message = (line.split(":", 3) + ["", "", ""])[:4]
        if name in said:
            said[name].append((int(number), kind.strip(), message.strip()))
    return said


def test_right_classes_pass_and_are_narrowed(mypy: dict[str, list[tuple[int, str, str]]]) -> None:
    said = mypy["right.py"]
    assert [entry for entry in said if entry[1] == "error"] == []
    revealed = {number: message.replace("right.", "").replace("builtins.", "") for number, _, message in said}
    for number, line in enumerate((HEAD + RIGHT).splitlines(), 1):
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
