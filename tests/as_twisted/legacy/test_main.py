"""The choice of the reactor, by Twisted's name for it."""

from __future__ import annotations

import sys

import pytest

import plait.engine.reactor as engine
from plait.engine import Reactor, getReactor
from plait.errors import ReactorAlreadyInstalledError


def test_any_object_can_be_the_reactor_to_those_who_ask_under_twisteds_name(alias: None) -> None:
    from twisted.internet.main import installReactor

    mine = object()
    installReactor(mine)
    from twisted.internet import reactor

    assert reactor is mine
    assert sys.modules["twisted.internet.reactor"] is mine
    assert getReactor() is not mine


def test_a_reactor_of_ours_becomes_the_default(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet.main import installReactor

    monkeypatch.setattr(engine, "_default", None)
    mine = Reactor()
    installReactor(mine)
    from twisted.internet import reactor

    assert reactor is getReactor() is mine


def test_there_is_one_choice(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet.main import installReactor

    installReactor(object())
    with pytest.raises(ReactorAlreadyInstalledError, match="before anything imports twisted"):
        installReactor(object())

    monkeypatch.delitem(sys.modules, "twisted.internet.reactor")
    monkeypatch.setattr(engine, "_default", Reactor())
    with pytest.raises(ReactorAlreadyInstalledError, match="there is a default reactor already"):
        installReactor(Reactor())
    assert "twisted.internet.reactor" not in sys.modules


def test_the_ready_made_ends_are_of_the_right_kind(alias: None) -> None:
    from twisted.internet import error, main

    assert type(main.CONNECTION_DONE) is error.ConnectionDone
    assert type(main.CONNECTION_LOST) is error.ConnectionLost
