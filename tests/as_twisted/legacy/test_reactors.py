"""The modules that choose a reactor: each gives Plait's, once."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

import pytest

import plait.engine.reactor as engine
from plait.engine import Reactor, getReactor
from plait.errors import ReactorAlreadyInstalledError

CLASSES = {
    "asyncioreactor": "AsyncioSelectorReactor",
    "epollreactor": "EPollReactor",
    "kqreactor": "KQueueReactor",
    "pollreactor": "PollReactor",
    "selectreactor": "SelectReactor",
}


@pytest.mark.parametrize("name", [*CLASSES, "default"])
def test_install_puts_the_reactor_in_place_once(alias: None, name: str) -> None:
    module = import_module(f"twisted.internet.{name}")
    assert "twisted.internet.reactor" not in sys.modules
    module.install()
    assert sys.modules["twisted.internet.reactor"] is getReactor()  # type: ignore[comparison-overlap]
    with pytest.raises(ReactorAlreadyInstalledError, match="before anything imports it"):
        module.install()


@pytest.mark.parametrize("name", CLASSES)
def test_the_reactor_is_one_of_each_kind(alias: None, name: str) -> None:
    from twisted.internet import reactor

    assert isinstance(reactor, getattr(import_module(f"twisted.internet.{name}"), CLASSES[name]))


def test_a_loop_can_be_given(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet import asyncioreactor

    monkeypatch.setattr(engine, "_default", None)
    loop = asyncio.new_event_loop()
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    assert isinstance(reactor, Reactor)
    assert reactor is getReactor()
    assert reactor.loop is reactor._asyncioEventloop is loop
    ran: list[object] = []
    reactor.callWhenRunning(lambda: (ran.append(asyncio.get_running_loop()), reactor.stop()))
    reactor.run()
    assert ran == [loop]
    with pytest.raises(ReactorAlreadyInstalledError):
        asyncioreactor.install(loop)
    loop.close()


def test_the_class_takes_a_loop(alias: None) -> None:
    from twisted.internet.asyncioreactor import AsyncioSelectorReactor

    loop = asyncio.new_event_loop()
    assert AsyncioSelectorReactor(loop).loop is loop
    loop.close()
