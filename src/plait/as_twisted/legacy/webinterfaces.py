"""``twisted.web.iweb``: what the parts of a web server and client promise each other, by Twisted's names."""

from __future__ import annotations

from typing import Any

from plait.interfaces import Attribute, Interface

__all__ = [
    "UNKNOWN_LENGTH",
    "IAccessLogFormatter",
    "IAgent",
    "IAgentEndpointFactory",
    "IBodyProducer",
    "IChannelRequest",
    "IClientRequest",
    "INonQueuedRequestFactory",
    "IPolicyForHTTPS",
    "IRequest",
    "IResponse",
    "IUsernameDigestHash",
]

UNKNOWN_LENGTH = "twisted.web.iweb.UNKNOWN_LENGTH"
"""The length of a body of which that is not known."""


class IRequest(Interface):
    """A request to a server; see `plait.web.request.Request` for each."""

    method: Any = Attribute("The method, bytes.")
    uri: Any = Attribute("The target as it came, bytes.")
    path: Any = Attribute("The path without the query, bytes.")
    args: Any = Attribute("The arguments: a list of values for each name.")
    prepath: Any = Attribute("The parts of the path that lead to the resource.")
    postpath: Any = Attribute("The parts beyond it.")
    requestHeaders: Any = Attribute("The headers that came.")
    responseHeaders: Any = Attribute("The headers of the answer.")
    content: Any = Attribute("The body, a file.")


class IAccessLogFormatter(Interface):
    """A function that makes a line of an access log."""

    def __call__(self, timestamp: str, request: Any) -> str:
        """The line, without its end."""


class INonQueuedRequestFactory(Interface):
    """A maker of requests that is called with the channel alone."""

    def __call__(self, channel: Any) -> Any:
        """A request."""


class IUsernameDigestHash(Interface):
    """Credentials of a name and a hashed password."""

    def checkHash(self, digestHash: bytes) -> bool:
        """Whether it is the right one."""


class IBodyProducer(Interface):
    """Writes the body of a request that a client sends."""

    length: Any = Attribute("How many bytes it will be, or UNKNOWN_LENGTH.")

    def startProducing(self, consumer: Any) -> Any:
        """Begin to write; a Deferred that fires when all is written."""


class IClientRequest(Interface):
    """A request that a client has sent."""

    method: Any = Attribute("The method, bytes.")
    absoluteURI: Any = Attribute("The whole URI, bytes.")
    headers: Any = Attribute("Its headers.")


class IResponse(Interface):
    """The answer that a client is given."""

    version: Any = Attribute("Name and numbers of the protocol.")
    code: Any = Attribute("The status.")
    phrase: Any = Attribute("Its phrase, bytes.")
    headers: Any = Attribute("Its headers.")
    length: Any = Attribute("The bytes of its body, or UNKNOWN_LENGTH.")
    request: Any = Attribute("What it answers.")
    previousResponse: Any = Attribute("The answer that led here.")

    def deliverBody(self, protocol: Any) -> None:
        """Let a protocol have the body."""


class IAgent(Interface):
    """A client."""

    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> Any:
        """Send a request: a Deferred of an `IResponse`."""


class IAgentEndpointFactory(Interface):
    """Chooses where a client connects to."""

    def endpointForURI(self, uri: Any) -> Any:
        """An endpoint."""


class IPolicyForHTTPS(Interface):
    """Says how a server's certificate is verified."""

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """What makes a client's side of TLS."""


class IChannelRequest(Interface):
    """What an `HTTPChannel` asks of its requests."""

    requestHeaders: Any = Attribute("The headers that came.")
    persistent: Any = Attribute("Whether the connection goes on after it.")
    startedWriting: Any = Attribute("Whether the answer has begun.")
    bodyLimit: Any = Attribute("How many bytes its body may have; None: any.")

    def __eq__(self, other: object) -> bool:
        """Whether it is the same."""

    def __ne__(self, other: object) -> bool:
        """Whether it is another."""

    def __hash__(self) -> int:
        """For sets."""

    def received(self, reader: Any) -> None:
        """The head."""

    def mayHaveBody(self, length: int) -> bool:
        """Whether a body of so many bytes is taken."""

    def bodyBegins(self, length: int | None, expects: bool) -> None:
        """A body will come."""

    def bodyReceived(self, data: bytes) -> bool:
        """A piece of it; false if it is too much."""

    def allReceived(self) -> None:
        """It is complete, and its turn has come."""

    def connectionLost(self, reason: Any) -> None:
        """The client is gone."""

    def gotLength(self, length: int | None) -> None:
        """How many bytes the body will be; None: not known."""

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body."""

    def parseCookies(self) -> None:
        """Read the cookies that came."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The request is complete: answer it."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer write the answer."""

    def unregisterProducer(self) -> None:
        """It is done."""
