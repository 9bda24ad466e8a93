"""Peers that are gone without a word, or stand still: what ends such a connection."""

import signal
import socket
import subprocess
import sys

import pytest

from plait.errors import ConnectionAborted, ConnectionDone, ConnectionLost
from plait.protocol.policies import TimeoutMixin
from tests.transport.helpers import Noting, Server, raw_connection

MORE_THAN_SOCKETS_HOLD = b"x" * (32 << 20)

needs_user_timeout = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux has this option")


class Impatient(TimeoutMixin, Noting):
    """Ends the connection when nothing comes for a while."""

    def connectionMade(self):
        super().connectionMade()
        self.setTimeout(0.3)

    def dataReceived(self, data):
        self.resetTimeout()
        super().dataReceived(data)

    def connectionLost(self, reason):
        self.setTimeout(None)
        super().connectionLost(reason)


class Resolute(Impatient):
    """Waits for nothing more when it is over."""

    def timeoutConnection(self):
        self.transport.abortConnection()


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="POSIX only")
async def test_a_peer_that_stands_still_is_left_after_its_timeout():
    program = (
        "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.send(b'up'); s.recv(1)"
    )
    async with Server(Impatient) as server:
        peer = subprocess.Popen([sys.executable, "-c", program, str(server.address.port)])
        try:
            p = await server.accepted()
            p.setTimeout(30)
            await p.wait_for(2)
            peer.send_signal(signal.SIGSTOP)
            p.setTimeout(0.1)
            assert isinstance(await p.lost, ConnectionDone)
        finally:
            peer.kill()
            peer.wait()


async def test_with_something_unsent_only_abortConnection_ends_it_at_once():
    async with Server(Resolute) as server:
        sock = raw_connection(server)  # which reads nothing
        p = await server.accepted()
        p.transport.write(MORE_THAN_SOCKETS_HOLD)
        p.transport.loseConnection()
        assert not p.lost.called
        assert isinstance(await p.lost, ConnectionAborted)
        sock.close()


@needs_user_timeout
async def test_the_system_gives_up_what_is_not_taken_for_the_user_timeout():
    async with Server() as server:
        sock = raw_connection(server)  # which reads nothing
        p = await server.accepted()
        p.transport.getHandle().setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300)
        p.transport.write(MORE_THAN_SOCKETS_HOLD)
        p.transport.loseConnection()
        reason = await p.lost
        assert isinstance(reason, ConnectionLost) and "timed out" in str(reason)
        sock.close()


async def test_keepalive_is_the_sockets_own_and_its_times_can_be_set():
    async with Server() as server:
        sock = raw_connection(server)
        p = await server.accepted()
        assert p.transport.getTcpKeepAlive() is False
        p.transport.setTcpKeepAlive(True)
        handle = p.transport.getHandle()
        assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_KEEPIDLE"):
            handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
            assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
        p.transport.abortConnection()
        await p.lost
        sock.close()
