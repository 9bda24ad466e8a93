"""A program as the other end: real programs, on each engine."""

import sys

import pytest

import plait
from plait import Deferred, Factory
from plait.endpoints import ProcessEndpoint, StandardErrorBehavior, process
from plait.errors import ConnectionDone, ConnectionLost, NoProtocol, ProcessDone, ProcessTerminated
from plait.failure import Failure
from plait.interfaces import ITransport, verifyObject
from plait.testing import StringTransport
from tests.endpoints.test_direct import Noting


class Starting:
    """Starts nothing, and keeps the protocol that was to be told."""

    def spawnProcess(self, protocol, executable, *arguments):
        self.protocol = protocol
        self.arguments = (executable, *arguments)
        protocol.makeConnection(StringTransport())


def started(**arguments):
    reactor, results = Starting(), []
    ProcessEndpoint(reactor, "/bin/x", ["x"], **arguments).connect(Factory.forProtocol(Noting)).addBoth(results.append)
    return reactor, results[0]


def test_arguments_and_output():
    reactor, protocol = started(path="/", usePTY=True)
    assert reactor.arguments == ("/bin/x", ["x"], {}, "/", None, None, True, None)
    reactor.protocol.childDataReceived(1, b"out\n")
    assert protocol.data == b"out\n"
    assert verifyObject(ITransport, protocol.transport)
    protocol.transport.loseConnection()
    assert protocol.transport.disconnecting


@pytest.mark.parametrize("reason, error", [(ProcessDone(0), ConnectionDone), (ProcessTerminated(3), ConnectionLost)])
def test_end(reason, error):
    reactor, protocol = started()
    reactor.protocol.processEnded(Failure(reason))
    lost = []
    protocol.lost.addBoth(lost.append)
    assert type(lost[0].value if isinstance(lost[0], Failure) else lost[0]) is error


@pytest.mark.parametrize("flag, count", [(StandardErrorBehavior.LOG, 1), (StandardErrorBehavior.DROP, 0)])
def test_errors_of_the_program(monkeypatch, flag, count):
    said = []

    class Log:
        def error(self, text, **values):
            said.append(values["data"])

    monkeypatch.setattr(process, "_log", Log())
    reactor, protocol = started(errFlag=flag)
    reactor.protocol.childDataReceived(2, b"oops")
    assert said == [b"oops"] * count
    assert protocol.data == b""


def test_failures():
    class Refusing(Factory):
        def buildProtocol(self, addr):
            return None

    results = []
    ProcessEndpoint(Starting(), "/bin/x").connect(Refusing()).addErrback(results.append)
    ProcessEndpoint(object(), "/bin/x").connect(Refusing()).addErrback(results.append)
    assert [type(failure.value) for failure in results] == [NoProtocol, NotImplementedError]


async def test_program():
    program = "print(input()[::-1])"
    ended = Deferred()

    class Client(Noting):
        def connectionLost(self, reason):
            ended.callback(type(reason.value))

    endpoint = ProcessEndpoint(plait.reactor, sys.executable, [sys.executable, "-c", program], None)
    protocol = await endpoint.connect(Factory.forProtocol(Client))
    protocol.transport.write(b"stressed\n")
    assert await protocol.got == b"desserts\n"
    assert await ended is ConnectionDone
