"""What the services of a program are doing right now: the tree, with states, restarts and ports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plait.engine.census import port_address
from plait.interfaces import provides
from plait.service.base import underWay
from plait.service.interfaces import IServiceCollection
from plait.service.supervision import Supervisor


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """One service of the tree."""

    path: str
    """Where it stands, by names, or classes where there are none: "web/TCPServer"; its place among them from the second on."""
    kind: str
    """The name of its class."""
    depth: int
    state: str
    """``stopped``, ``starting``, ``running``; of a supervisor's child what the supervisor says (`Child.state`)."""
    restarts: int
    """How often it has been started again since its supervisor was started; 0 where there is none."""
    port: str | None
    """Where it listens (`plait.engine.census.PortFacts.address`), if it has a port."""


def services(root: Any) -> list[ServiceFacts]:
    """The services of a program, each before those in it. `root` is an application or any service; it is listed itself."""
    starting = {id(service) for service in underWay(root)}
    return list(_facts(root, "", 0, starting, None))


def restarts(root: Any) -> int:
    """How often supervisors in this tree have started a service again."""
    return sum(service.restarts for service in services(root))


def _facts(service: Any, path: str, depth: int, starting: set[int], child: Any) -> Iterator[ServiceFacts]:
    kind = type(service).__qualname__
    state = "starting" if id(service) in starting else "running" if getattr(service, "running", 0) else "stopped"
    port = getattr(service, "_port", None)
    yield ServiceFacts(
        path=path,
        kind=kind,
        depth=depth,
        state=state if child is None else child.state,
        restarts=0 if child is None else child.restarts,
        port=None if port is None else port_address(port),
    )
    if not provides(IServiceCollection, service):
        return
    entries = {id(entry.service): entry for entry in service.children} if isinstance(service, Supervisor) else {}
    taken: dict[str, int] = {}
    for part in service:
        name = getattr(part, "name", None) or type(part).__qualname__
        taken[name] = number = taken.get(name, 0) + 1
        own = name if number == 1 else f"{name}#{number}"
        yield from _facts(part, f"{path}/{own}" if path else own, depth + 1, starting, entries.get(id(part)))
