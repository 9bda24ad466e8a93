"""What `twisted.application` has beyond services: a process, plugins of the daemon runner, saved applications, strports."""

from __future__ import annotations

from typing import Any

import pytest

from plait.as_twisted.legacy import application, sob, strports
from plait.current import substituteReactor
from plait.endpoints import TCP4ServerEndpoint
from plait.errors import CannotListenError
from plait.interfaces import verifyObject
from plait.protocol import Factory
from plait.service import Application, IProcess, Service
from plait.testing import MemoryReactor, RaisingMemoryReactor

Options = dict


def makeService(options: dict[str, Any]) -> Service:
    service = Service()
    service.setName(options["name"])
    return service


def test_a_process() -> None:
    process = application.Process(5)
    assert verifyObject(IProcess, process)
    assert (process.uid, process.gid, process.processName, repr(process)) == (5, None, None, "<Process  5:None>")


def test_a_maker_of_services() -> None:
    maker = application.ServiceMaker("Echo", __name__, "echoes", "echo")
    assert verifyObject(application.IServiceMaker, maker)
    assert (maker.tapname, maker.description, maker.options) == ("echo", "echoes", Options)
    assert maker.makeService({"name": "a"}).name == "a"


def test_saved_applications(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    original = Application("hello")
    for style, ending in (("source", "tas"), ("pickle", "tap")):
        sob.IPersistable(original).setStyle(style)
        sob.IPersistable(original).save()
        loaded = application.loadApplication(f"hello.{ending}", style)
        assert isinstance(loaded, Application) and loaded.name == "hello" and loaded is not original
    (tmp_path / "hello.tac").write_text("application = 'a program'")
    assert application.loadApplication("hello.tac", "python") == "a program"


def test_servers_from_strings() -> None:
    reactor = MemoryReactor()
    substituteReactor(reactor)
    try:
        service = strports.service("tcp:80", Factory())
        assert isinstance(service.endpoint, TCP4ServerEndpoint) and reactor.tcpServers == []
        port = strports.listen("tcp:81:backlog=7", factory := Factory())
        assert reactor.tcpServers == [(81, factory, 7, "")] and port.getHost().port == 81
    finally:
        substituteReactor(None)
    refusing = RaisingMemoryReactor(CannotListenError("", 80, OSError("taken")))
    with pytest.raises(CannotListenError):
        strports.service("tcp:80", Factory(), reactor=refusing).startService()
