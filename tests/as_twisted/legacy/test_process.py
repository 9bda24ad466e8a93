"""What `twisted.internet.process` has beyond the processes themselves."""

import os
import sys

import pytest

from plait.as_twisted.legacy.process import Process, _getFileActions, _listOpenFDs
from plait.engine import Reactor
from plait.protocol import ProcessProtocol


class Ends(ProcessProtocol):
    def __init__(self, reactor):
        self.reactor = reactor
        self.data = b""

    def outReceived(self, data):
        self.data += data

    def processEnded(self, reason):
        self.reactor.stop()


class Leader(Process):
    def _setupChild(self, *args, **kw):
        super()._setupChild(*args, **kw)
        os.setpgid(0, 0)


@pytest.mark.parametrize("cls, leads", [(Process, False), (Leader, True)])
def test_a_class_of_ones_own_may_do_something_in_the_child(cls, leads):
    reactor = Reactor()
    protocol = Ends(reactor)
    code = "import os; print(os.getpgrp() == os.getpid())"
    cls(reactor, sys.executable, [sys.executable, "-c", code], None, None, protocol)
    reactor.run()
    reactor.loop.close()
    assert protocol.data == b"%s\n" % str(leads).encode()


def test_open_descriptors():
    read, write = os.pipe()
    assert {read, write} <= set(_listOpenFDs())
    os.close(read)
    os.close(write)
    assert not {read, write} & set(_listOpenFDs())


@pytest.mark.parametrize(
    "here, wanted",
    [
        ({}, {}),
        ({3: False, 4: True}, {}),
        ({5: False}, {0: 5, 1: 5}),
        ({0: False, 1: False, 2: True}, {0: 1, 1: 2, 2: 0}),
        ({3: True, 4: False}, {3: 3, 4: 4, 5: 3}),
    ],
)
def test_the_steps_give_the_child_what_it_is_to_have(here, wanted):
    table = {fd: (f"file {fd}", on_exec) for fd, on_exec in here.items()}
    for what, *fds in _getFileActions(list(here.items()), wanted, 0, 1):
        if what == 0:
            del table[fds[0]]
        else:
            assert fds[0] != fds[1], "that would change nothing"
            table[fds[1]] = (table[fds[0]][0], False)
    left = {fd: file for fd, (file, on_exec) in table.items() if not on_exec}
    assert left == {child: f"file {ours}" for child, ours in wanted.items()}
