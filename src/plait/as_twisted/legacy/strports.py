"""What `twisted.application.strports` is: servers made of endpoints' strings."""

from __future__ import annotations

from typing import Any

from plait.as_twisted.legacy.endpoints import serverFromString
from plait.current import getReactor
from plait.service import StreamServerEndpointService

__all__ = ["listen", "service"]


def service(description: str | bytes, factory: Any, reactor: Any = None) -> StreamServerEndpointService:
    """A service that listens where the string says. A port that cannot be opened makes its start fail."""
    made = StreamServerEndpointService(serverFromString(reactor or getReactor(), description), factory)
    made._raiseSynchronously = True
    return made


def listen(description: str | bytes, factory: Any) -> Any:
    """Listen where the string says, now, and return the port. Raises `CannotListenError` if that cannot be.

    Only for endpoints that are ready at once, which all of ours are.
    """
    made = service(description, factory)
    made.privilegedStartService()
    return made._port
