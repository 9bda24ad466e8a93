"""What `twisted.application.app` has for programs that start an application by themselves, or let the user choose a reactor.

To run one as a daemon there is ``plait run``.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from importlib import import_module
from operator import attrgetter
from typing import IO, Any

from plait.as_twisted.legacy.application import loadApplication
from plait.as_twisted.legacy.reactorplugins import NoSuchReactor, getReactorTypes, installReactor
from plait.as_twisted.legacy.sob import IPersistable
from plait.as_twisted.legacy.usage import UsageError
from plait.current import getReactor
from plait.interfaces import adapt
from plait.log.legacy import msg
from plait.service import IService

__all__ = ["ReactorSelectionMixin", "convertStyle", "getApplication", "getPassphrase", "startApplication"]

_SEE = "See the list of those that there are with --help-reactors."


class ReactorSelectionMixin:
    """For a `usage.Options`: ``--reactor=NAME`` chooses a reactor at once, ``--help-reactors`` lists them."""

    messageOutput: IO[str] = sys.stdout
    _getReactorTypes = staticmethod(getReactorTypes)

    def opt_help_reactors(self) -> None:
        """List the reactors that can be chosen."""
        available, not_here = [], []
        for installer in sorted(self._getReactorTypes(), key=attrgetter("shortName")):
            try:
                import_module(installer.moduleName)
                if installer.shortName == "iocp" and sys.platform != "win32":
                    raise ImportError("it is for Windows")  # the name is taken all the same
            except ImportError as error:
                not_here.append(f"   !{installer.shortName:<9} {installer.description} ({error})\n")
            else:
                available.append(f"    {installer.shortName:<9} {installer.description}\n")
        write = self.messageOutput.write
        write("Reactors, to be chosen with --reactor=NAME:\n")
        write("".join(available))
        if not_here:
            write("\nThese reactors are not available here:\n")
            write("".join(not_here))
        raise SystemExit(0)

    def opt_reactor(self, shortName: str) -> None:
        """Which reactor to use (see --help-reactors)."""
        try:
            installReactor(shortName)
        except NoSuchReactor:
            raise UsageError(f"There is no reactor {shortName!r}. {_SEE}") from None
        except Exception as error:
            raise UsageError(f"The reactor {shortName!r} cannot be used: {error}. {_SEE}") from error
        self["reactor"] = shortName  # type: ignore[index]

    opt_r = opt_reactor


def getPassphrase(needed: object) -> str | None:
    """Ask for a passphrase on the terminal if one is needed; else None."""
    return getpass.getpass("Passphrase: ") if needed else None


def getApplication(options: Mapping[str, Any], passphrase: str | None) -> Any:
    """The application of the file that ``python``, ``source`` or ``file`` (a pickle) in the options names."""
    for option, kind in (("python", "python"), ("source", "source"), ("file", "pickle")):
        if options[option]:
            msg(f"Loading {options[option]}...")
            application = loadApplication(options[option], kind, passphrase)
            msg("Loaded.")
            return application
    raise UsageError("no application file is named: there is none in the options python, source and file")


def convertStyle(filein: str, typein: str, passphrase: str | None, fileout: str, typeout: str, encrypt: object) -> None:
    """Load an application that was saved in one way, and save it in another."""
    application = loadApplication(filein, typein, passphrase)
    keeper = adapt(IPersistable, application)
    keeper.setStyle(typeout)
    keeper.save(filename=fileout, passphrase=getPassphrase(encrypt))


def startApplication(application: Any, save: object) -> None:
    """Start the services, and stop them when the reactor stops. With ``save``, the application is saved after that."""
    service = adapt(IService, application)
    service.startService()
    reactor = getReactor()
    if save:
        reactor.addSystemEventTrigger("after", "shutdown", adapt(IPersistable, application).save, "shutdown")
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
