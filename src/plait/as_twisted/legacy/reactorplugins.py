"""What `twisted.application.reactors` is: reactors as plugins, chosen by a word. The built-in words all mean Plait's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from plait.as_twisted.legacy.plugin import IPlugin, getPlugins
from plait.current import getReactor
from plait.interfaces import Attribute, Interface, implementer

__all__ = ["IReactorInstaller", "NoSuchReactor", "Reactor", "getReactorTypes", "installReactor"]


class IReactorInstaller(Interface):
    """A plugin that makes a reactor the one of the program."""

    shortName: str = Attribute("The word by which it is chosen.")
    description: str = Attribute("One line about it.")

    def install(self) -> None:
        """Make it the reactor. Whatever that raises means that it does not work here."""


class NoSuchReactor(KeyError):
    """There is no reactor of that name."""


@implementer(IPlugin, IReactorInstaller)
class Reactor:
    """A reactor that the ``install`` of a module, by its dotted name, puts in place."""

    def __init__(self, shortName: str, moduleName: str, description: str) -> None:
        self.shortName = shortName
        self.moduleName = moduleName
        self.description = description

    def install(self) -> None:
        """Import the module, and call its ``install``."""
        import_module(self.moduleName).install()


def getReactorTypes() -> Iterator[Any]:
    """All plugins that provide `IReactorInstaller`."""
    return iter(getPlugins(IReactorInstaller))


def installReactor(shortName: str) -> Any:
    """Make the reactor of that name the one of the program, and return it. Raises `NoSuchReactor` where there is none."""
    for installer in getReactorTypes():
        if installer.shortName == shortName:
            installer.install()
            return getReactor()
    raise NoSuchReactor(shortName)


def _ours(shortName: str, module: str) -> Reactor:
    return Reactor(shortName, f"twisted.internet.{module}", "Plait's reactor, on the best event loop that is installed")


default = _ours("default", "default")
select = _ours("select", "selectreactor")
poll = _ours("poll", "pollreactor")
epoll = _ours("epoll", "epollreactor")
kqueue = _ours("kqueue", "kqreactor")
asyncio = _ours("asyncio", "asyncioreactor")
iocp = _ours("iocp", "iocpreactor")
gi = Reactor("gi", "twisted.internet.gireactor", "Plait's reactor on GLib's main loop, beside a user interface")
gtk3 = Reactor("gtk3", "twisted.internet.gtk3reactor", "the same, by the name of older programs")
