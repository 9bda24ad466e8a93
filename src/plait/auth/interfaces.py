"""What credentials, checkers, realms and kinds of checkers promise.

A user shows *credentials*. A *checker* turns them into an *avatar id*: who that is. A *realm*, which knows nothing of
passwords, makes an *avatar* of it: the object through which the user acts. `plait.auth.portal.Portal` joins the three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from plait.interfaces import Attribute, Interface

__all__ = [
    "IAnonymous",
    "ICheckerFactory",
    "ICredentials",
    "ICredentialsChecker",
    "IRealm",
    "ISSHPrivateKey",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
]


class ICredentials(Interface):
    """What somebody shows to come in. What kind it is, and so who can check it, is said by an interface that inherits this."""


class IUsernamePassword(ICredentials, Interface):
    """A name and a password in the clear: any checker can do something with it, even one that keeps only hashes."""

    username: Any = Attribute("Who it is said to be: bytes as they came, or str.")
    password: Any = Attribute("The password: bytes as they came, or str.")

    def checkPassword(self, password: Any) -> bool:
        """Whether `password`, in the clear, is the one that was given."""


class IUsernameHashedPassword(ICredentials, Interface):
    """A name and a proof that one knows the password: only a checker that has the password in the clear can check it."""

    username: Any = Attribute("Who it is said to be: bytes as they came, or str.")

    def checkPassword(self, password: Any) -> bool:
        """Whether the proof was made with `password`, which is in the clear."""


class IUsernameDigestHash(ICredentials, Interface):
    """A name and an answer to a digest challenge, which one who keeps the hash of ``user:realm:password`` can check."""

    username: Any = Attribute("Who it is said to be: bytes as they came.")

    def checkHash(self, digestHash: bytes) -> bool:
        """Whether the answer was made with that hash, in lower-case hexadecimal (H(A1) of RFC 7616, 3.4.2, without -sess)."""


class IAnonymous(ICredentials, Interface):
    """Somebody who does not say who it is."""


class ISSHPrivateKey(ICredentials, Interface):
    """A public key, and a signature which shows that one has the private one (RFC 4252, 7)."""

    username: Any = Attribute("Who it is said to be, as bytes.")
    algName: bytes = Attribute("The algorithm's name, such as b'ssh-ed25519'.")
    blob: bytes = Attribute("The public key, as it is sent over the wire.")
    sigData: bytes | None = Attribute("What was signed; None if the client only asks whether the key would do.")
    signature: bytes | None = Attribute("The signature; None if the client only asks whether the key would do.")


class ICredentialsChecker(Interface):
    """Checks credentials of certain kinds."""

    credentialInterfaces: Iterable[Any] = Attribute(
        "The kinds that it can check: interfaces that inherit ICredentials."
    )

    def requestAvatarId(self, credentials: Any) -> Any:
        """Who that is: the avatar id, or a Deferred of it; the method may be ``async def``.

        It raises, or the Deferred fails with, `UnauthorizedLogin` if the credentials are wrong, and `LoginDenied` if that
        does not matter. Anything else is a fault of the checker's.
        """


class IRealm(Interface):
    """Makes the objects through which users act."""

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        """The avatar of somebody who has come in: ``(interface, avatar, logout)``, or a Deferred of that.

        The method may be ``async def``. `interface` is one of `interfaces`, which the avatar provides; `logout` is called
        without arguments when the user leaves.

        `mind` is what the protocol gave to `Portal.login`: its own end, for an avatar that wants to call back.

        :raises NotImplementedError: if there is an avatar with none of these interfaces.
        """


class ICheckerFactory(Interface):
    """A kind of checker that can be made of a string, such as the value of an option."""

    authType: str = Attribute("The word by which it is chosen.")
    authHelp: str = Attribute("What it does and what its argument means, for a person.")
    argStringFormat: str = Attribute("The shape of its argument, in one line.")
    credentialInterfaces: Iterable[Any] = Attribute("The kinds of credentials that its checkers can check.")
    generateChecker: Callable[[str], Any] = Attribute(
        "Makes a checker of what follows the word and a colon. ValueError."
    )
