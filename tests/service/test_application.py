"""The root of a program's services."""

from __future__ import annotations

import pytest

from plait.interfaces import Interface, adapt, implementer, verifyObject
from plait.service import Application, IProcess, IService, IServiceCollection, MultiService, Service


class IGreeter(Interface):
    def greet(self) -> str:
        """Say something."""


@implementer(IGreeter)
class Greeter:
    def greet(self) -> str:
        return "hello"


def test_an_application_is_its_own_collection() -> None:
    application = Application("Reverser")
    for interface in (IService, IServiceCollection, IProcess):
        assert verifyObject(interface, application)
        assert adapt(interface, application) is application
    assert isinstance(application, MultiService)
    assert application.name == "Reverser"


def test_services_join_an_application() -> None:
    application = Application("Reverser")
    service = Service()
    service.setServiceParent(application)
    assert list(adapt(IServiceCollection, application)) == [service]
    assert service.parent is application


def test_as_whom_it_runs() -> None:
    assert (adapt(IProcess, Application("a")).uid, Application("a").gid) == (None, None)
    application = Application("b", uid=65534, gid=100)
    assert (application.uid, application.gid, application.processName) == (65534, 100, None)


def test_components() -> None:
    application = Application("Reverser")
    greeter = Greeter()
    assert application.getComponent(IGreeter) is None
    assert application.getComponent(IGreeter, "nobody") == "nobody"
    application.setComponent(IGreeter, greeter)
    assert application.getComponent(IGreeter) is greeter
    assert adapt(IGreeter, application) is greeter
    application.unsetComponent(IGreeter)
    with pytest.raises(TypeError):
        adapt(IGreeter, application)
    with pytest.raises(KeyError):
        application.unsetComponent(IGreeter)
    assert application.getComponent(IService) is application
