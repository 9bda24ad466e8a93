"""What `twisted.internet.defer` has beside Plait's own names."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from plait.as_twisted.legacy.defer import returnValue, timeout
from plait.deferred import Deferred, TimeoutError, inlineCallbacks, succeed


def test_returnValue_gives_the_result_and_warns() -> None:
    @inlineCallbacks
    def work() -> Generator[Deferred[int], int, int]:
        returnValue(1 + (yield succeed(1)))

    results: list[int] = []
    with pytest.warns(DeprecationWarning, match="returnValue was deprecated in Twisted") as caught:
        work().addCallback(results.append)
    assert results == [2] and caught[0].filename == __file__ and len(caught) == 1


def test_timeout_fails_a_deferred_and_names_what_to_use() -> None:
    d: Deferred[None] = Deferred()
    errors: list[type[BaseException]] = []
    d.addErrback(lambda f: errors.append(f.type))
    with pytest.warns(DeprecationWarning, match="addTimeout") as caught:
        timeout(d)
    assert errors == [TimeoutError] and caught[0].filename == __file__


def test_all_names_are_there_under_the_old_module(alias: None) -> None:
    from twisted.internet import defer

    assert defer.timeout is timeout and defer.returnValue is returnValue and defer.TimeoutError is TimeoutError
    assert defer._DeferredListResultListT[int] == list[tuple[bool, int]]
