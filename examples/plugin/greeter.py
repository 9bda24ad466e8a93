"""A package that offers a service to ``plait run``: see pyproject.toml beside it."""

from typing import Literal

from plait import Factory, LineReceiver
from plait.service import TCPServer


class Greet(LineReceiver):
    def connectionMade(self) -> None:
        for line in self.factory.lines:
            self.sendLine(line.encode())
        self.transport.loseConnection()


def greeter(
    *,
    port: int = 8007,
    interface: str = "127.0.0.1",
    name: list[str] | None = None,
    tone: Literal["friendly", "curt"] = "friendly",
    shout: bool = False,
) -> TCPServer:
    """Greets everybody who connects. Then it hangs up.

    :param port: the TCP port to listen on
    :param interface: the address to listen on
    :param name: whom to greet; the world if you name nobody
    :param tone: how to say it
    :param shout: in capitals
    """
    word = "Hello, {}!" if tone == "friendly" else "{}."
    lines = [word.format(each) for each in name or ["world"]]
    factory = Factory.forProtocol(Greet)
    factory.lines = [line.upper() for line in lines] if shout else lines
    return TCPServer(port, factory, interface=interface)
