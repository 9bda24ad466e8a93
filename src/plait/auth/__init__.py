"""Who may come in: portals, realms, credentials and checkers.

::

    portal = Portal(realm, [checkerFromString("file:users"), AllowAnonymousAccess()])
    interface, avatar, logout = await portal.login(UsernamePassword(b"bob", b"secret"), None, IMailbox)

Each name is loaded when it is first used, so that the command ``plait passwd`` can be listed without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plait.auth.checkers import (
        ANONYMOUS,
        AllowAnonymousAccess,
        CallableChecker,
        ChainChecker,
        InMemoryUsernamePasswordDatabaseDontUse,
        MemoryChecker,
    )
    from plait.auth.credentials import Anonymous, CramMD5Credentials, SSHPrivateKey, UsernamePassword
    from plait.auth.digest import DigestCredentialFactory, DigestedCredentials
    from plait.auth.errors import LoginDenied, LoginFailed, Unauthorized, UnauthorizedLogin, UnhandledCredentials
    from plait.auth.filedb import FilePasswordDB
    from plait.auth.files import FileChecker, PasswordFileError
    from plait.auth.interfaces import (
        IAnonymous,
        ICheckerFactory,
        ICredentials,
        ICredentialsChecker,
        IRealm,
        ISSHPrivateKey,
        IUsernameDigestHash,
        IUsernameHashedPassword,
        IUsernamePassword,
    )
    from plait.auth.limits import FailureLimit
    from plait.auth.passwords import PasswordError, hashPassword, verifyPassword
    from plait.auth.portal import Portal
    from plait.auth.strings import (
        CheckerKind,
        addCheckerOptions,
        checkerFromString,
        checkerFromStrings,
        checkerKinds,
        checkersHelp,
    )
    from plait.auth.system import PAMChecker, UNIXChecker

_NAMES = {
    "ANONYMOUS": "plait.auth.checkers",
    "AllowAnonymousAccess": "plait.auth.checkers",
    "CallableChecker": "plait.auth.checkers",
    "ChainChecker": "plait.auth.checkers",
    "InMemoryUsernamePasswordDatabaseDontUse": "plait.auth.checkers",
    "MemoryChecker": "plait.auth.checkers",
    "Anonymous": "plait.auth.credentials",
    "CramMD5Credentials": "plait.auth.credentials",
    "SSHPrivateKey": "plait.auth.credentials",
    "UsernamePassword": "plait.auth.credentials",
    "DigestCredentialFactory": "plait.auth.digest",
    "DigestedCredentials": "plait.auth.digest",
    "LoginDenied": "plait.auth.errors",
    "LoginFailed": "plait.auth.errors",
    "Unauthorized": "plait.auth.errors",
    "UnauthorizedLogin": "plait.auth.errors",
    "UnhandledCredentials": "plait.auth.errors",
    "FilePasswordDB": "plait.auth.filedb",
    "FileChecker": "plait.auth.files",
    "PasswordFileError": "plait.auth.files",
    "IAnonymous": "plait.auth.interfaces",
    "ICheckerFactory": "plait.auth.interfaces",
    "ICredentials": "plait.auth.interfaces",
    "ICredentialsChecker": "plait.auth.interfaces",
    "IRealm": "plait.auth.interfaces",
    "ISSHPrivateKey": "plait.auth.interfaces",
    "IUsernameDigestHash": "plait.auth.interfaces",
    "IUsernameHashedPassword": "plait.auth.interfaces",
    "IUsernamePassword": "plait.auth.interfaces",
    "FailureLimit": "plait.auth.limits",
    "PasswordError": "plait.auth.passwords",
    "hashPassword": "plait.auth.passwords",
    "verifyPassword": "plait.auth.passwords",
    "Portal": "plait.auth.portal",
    "CheckerKind": "plait.auth.strings",
    "addCheckerOptions": "plait.auth.strings",
    "checkerFromString": "plait.auth.strings",
    "checkerFromStrings": "plait.auth.strings",
    "checkerKinds": "plait.auth.strings",
    "checkersHelp": "plait.auth.strings",
    "PAMChecker": "plait.auth.system",
    "UNIXChecker": "plait.auth.system",
}

__all__ = [
    "ANONYMOUS",
    "AllowAnonymousAccess",
    "Anonymous",
    "CallableChecker",
    "ChainChecker",
    "CheckerKind",
    "CramMD5Credentials",
    "DigestCredentialFactory",
    "DigestedCredentials",
    "FailureLimit",
    "FileChecker",
    "FilePasswordDB",
    "IAnonymous",
    "ICheckerFactory",
    "ICredentials",
    "ICredentialsChecker",
    "IRealm",
    "ISSHPrivateKey",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    "InMemoryUsernamePasswordDatabaseDontUse",
    "LoginDenied",
    "LoginFailed",
    "MemoryChecker",
    "PAMChecker",
    "PasswordError",
    "PasswordFileError",
    "Portal",
    "SSHPrivateKey",
    "UNIXChecker",
    "Unauthorized",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "UsernamePassword",
    "addCheckerOptions",
    "checkerFromString",
    "checkerFromStrings",
    "checkerKinds",
    "checkersHelp",
    "hashPassword",
    "verifyPassword",
]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_NAMES[name]), name)
    return value
