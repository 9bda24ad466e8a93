"""What `twisted.internet.epollreactor` and its kin become: modules that used to choose the reactor.

Plait has one reactor, over the best event loop that is installed, so there is nothing to choose and nothing
to do. A program that wants a certain engine sets ``PLAIT_ENGINE``.
"""

from __future__ import annotations

__all__ = ["install"]


def install(*args: object, **kwargs: object) -> None:
    """Accept the choice of a reactor, and let Plait's be the one."""
