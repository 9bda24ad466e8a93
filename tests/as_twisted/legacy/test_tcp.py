"""`twisted.internet.tcp`: ports that a program makes by itself."""

import socket

import pytest

from plait import Protocol, ServerFactory, reactor
from plait.as_twisted.legacy.tcp import Port, numericAddress
from plait.errors import CannotListenError
from tests.transport.helpers import Client


class Quiet(ServerFactory):
    noisy = False
    protocol = Protocol


async def test_a_port_that_makes_its_socket():
    made = []

    class Own(Port):
        def createInternetSocket(self):
            made.append(super().createInternetSocket())
            return made[-1]

    port = Own(0, Quiet(), interface="127.0.0.1", reactor=reactor)
    assert not made
    port.startListening()
    assert port.socket is made[0]
    client = Client()
    reactor.connectTCP("127.0.0.1", port.getHost().port, client)
    p = await client.connected
    p.transport.loseConnection()
    await p.lost
    port.stopListening()


def test_a_socket_that_cannot_be_made():
    class Own(Port):
        def createInternetSocket(self):
            raise OSError("none left")

    with pytest.raises(CannotListenError, match="none left"):
        Own(0, Quiet()).startListening()


def test_the_reactors_ports_are_of_this_class():
    port = reactor.listenTCP(0, Quiet(), interface="127.0.0.1")
    assert isinstance(port, Port)
    assert not isinstance(object(), Port)
    port.stopListening()


def test_an_address_for_a_socket():
    assert numericAddress("::1", 123456) == ("::1", 123456, 0, 0)
    assert numericAddress("127.0.0.1", 80) == ("127.0.0.1", 80)
    for host, port in (("localhost", 80), ("::1", "http")):
        with pytest.raises(socket.gaierror):
            numericAddress(host, port)
