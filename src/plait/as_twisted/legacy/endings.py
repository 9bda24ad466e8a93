"""How a connection ends, as ready-made objects: what older programs compare with, hand on, or have as a default.

Plait itself makes a new `Failure` for each connection, so compare by kind (``reason.check(ConnectionDone)``), not with
these.
"""

from __future__ import annotations

from plait.errors import ConnectionDone, ConnectionLost
from plait.failure import Failure

__all__ = ["CONNECTION_DONE", "CONNECTION_LOST", "connectionDone"]

CONNECTION_DONE = ConnectionDone()
"""Closed in good order."""

CONNECTION_LOST = ConnectionLost()
"""Ended without a proper end."""

connectionDone = Failure(ConnectionDone())
"""The usual default of a ``connectionLost(self, reason=connectionDone)``."""
