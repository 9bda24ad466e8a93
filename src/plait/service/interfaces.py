"""What a service, a collection of services and the description of a process promise.

A service is a part of a program that can be started and stopped: a listening port, a client that keeps a connection,
a job that runs every minute. Services form a tree; starting or stopping the root starts or stops all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plait.interfaces import Interface


class IService(Interface):
    """A part of a program that is started and stopped."""

    name: str | None
    running: Any
    parent: IServiceCollection | None

    def setName(self, name: str) -> None:
        """Give the service the name under which its collection finds it. RuntimeError once it is in a collection."""

    def setServiceParent(self, parent: Any) -> None:
        """Move into the collection `parent`, or into the one that `parent` can be adapted to (an application).

        A service that joins a running collection is started at once.
        """

    def disownServiceParent(self) -> Any:
        """Leave the collection. Returns a Deferred if the service has to be stopped and that takes time."""

    def privilegedStartService(self) -> Any:
        """Do what needs the rights that the process gives up afterwards, such as to open a port below 1024.

        It is called before `startService`, and only where the program starts with rights to give up.
        """

    def startService(self) -> Any:
        """Start. An exception means that the service could not start, and stops the start of the whole program.

        So does that of a Deferred or coroutine that is returned; the program serves when all such have come to their ends.
        """

    def stopService(self) -> Any:
        """Stop. Returns a Deferred that fires when everything is closed, or anything else if that is so already."""


class IServiceCollection(Interface):
    """Services that are started and stopped together."""

    def getServiceNamed(self, name: str) -> Any:
        """The service of that name. KeyError if there is none."""

    def __iter__(self) -> Iterator[Any]:
        """The services, in the order in which they came."""

    def addService(self, service: Any) -> None:
        """Take `service` in; start it if the collection runs. Programs call `IService.setServiceParent` instead."""

    def removeService(self, service: Any) -> Any:
        """Let `service` go; stop it if the collection runs. Programs call `IService.disownServiceParent` instead."""


class IProcess(Interface):
    """As whom a program runs once it has opened its ports."""

    processName: str | None
    uid: int | None
    gid: int | None
