"""Who may come in: portals, realms, credentials and checkers.

::

    portal = Portal(realm, [MemoryChecker({"bob": "secret"}), AllowAnonymousAccess()])
    interface, avatar, logout = await portal.login(UsernamePassword(b"bob", b"secret"), None, IMailbox)
"""

from __future__ import annotations

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
from plait.auth.portal import Portal

__all__ = [
    "ANONYMOUS",
    "AllowAnonymousAccess",
    "Anonymous",
    "CallableChecker",
    "ChainChecker",
    "CramMD5Credentials",
    "DigestCredentialFactory",
    "DigestedCredentials",
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
    "Portal",
    "SSHPrivateKey",
    "Unauthorized",
    "UnauthorizedLogin",
    "UnhandledCredentials",
    "UsernamePassword",
]
