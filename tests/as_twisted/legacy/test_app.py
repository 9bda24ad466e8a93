"""A reactor that is chosen by a word, and applications that programs load and start by themselves."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from plait.as_twisted.legacy import app, reactorplugins, sob, usage
from plait.current import substituteReactor
from plait.interfaces import verifyObject
from plait.service import Application, IService
from plait.testing import MemoryReactor


class Options(usage.Options, app.ReactorSelectionMixin):
    pass


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the reactors that were installed, of those that there are: one that works and one that does not."""
    names: list[str] = []
    module: Any = ModuleType("a_loom")
    module.install = lambda: names.append("loom")
    monkeypatch.setitem(sys.modules, "a_loom", module)
    plugins = [
        reactorplugins.Reactor("loom", "a_loom", "weaves"),
        reactorplugins.Reactor("gone", "no_such_module", "was here"),
    ]
    monkeypatch.setattr(reactorplugins, "getPlugins", lambda interface: plugins)
    return names


def test_a_reactor_is_chosen_by_its_name(installed: list[str]) -> None:
    reactor = MemoryReactor()
    substituteReactor(reactor)
    try:
        assert reactorplugins.installReactor("loom") is reactor
    finally:
        substituteReactor(None)
    assert installed == ["loom"]
    with pytest.raises(reactorplugins.NoSuchReactor, match="mill"):
        reactorplugins.installReactor("mill")
    with pytest.raises(ImportError):
        reactorplugins.installReactor("gone")
    assert verifyObject(reactorplugins.IReactorInstaller, next(reactorplugins.getReactorTypes()))


def test_the_options(installed: list[str]) -> None:
    options = Options()
    options.parseOptions(["-r", "loom"])
    assert options["reactor"] == "loom" and installed == ["loom"]
    for name, why in (("mill", "There is no reactor 'mill'"), ("gone", "No module named 'no_such_module'")):
        with pytest.raises(usage.UsageError, match=f"{why}.*--help-reactors"):
            options.parseOptions(["--reactor", name])


def test_the_list_of_reactors(installed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options()
    options.messageOutput = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        options.opt_help_reactors()
    text = options.messageOutput.getvalue()
    here, _, not_here = text.partition("not available here")
    assert ended.value.code == 0 and "loom" in here and "!gone" in not_here and installed == []


def test_the_built_in_words(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.application.reactors import getReactorTypes, installReactor

    names = {installer.shortName for installer in getReactorTypes()}
    assert {"default", "select", "poll", "epoll", "kqueue", "asyncio", "iocp", "gi", "gtk3"} <= names
    reactor = MemoryReactor()
    substituteReactor(reactor)
    try:
        assert installReactor("epoll") is reactor
    finally:
        substituteReactor(None)
    monkeypatch.setitem(sys.modules, "gi", None)
    monkeypatch.delitem(sys.modules, "gi.events", raising=False)
    with pytest.raises(ImportError):
        installReactor("gi")


def test_applications_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keeper = sob.IPersistable(Application("loom"))
    keeper.save(filename="loom.tap")
    app.convertStyle("loom.tap", "pickle", None, "loom.tas", "source", 0)
    Path("loom.tac").write_text("from plait.service import Application; application = Application('loom')")
    for option, file in (("file", "loom.tap"), ("source", "loom.tas"), ("python", "loom.tac")):
        options = dict.fromkeys(("file", "source", "python")) | {option: file}
        assert app.getApplication(options, app.getPassphrase(0)).name == "loom"
    with pytest.raises(usage.UsageError, match="no application file is named"):
        app.getApplication(dict.fromkeys(("file", "source", "python")), None)


def test_starting_an_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reactor = MemoryReactor()
    substituteReactor(reactor)
    try:
        application = Application("loom")
        app.startApplication(application, save=True)
    finally:
        substituteReactor(None)
    assert IService(application).running
    triggers = [call for phase in ("before", "after") for call in reactor.triggers[phase]["shutdown"]]
    for function, args, kwargs in triggers:
        function(*args, **kwargs)
    assert not application.running and Path("loom-shutdown.tap").exists()
