"""What users show to come in: nothing, a name and a password, a proof that they know it, a key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import time

from plait.auth.comparing import Text, same, to_bytes
from plait.auth.interfaces import (
    IAnonymous,
    ICredentials,
    ISSHPrivateKey,
    IUsernameDigestHash,
    IUsernameHashedPassword,
    IUsernamePassword,
)
from plait.interfaces import implementer

__all__ = [
    "Anonymous",
    "CramMD5Credentials",
    "IAnonymous",
    "ICredentials",
    "ISSHPrivateKey",
    "IUsernameDigestHash",
    "IUsernameHashedPassword",
    "IUsernamePassword",
    "SSHPrivateKey",
    "UsernameHashedPassword",
    "UsernamePassword",
]


@implementer(IAnonymous)
class Anonymous:
    """Somebody who does not say who it is."""


@implementer(IUsernamePassword)
class UsernamePassword:
    """A name and a password in the clear. str stands for its UTF-8."""

    def __init__(self, username: Text, password: Text) -> None:
        self.username = username
        self.password = password

    def checkPassword(self, password: Text) -> bool:
        """Whether this is the password that was given."""
        return same(self.password, password)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.username!r}>"  # and no password, for it would be in a log


@implementer(IUsernameHashedPassword)
class UsernameHashedPassword:
    """A name and a password that the checker has in the same form. Old programs use it; others `UsernamePassword`."""

    def __init__(self, username: Text, hashed: Text) -> None:
        self.username = username
        self.hashed = hashed

    def checkPassword(self, password: Text) -> bool:
        """Whether this is what was given."""
        return same(self.hashed, password)


@implementer(IUsernameHashedPassword)
class CramMD5Credentials:
    """A challenge and the answer to it (CRAM-MD5, RFC 2195): the password is not sent, and the server must have it in the clear.

    :param host: the name for the challenge; that of this machine if None.
    """

    username: Text = b""
    response: Text = b""

    def __init__(self, host: Text | None = None) -> None:
        self.host = host
        self.challenge = b""

    def getChallenge(self) -> bytes:
        """What to send to the client, before base64. It is the same each time."""
        if not self.challenge:
            host = to_bytes(self.host if self.host is not None else socket.gethostname())
            self.challenge = b"<%d.%d@%b>" % (secrets.randbits(64), time.time(), host)
        return self.challenge

    def setResponse(self, response: bytes) -> None:
        """What the client has answered: the name, a space, and 32 hexadecimal digits. Anything else is a wrong answer."""
        self.username, _, self.response = response.rstrip().rpartition(b" ")

    def moreChallenges(self) -> bool:
        """Whether another challenge has to follow: never."""
        return False

    def checkPassword(self, password: Text) -> bool:
        """Whether the answer was made with this password."""
        expected = hmac.new(to_bytes(password), self.challenge, hashlib.md5).hexdigest()
        return bool(self.challenge) and same(to_bytes(self.response).lower(), expected)


@implementer(ISSHPrivateKey)
class SSHPrivateKey:
    """A public key and a signature made with the private one; see `ISSHPrivateKey` for what each argument is."""

    def __init__(
        self, username: Text, algName: bytes, blob: bytes, sigData: bytes | None, signature: bytes | None
    ) -> None:
        self.username = username
        self.algName = algName
        self.blob = blob
        self.sigData = sigData
        self.signature = signature
