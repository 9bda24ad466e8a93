"""What the services of a program tell of themselves."""

from plait import Factory, Protocol
from plait.service import Application, MultiService, Service, Supervisor, TCPServer
from plait.service.census import restarts, services


async def test_the_tree_is_told_with_states_and_ports():
    root = MultiService()
    web = MultiService()
    web.setName("web")
    web.setServiceParent(root)
    server = TCPServer(0, Factory.forProtocol(Protocol), interface="127.0.0.1")
    server.setServiceParent(web)
    for _ in range(2):
        Service().setServiceParent(root)
    assert [(facts.path, facts.kind, facts.depth, facts.state) for facts in services(root)] == [
        ("", "MultiService", 0, "stopped"),
        ("web", "MultiService", 1, "stopped"),
        ("web/TCPServer", "TCPServer", 2, "stopped"),
        ("Service", "Service", 1, "stopped"),
        ("Service#2", "Service", 1, "stopped"),
    ]
    root.startService()
    facts = services(root)
    assert {one.state for one in facts} == {"running"}
    assert facts[2].port == f"127.0.0.1:{server.getHost().port}"
    assert facts[3].port is None
    await root.stopService()


async def test_restarts_of_supervised_services_are_counted(flushLoggedErrors):
    supervisor = Supervisor(backoffPolicy=lambda attempt: 0.0)
    child = supervisor.addChild(Service(), name="fragile")
    supervisor.startService()
    assert [facts.restarts for facts in services(supervisor)] == [0, 0]
    child.reportFailure(ValueError("broken"))
    facts = services(supervisor)[1]
    assert (facts.path, facts.restarts) == ("fragile", 1)
    assert facts.state == supervisor.children[0].state
    assert restarts(supervisor) == 1
    assert len(flushLoggedErrors(ValueError)) == 1
    await supervisor.stopService()


def test_an_application_is_a_tree_too():
    application = Application("program")
    Service().setServiceParent(application)
    assert [facts.path for facts in services(application)] == ["", "Service"]
