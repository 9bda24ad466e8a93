"""How a connection ends, as ready-made objects: what older programs compare with and hand on.

Plait itself makes a new `Failure` for each connection, so compare by kind (``reason.check(ConnectionDone)``), not with
these.
"""

from __future__ import annotations

from plait.errors import ConnectionDone, ConnectionLost

__all__ = ["CONNECTION_DONE", "CONNECTION_LOST"]

CONNECTION_DONE = ConnectionDone()
"""Closed in good order."""

CONNECTION_LOST = ConnectionLost()
"""Ended without a proper end."""
