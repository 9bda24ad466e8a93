"""What `twisted.internet.defer` has beside Plait's own names."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy.defer import timeout
from plait.deferred import Deferred, TimeoutError


def test_timeout_fails_a_deferred_and_names_what_to_use() -> None:
    d: Deferred[None] = Deferred()
    errors: list[type[BaseException]] = []
    d.addErrback(lambda f: errors.append(f.type))
    with pytest.warns(DeprecationWarning, match="addTimeout") as caught:
        timeout(d)
    assert errors == [TimeoutError] and caught[0].filename == __file__


def test_all_names_are_there_under_the_old_module(alias: None) -> None:
    from twisted.internet import defer

    assert defer.timeout is timeout and defer.TimeoutError is TimeoutError
    assert defer._DeferredListResultListT[int] == list[tuple[bool, int]]
