"""Flattening for tests in which nothing has to be waited for."""

from __future__ import annotations

from typing import Any

from plait.deferred import Deferred
from plait.failure import Failure
from plait.web.template import Flattenable, flattenString

NS = 'xmlns:t="http://twistedmatrix.com/ns/twisted.web.template/0.1"'


def outcome(deferred: Deferred[Any]) -> Any:
    """The result that `deferred` has, raised if it is a failure."""
    results: list[Any] = []
    deferred.addBoth(results.append)
    assert results, "There is no result yet."
    if isinstance(results[0], Failure):
        raise results[0].value
    return results[0]


def flat(root: Flattenable) -> bytes:
    """`root` as bytes."""
    result = outcome(flattenString(None, root))
    assert isinstance(result, bytes)
    return result
