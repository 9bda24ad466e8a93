"""Back-offs: how long to wait before the next attempt, longer after each that has failed, and never the same for all."""

from __future__ import annotations

import random
from collections.abc import Callable


def backoff(
    initial: float = 0.1, maximum: float = 30.0, factor: float = 2.0, jitter: float = 0.1
) -> Callable[[int], float]:
    """A back-off: ``policy(n)`` is how many seconds to wait before the attempt after the nth failure, from 1.

    It is `initial` seconds at first, `factor` times as many each time, never more than `maximum`; each is made longer or
    shorter by up to the part `jitter` of it, so that many programs that lost the same server do not come back as one.
    """

    def policy(failures: int) -> float:
        times = min(failures - 1, 1000)
        return _grown(initial, factor, times, maximum) * random.uniform(1 - jitter, 1 + jitter)

    return policy


def backoffPolicy(
    initialDelay: float = 1.0,
    maxDelay: float = 60.0,
    factor: float = 1.5,
    jitter: Callable[[], float] = random.random,
) -> Callable[[int], float]:
    """A back-off for `ClientService`: ``policy(n)`` is how many seconds to wait after the nth failure in a row.

    That is `initialDelay` times `factor` to the nth power, `maxDelay` at most; and what `jitter` returns (up to a second) on
    top, so that many clients that lost the same server do not come back as one.
    """

    def policy(attempt: int) -> float:
        return _grown(initialDelay, factor, attempt, maxDelay) + jitter()

    return policy


def _grown(initial: float, factor: float, times: int, maximum: float) -> float:
    try:
        return min(initial * factor**times, maximum)
    except OverflowError:
        return maximum
