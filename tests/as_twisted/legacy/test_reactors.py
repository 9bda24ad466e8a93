"""The modules that choose a reactor: each gives Plait's, once."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module
from types import ModuleType, SimpleNamespace

import pytest

import plait.engine.reactor as engine
from plait.engine import Reactor, getReactor
from plait.errors import ReactorAlreadyInstalledError

CLASSES = {
    "asyncioreactor": "AsyncioSelectorReactor",
    "epollreactor": "EPollReactor",
    "iocpreactor.reactor": "IOCPReactor",
    "kqreactor": "KQueueReactor",
    "pollreactor": "PollReactor",
    "selectreactor": "SelectReactor",
}


@pytest.mark.parametrize("name", [*CLASSES, "default", "iocpreactor"])
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


@pytest.fixture
def glib(monkeypatch: pytest.MonkeyPatch) -> asyncio.AbstractEventLoop:
    """PyGObject's module for asyncio, with a plain loop in the place of GLib's."""
    loop = asyncio.new_event_loop()
    events = ModuleType("gi.events")
    policy = SimpleNamespace(get_event_loop=lambda: loop)
    events.GLibEventLoopPolicy = lambda: policy  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gi", ModuleType("gi"))
    monkeypatch.setitem(sys.modules, "gi.events", events)
    return loop


@pytest.mark.parametrize("name, kind", [("gireactor", "GIReactor"), ("gtk3reactor", "Gtk3Reactor")])
def test_glib_has_a_loop_for_it(
    alias: None, glib: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    module = import_module(f"twisted.internet.{name}")
    monkeypatch.setattr(engine, "_default", None)
    reactor = module.install(useGtk=False)
    assert reactor is sys.modules["twisted.internet.reactor"]
    assert isinstance(reactor, getattr(module, kind)) and reactor.loop is glib
    with pytest.raises(ReactorAlreadyInstalledError):
        module.install()
    glib.close()


def test_without_pygobject_it_says_what_is_missing(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gi", None)
    monkeypatch.delitem(sys.modules, "gi.events", raising=False)
    with pytest.raises(ImportError, match=r"PyGObject 3\.50 or later"):
        import_module("twisted.internet.gireactor").install()
