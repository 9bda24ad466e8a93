"""What `twisted.application.service` has beyond ours: a process as an object of its own, `twistd` plugins, saved applications."""

from __future__ import annotations

from typing import Any

from plait.as_twisted.legacy import sob
from plait.as_twisted.legacy.plugin import IPlugin
from plait.as_twisted.legacy.reflect import namedAny
from plait.interfaces import Attribute, Interface, implementer
from plait.service import IProcess, IService

__all__ = ["IServiceMaker", "Process", "ServiceMaker", "loadApplication"]


@implementer(IProcess)
class Process:
    """As whom a program runs: the numbers of a user and a group, None for no change."""

    processName: str | None = None

    def __init__(self, uid: int | None = None, gid: int | None = None) -> None:
        self.uid = uid
        self.gid = gid

    def __repr__(self) -> str:
        return f"<Process {self.processName or ''} {self.uid}:{self.gid}>"


class IServiceMaker(Interface):
    """A plugin of the daemon runner: makes a service of what the command line says."""

    tapname: str = Attribute("The word by which it is called on the command line.")
    description: str = Attribute("One line, for the list of all such words.")
    options: Any = Attribute("A class for its options, made from `usage.Options`.")

    def makeService(self, options: Any) -> IService:
        """The service, for options that have been parsed."""


@implementer(IPlugin, IServiceMaker)
class ServiceMaker:
    """A plugin whose ``Options`` and ``makeService`` are in a module, which is imported when they are asked for.

    :param name: what to call it in messages.
    :param module: the dotted name of the module.
    :param description: one line about it.
    :param tapname: its word on the command line.
    """

    def __init__(self, name: str, module: str, description: str, tapname: str) -> None:
        self.name = name
        self.module = module
        self.description = description
        self.tapname = tapname

    @property
    def options(self) -> Any:
        """The module's ``Options``."""
        return namedAny(self.module).Options

    @property
    def makeService(self) -> Any:
        """The module's ``makeService``."""
        return namedAny(self.module).makeService


def loadApplication(filename: str, kind: str, passphrase: str | None = None) -> Any:
    """The application of a file: ``"python"`` runs it and takes its ``application``; ``"pickle"``, ``"source"`` load it."""
    if kind == "python":
        return sob.loadValueFromFile(filename, "application")
    return sob.load(filename, kind)
