"""What `twisted.internet.epollreactor` and its kin become: modules that choose the reactor.

Plait has one reactor, over the best event loop that is installed, so their classes are all `plait.Reactor`, and each
``install`` puts that in place. A program that wants a certain engine sets ``PLAIT_ENGINE``, or gives a loop.
"""

from __future__ import annotations

import sys
from asyncio import AbstractEventLoop
from importlib import import_module

from plait.as_twisted.legacy.main import installReactor
from plait.engine import Reactor
from plait.errors import ReactorAlreadyInstalledError

__all__ = ["install"]

_NAME = "twisted.internet.reactor"


def install(eventloop: AbstractEventLoop | None = None) -> None:
    """Make Plait's reactor the one of the program.

    :param eventloop: the loop that it is to use; None leaves the choice to it.
    :raises plait.errors.ReactorAlreadyInstalledError: if the reactor has been asked for already.
    """
    if _NAME in sys.modules:
        raise ReactorAlreadyInstalledError(
            f"{sys.modules[_NAME]!r} is the reactor already; call install() before anything imports it"
        )
    if eventloop is None:
        _ = import_module("twisted.internet").reactor  # to be asked for is to be installed
    else:
        installReactor(Reactor(eventloop))
