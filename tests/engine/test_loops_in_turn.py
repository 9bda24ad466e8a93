"""One reactor, used on a loop of somebody else first and on its own after that."""

from __future__ import annotations

import asyncio

from plait.deferred import Deferred
from plait.engine import Reactor


def test_after_a_loop_that_is_closed_it_runs_on_its_own() -> None:
    reactor = Reactor()

    async def inside() -> str:
        fired: Deferred[str] = Deferred()
        reactor.callLater(0, fired.callback, "inside")
        assert reactor.running
        return await fired

    assert asyncio.run(inside()) == "inside"
    calls: list[bool] = []
    reactor.callLater(0, lambda: calls.append(reactor.running))
    assert not reactor.running
    reactor.callLater(0, reactor.stop)
    reactor.run(installSignalHandlers=False)
    assert calls == [True]
    reactor.loop.close()
