"""Who checks credentials: somebody who lets all in, users in memory, any function, a chain of checkers.

Checkers with a file are in `plait.auth.files` and `plait.auth.filedb`, those of the system in `plait.auth.system`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from plait.auth.comparing import Text, to_bytes
from plait.auth.errors import LoginFailed, UnauthorizedLogin, UnhandledCredentials
from plait.auth.interfaces import IAnonymous, ICredentialsChecker, IUsernameHashedPassword, IUsernamePassword
from plait.deferred import Deferred, maybeDeferred, succeed
from plait.interfaces import implementer, provides

__all__ = [
    "ANONYMOUS",
    "AllowAnonymousAccess",
    "CallableChecker",
    "ChainChecker",
    "ICredentialsChecker",
    "InMemoryUsernamePasswordDatabaseDontUse",
    "MemoryChecker",
    "asChecker",
]

ANONYMOUS: tuple[()] = ()
"""The avatar id of whoever does not say who it is: no user's name, and false."""

# What the password of an unknown user is compared with. That it may be the same changes nothing.
_NOBODYS = b""


def name_of(credentials: Any) -> str:
    """The name in the credentials as str. `UnauthorizedLogin` if it is no UTF-8, for then it is nobody's."""
    try:
        return to_bytes(credentials.username).decode("utf-8")
    except (UnicodeError, AttributeError):
        raise UnauthorizedLogin() from None


def check_password(credentials: Any, password: Text, name: Any) -> Deferred[Any]:
    """`name` if `password`, in the clear, is that of the credentials; the Deferred fails with `UnauthorizedLogin` if not."""

    def checked(matched: Any) -> Any:
        if not matched or name is None:
            raise UnauthorizedLogin()
        return name

    return maybeDeferred(credentials.checkPassword, password).addCallback(checked)


@implementer(ICredentialsChecker)
class AllowAnonymousAccess:
    """Lets those in who do not say who they are. Their avatar id is `ANONYMOUS`."""

    credentialInterfaces = (IAnonymous,)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """`ANONYMOUS`."""
        return succeed(ANONYMOUS)


@implementer(ICredentialsChecker)
class MemoryChecker:
    """Users with passwords in the clear, in memory: for tests, and for a few users of a private tool.

    As it has the passwords, it can check CRAM-MD5 and digest answers. The avatar id is the name as str.

    :param users: the passwords, by name.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def __init__(self, users: Mapping[str, Text]) -> None:
        self._users = dict(users)

    def setPassword(self, user: str, password: Text) -> None:
        """Add a user, or give one another password."""
        self._users[user] = password

    def removeUser(self, user: str) -> None:
        """Forget a user. KeyError if there is none of this name."""
        del self._users[user]

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """The name, as str."""
        return maybeDeferred(self._check, credentials)

    def _check(self, credentials: Any) -> Deferred[Any]:
        name = name_of(credentials)
        known = name in self._users
        # An unknown user costs the same comparison.
        return check_password(credentials, self._users[name] if known else _NOBODYS, name if known else None)


@implementer(ICredentialsChecker)
class InMemoryUsernamePasswordDatabaseDontUse:
    """Users with passwords in the clear, in memory, as programs for Twisted have them. `MemoryChecker` is for new programs.

    Names are compared as they are: bytes are not str.

    :param users: the passwords, as bytes; the names, being keywords, are ASCII and become bytes.
    """

    credentialInterfaces = (IUsernamePassword, IUsernameHashedPassword)

    def __init__(self, **users: Any) -> None:
        self.users: dict[Any, Any] = {name.encode("ascii"): password for name, password in users.items()}

    def addUser(self, username: Any, password: Any) -> None:
        """Add a user, or give one another password."""
        self.users[username] = password

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """The name, as the credentials have it."""
        known = credentials.username in self.users
        password = self.users[credentials.username] if known else _NOBODYS
        return check_password(credentials, password, credentials.username if known else None)


@implementer(ICredentialsChecker)
class CallableChecker:
    """A function as a checker: it gets the credentials and gives the avatar id, or raises `UnauthorizedLogin`.

    It may be ``async def``, or give a Deferred. None, False and True are no avatar ids: a function that forgets to say who
    it is lets nobody in.

    :param credentialInterfaces: the kinds of credentials that it can check; `IUsernamePassword` if none are given.
    """

    def __init__(self, function: Callable[[Any], Any], *credentialInterfaces: Any) -> None:
        self.function = function
        self.credentialInterfaces = credentialInterfaces or (IUsernamePassword,)

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """What the function says."""

        def checked(avatarId: Any) -> Any:
            if avatarId is None or isinstance(avatarId, bool):
                raise UnauthorizedLogin()
            return avatarId

        return maybeDeferred(self.function, credentials).addCallback(checked)


@implementer(ICredentialsChecker)
class ChainChecker:
    """Several checkers, asked one after the other: the first that knows the credentials says who it is.

    The next one is asked after `UnauthorizedLogin` and `UnhandledCredentials` alone. `LoginDenied` is a word that counts, and
    a fault, such as a file that cannot be read, is not passed over either: it would go unnoticed.

    :param checkers: checkers, or functions.
    """

    def __init__(self, checkers: Iterable[Any]) -> None:
        self.checkers = [asChecker(checker) for checker in checkers]
        kinds = [kind for checker in self.checkers for kind in checker.credentialInterfaces]
        self.credentialInterfaces: tuple[Any, ...] = tuple(dict.fromkeys(kinds))

    async def requestAvatarId(self, credentials: Any) -> Any:
        """What the first says that lets the user in."""
        error: LoginFailed = UnhandledCredentials("no checker of the chain handles these credentials")
        for checker in self.checkers:
            if any(provides(kind, credentials) for kind in checker.credentialInterfaces):
                try:
                    return await maybeDeferred(checker.requestAvatarId, credentials)
                except (UnauthorizedLogin, UnhandledCredentials) as e:
                    error = e
        raise error


def asChecker(checker: Any, *credentialInterfaces: Any) -> Any:
    """`checker` if it is one; a `CallableChecker` if it is a function. TypeError if it is neither."""
    if hasattr(checker, "requestAvatarId"):
        return checker
    if callable(checker):
        return CallableChecker(checker, *credentialInterfaces)
    raise TypeError(f"{checker!r} is no checker: it has no requestAvatarId, and cannot be called")
