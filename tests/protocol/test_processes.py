"""The protocol of a child process: each descriptor has its hook, and others reach childDataReceived."""

from plait.interfaces import IProcessProtocol, verifyObject
from plait.protocol import ProcessProtocol


class Noting(ProcessProtocol):
    def __init__(self):
        self.events = []

    def connectionMade(self):
        self.events.append(("made", self.transport))

    def outReceived(self, data):
        self.events.append(("out", data))

    def errReceived(self, data):
        self.events.append(("err", data))

    def inConnectionLost(self):
        self.events.append("in lost")

    def outConnectionLost(self):
        self.events.append("out lost")

    def errConnectionLost(self):
        self.events.append("err lost")


def test_each_descriptor_has_its_hook():
    p, transport = Noting(), object()
    assert verifyObject(IProcessProtocol, p)
    p.makeConnection(transport)
    for fd in (1, 2, 3):
        p.childDataReceived(fd, b"%d" % fd)  # nothing is said of 3, which has no hook of its own
    for fd in (0, 1, 2, 3):
        p.childConnectionLost(fd)
    assert p.events == [("made", transport), ("out", b"1"), ("err", b"2"), "in lost", "out lost", "err lost"]


def test_what_is_not_overridden_does_nothing():
    p = ProcessProtocol()
    p.makeConnection(object())
    for fd in (0, 1, 2):
        p.childDataReceived(fd, b"x")
        p.childConnectionLost(fd)
    p.processExited(None)
    p.processEnded(None)
    assert p.connected
