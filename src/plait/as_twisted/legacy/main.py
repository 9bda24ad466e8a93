"""What `twisted.internet.main` is: how a connection ends, as ready-made objects, and the choice of the reactor.

Plait itself makes a new `Failure` for each connection, so compare by kind (``reason.check(ConnectionDone)``), not with the
two objects here.
"""

from __future__ import annotations

import sys
from typing import Any

from plait.engine.reactor import Reactor, setDefaultReactor
from plait.errors import ConnectionDone, ConnectionLost, ReactorAlreadyInstalledError

__all__ = ["CONNECTION_DONE", "CONNECTION_LOST", "installReactor"]

CONNECTION_DONE = ConnectionDone()
"""Closed in good order."""

CONNECTION_LOST = ConnectionLost()
"""Ended without a proper end."""


def installReactor(reactor: Any) -> None:
    """Make `reactor` what ``twisted.internet.reactor`` is.

    A `Reactor` of Plait's becomes its default reactor. Any other object is the reactor from now on, to Plait's own code too.

    :raises ReactorAlreadyInstalledError: if the reactor has been asked for already, so that somebody may hold another one.
    """
    name = "twisted.internet.reactor"
    if name in sys.modules:
        raise ReactorAlreadyInstalledError(
            f"{sys.modules[name]!r} is the reactor already; install yours before anything imports {name}"
        )
    if isinstance(reactor, Reactor):
        setDefaultReactor(reactor)
    else:
        # Before it is in sys.modules: the package then takes it for one that the program has put in the reactor's place.
        sys.modules["twisted.internet"].reactor = reactor  # type: ignore[attr-defined]
    sys.modules[name] = reactor
