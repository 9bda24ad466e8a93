"""What `twisted.cred.strcred` is: checkers as strings, and the options ``--auth``, ``--help-auth`` and ``--help-auth-type``.

New programs have `plait.auth.strings`, from where all kinds come but ``file``, which in old programs has passwords in the clear.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from plait.as_twisted.legacy.plugin import IPlugin, getPlugins
from plait.as_twisted.legacy.usage import UsageError
from plait.auth.filedb import FilePasswordDB
from plait.auth.interfaces import ICheckerFactory, IUsernameHashedPassword, IUsernamePassword
from plait.auth.strings import KINDS, CheckerKind
from plait.interfaces import implementer

__all__ = [
    "AuthOptionMixin",
    "ICheckerFactory",
    "InvalidAuthArgumentString",
    "InvalidAuthType",
    "StrcredException",
    "UnsupportedInterfaces",
    "findCheckerFactories",
    "findCheckerFactory",
    "makeChecker",
    "notSupportedWarning",
]

notSupportedWarning = "WARNING: This authType is not supported by this application."
invalidFileWarning = "Warning: not a valid file"


class StrcredException(Exception):
    """A string makes no checker."""


class InvalidAuthType(StrcredException):
    """There is no such kind of checker."""


class InvalidAuthArgumentString(StrcredException):
    """A kind of checker cannot read what follows it."""


class UnsupportedInterfaces(StrcredException):
    """A checker is for credentials that the program never has."""


@implementer(IPlugin, ICheckerFactory)
class _Kind:
    """One of Plait's kinds as a plugin of old programs, which expect another error."""

    def __init__(self, kind: CheckerKind) -> None:
        self.authType = kind.authType
        self.authHelp = kind.authHelp
        self.argStringFormat = kind.argStringFormat or "No argstring required."
        self.credentialInterfaces = kind.credentialInterfaces
        self._kind = kind

    def generateChecker(self, argString: str) -> Any:
        """A checker, of what follows the kind and a colon."""
        try:
            return self._kind.generateChecker(argString)
        except ValueError as error:
            raise InvalidAuthArgumentString(str(error)) from None


@implementer(IPlugin, ICheckerFactory)
class FileCheckerFactory:
    """Makes a checker with a file of passwords in the clear."""

    authType = "file"
    authHelp = """
        A file with a line user:password for each user, the passwords in the clear.
        The file is read again at each login. Prefer hashes: plait passwd, and the checker FileChecker.
    """
    argStringFormat = "Location of a FilePasswordDB-formatted file."
    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)
    errorOutput: Any = None
    """Where warnings go; standard error if None."""

    def generateChecker(self, argString: str) -> FilePasswordDB:
        """A checker with the file of this name. ValueError if there is no name; a warning if there is no file."""
        if not argString.strip():
            raise ValueError(f"{self.authType!r} requires a filename")
        if not os.path.isfile(argString):
            print(f"{invalidFileWarning}: {argString}", file=self.errorOutput or sys.stderr)
        return FilePasswordDB(argString)


_kinds = {kind.authType: _Kind(kind) for kind in KINDS}
theAnonymousCheckerFactory = _kinds["anonymous"]
theMemoryCheckerFactory = _kinds["memory"]
theUnixCheckerFactory = _kinds["unix"]
thePAMCheckerFactory = _kinds["pam"]
theFileCheckerFactory = FileCheckerFactory()


def findCheckerFactories() -> Iterator[Any]:
    """All kinds of checkers that there are."""
    return iter(getPlugins(ICheckerFactory))


def findCheckerFactory(authType: str) -> Any:
    """The kind of this name. Raises `InvalidAuthType`."""
    for factory in findCheckerFactories():
        if factory.authType == authType:
            return factory
    raise InvalidAuthType(authType)


def makeChecker(description: str) -> Any:
    """The checker that a string describes. Raises `InvalidAuthType`, and what its kind raises."""
    word, _, argument = description.partition(":")
    return findCheckerFactory(word).generateChecker(argument)


class AuthOptionMixin:
    """Adds options that name checkers to a `usage.Options`, whose ``credCheckers`` and ``credInterfaces`` are then filled.

    `supportedInterfaces` are the kinds of credentials that the program has, or None for all.
    """

    supportedInterfaces: Iterable[Any] | None = None
    authOutput: Any = None
    """Where the help goes; standard output if None."""

    def supportsInterface(self, interface: Any) -> bool:
        """Whether the program has credentials of this kind."""
        return self.supportedInterfaces is None or interface in self.supportedInterfaces

    def supportsCheckerFactory(self, factory: Any) -> bool:
        """Whether the program has credentials for checkers of this kind."""
        return any(self.supportsInterface(interface) for interface in factory.credentialInterfaces)

    def addChecker(self, checker: Any) -> None:
        """Take a checker. Raises `UnsupportedInterfaces` if the program has no credentials for it."""
        supported = [interface for interface in checker.credentialInterfaces if self.supportsInterface(interface)]
        if not supported:
            raise UnsupportedInterfaces(checker.credentialInterfaces)
        options: Any = self
        options.setdefault("credCheckers", []).append(checker)
        interfaces = options.setdefault("credInterfaces", {})
        for interface in supported:
            interfaces.setdefault(interface, []).append(checker)

    def opt_auth(self, description: str) -> None:
        """Who may come in: a kind of checker and what it needs, with a colon between them. See --help-auth."""
        try:
            self.addChecker(makeChecker(description))
        except UnsupportedInterfaces as error:
            raise UsageError(f"Auth plugin not supported: {description} ({error})") from None
        except InvalidAuthType as error:
            raise UsageError(f"Auth plugin not recognized: {error}") from None
        except Exception as error:
            raise UsageError(f"Unexpected error: {error}") from None

    def _checkerFactoriesForOptHelpAuth(self) -> Iterator[Any]:
        for factory in findCheckerFactories():
            if self.supportsCheckerFactory(factory):
                yield factory

    def opt_help_auth(self) -> None:
        """List the kinds of checkers, and exit."""
        self._say("Usage: --auth AuthType[:ArgString]\nFor detailed help: --help-auth-type AuthType\n")
        for factory in sorted(self._checkerFactoriesForOptHelpAuth(), key=lambda factory: str(factory.authType)):
            self._say(f"  {factory.authType:<12} {factory.argStringFormat}")
        raise SystemExit(0)

    def opt_help_auth_type(self, authType: str) -> None:
        """Explain a kind of checker, and exit."""
        try:
            factory = findCheckerFactory(authType)
        except InvalidAuthType:
            raise UsageError(f"Invalid auth type: {authType}") from None
        self._say(f"Usage: --auth {authType}[:ArgString]\nArgString: {factory.argStringFormat}\n")
        for line in factory.authHelp.strip().splitlines():
            self._say(f"  {line.strip()}")
        if not self.supportsCheckerFactory(factory):
            self._say(f"\n{notSupportedWarning}")
        raise SystemExit(0)

    def _say(self, text: str) -> None:
        print(text, file=self.authOutput or sys.stdout)
