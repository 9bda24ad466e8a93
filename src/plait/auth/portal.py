"""The portal: the one door between a protocol, which has credentials, and the objects that users act through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from plait.auth.checkers import asChecker
from plait.auth.errors import UnhandledCredentials
from plait.auth.interfaces import IRealm
from plait.deferred import Deferred, fail, maybeDeferred
from plait.interfaces import providedBy

__all__ = ["IRealm", "Portal"]

Login = tuple[Any, Any, Callable[[], Any]]
"""What a login gives: the interface, the avatar that provides it, and what to call when the user leaves."""


class Portal:
    """Lets users in: it has a realm, and a checker for each kind of credentials.

    :param realm: makes the avatars, see `IRealm`.
    :param checkers: see `registerChecker`.
    """

    def __init__(self, realm: Any, checkers: Iterable[Any] = ()) -> None:
        self.realm = realm
        self.checkers: dict[Any, Any] = {}
        for checker in checkers:
            self.registerChecker(checker)

    def listCredentialsInterfaces(self) -> list[Any]:
        """The kinds of credentials that there is a checker for."""
        return list(self.checkers)

    def registerChecker(self, checker: Any, *credentialInterfaces: Any) -> None:
        """Have `checker` look at credentials of these kinds; without any, of those that it says it can check.

        Of a kind, the last checker is asked; a `ChainChecker` asks several. A function, which may be ``async def``, is a
        checker, too: see `CallableChecker`.
        """
        checker = asChecker(checker, *credentialInterfaces)
        for interface in credentialInterfaces or checker.credentialInterfaces:
            self.checkers[interface] = checker

    def login(self, credentials: Any, mind: Any, *interfaces: Any) -> Deferred[Login]:
        """Let somebody in, and give ``(interface, avatar, logout)``: call `logout` when the user leaves.

        :param mind: the protocol's own end, handed on to the realm; None if there is none.
        :param interfaces: what the avatar may provide, the best first.

        The Deferred fails with `UnauthorizedLogin`, `UnhandledCredentials`, `LoginDenied`, or what the realm raises.
        """
        # In the order in which the credentials' own interfaces inherit: the checker of the most specific kind is asked.
        for interface in providedBy(credentials).flattened():
            checker = self.checkers.get(interface)
            if checker is not None:
                d = maybeDeferred(checker.requestAvatarId, credentials)
                return d.addCallback(
                    lambda avatarId: maybeDeferred(self.realm.requestAvatar, avatarId, mind, *interfaces)
                )
        kinds = ", ".join(interface.__name__ for interface in providedBy(credentials)) or type(credentials).__name__
        return fail(UnhandledCredentials(f"no checker for {kinds}"))
