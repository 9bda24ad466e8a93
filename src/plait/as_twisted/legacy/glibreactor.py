"""What `twisted.internet.gireactor` and `gtk3reactor` are: Plait's reactor on GLib's loop, which runs a user interface, too.

PyGObject has an event loop of asyncio's kind since its version 3.50, and Plait runs on any such loop.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from plait.as_twisted.legacy.main import installReactor
from plait.engine import Reactor

__all__ = ["install"]


def install(useGtk: Any = True) -> Reactor:
    """Make the reactor of the program one that runs on GLib's main loop. `useGtk` says nothing any more.

    :raises ImportError: without PyGObject 3.50 or later.
    :raises plait.errors.ReactorAlreadyInstalledError: if the reactor has been asked for already.
    """
    try:
        events: Any = import_module("gi.events")
    except ImportError as e:
        raise ImportError(
            f"a reactor on GLib's loop needs PyGObject 3.50 or later (pip install PyGObject): {e}"
        ) from None
    reactor = Reactor(events.GLibEventLoopPolicy().get_event_loop())
    installReactor(reactor)
    return reactor
