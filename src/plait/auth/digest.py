"""Digest authentication, as HTTP and SIP have it (RFC 7616, and RFC 2617 before it): a proof of the password over a nonce.

The hashes are functions of their own (`calcHA1`, `calcHA2`, `calcResponse`). `DigestCredentialFactory` makes challenges and reads
the answers, without keeping any state between the two: all that it has to know again is in the ``opaque`` of the challenge, which
is sealed with a key of its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from plait.auth.comparing import Text, same, to_bytes
from plait.auth.digestfields import parse_fields
from plait.auth.errors import LoginFailed
from plait.auth.interfaces import IUsernameDigestHash, IUsernameHashedPassword
from plait.interfaces import implementer

__all__ = ["DigestCredentialFactory", "DigestedCredentials", "algorithms", "calcHA1", "calcHA2", "calcResponse"]

Hash = Callable[[bytes], Any]


def _sha512_256(data: bytes) -> Any:
    return hashlib.new("sha512_256", data)


algorithms: dict[bytes, Hash] = {
    b"md5": hashlib.md5,
    b"md5-sess": hashlib.md5,
    b"sha": hashlib.sha1,  # in no RFC, and used all the same
    b"sha-256": hashlib.sha256,
    b"sha-256-sess": hashlib.sha256,
    b"sha-512-256": _sha512_256,
    b"sha-512-256-sess": _sha512_256,
}
"""The hash functions, by their names in lower case."""


def _hashed(algorithm: bytes, *parts: bytes) -> bytes:
    digest: str = algorithms[algorithm](b":".join(parts)).hexdigest()
    return digest.encode("ascii")


def calcHA1(
    algorithm: bytes,
    username: bytes | None,
    realm: bytes | None,
    password: bytes | None,
    nonce: bytes,
    cnonce: bytes,
    preHA1: bytes | None = None,
) -> bytes:
    """H(A1), in hexadecimal (RFC 7616, 3.4.2).

    :param algorithm: a name out of `algorithms`; with ``-sess`` nonce and cnonce are hashed in.
    :param preHA1: the hash of ``username:realm:password`` in hexadecimal, in place of these three, which are None then.
    :raises TypeError: if there are both, or neither.
    """
    if preHA1 is None:
        if username is None or realm is None or password is None:
            raise TypeError("calcHA1 needs username, realm and password, or preHA1")
        preHA1 = _hashed(algorithm, username, realm, password)
    elif username is not None or realm is not None or password is not None:
        raise TypeError("with preHA1, username, realm and password have to be None")
    return _hashed(algorithm, preHA1, nonce, cnonce) if algorithm.endswith(b"-sess") else preHA1


def calcHA2(
    algorithm: bytes, method: bytes, digestUri: bytes, qop: bytes | None, entityHash: bytes | None = None
) -> bytes:
    """H(A2), in hexadecimal (RFC 7616, 3.4.3). `entityHash` is that of the body, which ``auth-int`` asks for."""
    if qop == b"auth-int":
        return _hashed(algorithm, method, digestUri, entityHash or b"")
    return _hashed(algorithm, method, digestUri)


def calcResponse(
    HA1: bytes,
    HA2: bytes,
    algorithm: bytes,
    nonce: bytes,
    nonceCount: bytes | None,
    cnonce: bytes | None,
    qop: bytes | None,
) -> bytes:
    """The answer to a challenge, in hexadecimal (RFC 7616, 3.4.1). Without `qop`, as RFC 2069 has it."""
    if qop and nonceCount and cnonce:
        return _hashed(algorithm, HA1, nonce, nonceCount, cnonce, qop, HA2)
    return _hashed(algorithm, HA1, nonce, HA2)


@implementer(IUsernameHashedPassword, IUsernameDigestHash)
class DigestedCredentials:
    """An answer to a digest challenge.

    :param username: who it is said to be.
    :param method: the request's method, such as ``b"GET"``.
    :param realm: the realm of the challenge, whatever the answer says.
    :param fields: the fields of the answer, by name; `DigestCredentialFactory.decode` has looked at them.
    """

    def __init__(self, username: bytes, method: bytes, realm: bytes, fields: Mapping[str, bytes]) -> None:
        self.username = username
        self.method = method
        self.realm = realm
        self.fields = fields

    def checkPassword(self, password: Text) -> bool:
        """Whether the answer was made with this password."""
        algorithm = self._algorithm()
        return self._check(
            calcHA1(algorithm, self.username, self.realm, to_bytes(password), self._get("nonce"), self._get("cnonce"))
        )

    def checkHash(self, digestHash: bytes) -> bool:
        """Whether the answer was made with the password of which this is H(``user:realm:password``), in hexadecimal."""
        algorithm = self._algorithm()
        return self._check(
            calcHA1(algorithm, None, None, None, self._get("nonce"), self._get("cnonce"), preHA1=digestHash)
        )

    def _check(self, ha1: bytes) -> bool:
        algorithm, qop = self._algorithm(), self.fields.get("qop")
        ha2 = calcHA2(algorithm, self.method, self._get("uri"), qop)
        expected = calcResponse(ha1, ha2, algorithm, self._get("nonce"), self._get("nc"), self._get("cnonce"), qop)
        return same(self._get("response"), expected)

    def _algorithm(self) -> bytes:
        return self.fields.get("algorithm", b"md5").lower()

    def _get(self, name: str) -> bytes:
        return self.fields.get(name, b"")


class DigestCredentialFactory:
    """Makes digest challenges, and credentials of the answers.

    An answer is good for the address that was challenged, and for `CHALLENGE_LIFETIME_SECS` seconds. Within these it can be
    sent again: digest authentication belongs into TLS, where nobody overhears it.

    :param algorithm: a name out of `algorithms`; ``b"sha-256"`` unless old clients have to come in.
    :param authenticationRealm: what the password is for, as the user is told.
    :raises ValueError: for an unknown algorithm.
    """

    CHALLENGE_LIFETIME_SECS = 15 * 60

    def __init__(self, algorithm: bytes, authenticationRealm: bytes) -> None:
        if algorithm.lower() not in algorithms:
            raise ValueError(f"there is no digest algorithm {algorithm!r}; there are {sorted(algorithms)}")
        self.algorithm = algorithm
        self.authenticationRealm = authenticationRealm
        self.privateKey = secrets.token_bytes(32)

    def getChallenge(self, address: str | bytes | None) -> dict[str, bytes]:
        """The fields of a challenge for the client at this address; None if that is not known, or changes."""
        nonce = self._generateNonce()
        return {
            "nonce": nonce,
            "opaque": self._generateOpaque(nonce, address),
            "qop": b"auth",
            "algorithm": self.algorithm,
            "realm": self.authenticationRealm,
        }

    def decode(self, response: bytes, method: bytes, host: str | bytes | None) -> DigestedCredentials:
        """The credentials in an answer: what stands behind ``Digest`` in the header.

        :param method: the request's method.
        :param host: the address that the challenge was made for.
        :raises plait.auth.errors.LoginFailed: if it is none, or answers no challenge of ours, or one that is too old.
        """
        fields = parse_fields(response)
        username = fields.get("username")
        if not username:
            raise LoginFailed("Invalid response, no username given.")
        for name in ("opaque", "nonce"):
            if name not in fields:
                raise LoginFailed(f"Invalid response, no {name} given.")
        self._check_choices(fields)
        self._verifyOpaque(fields["opaque"], fields["nonce"], host)
        return DigestedCredentials(username, method, self.authenticationRealm, fields)

    def _check_choices(self, fields: Mapping[str, bytes]) -> None:
        """The client must not choose a weaker way than it was offered."""
        if fields.get("algorithm", b"md5").lower() != self.algorithm.lower():
            raise LoginFailed("Invalid response, another algorithm than that of the challenge")
        qop = fields.get("qop")
        if qop != b"auth" and not (qop is None and self.algorithm.lower() == b"md5"):  # RFC 2069 had neither
            raise LoginFailed("Invalid response, another qop than auth")
        if qop and not (fields.get("nc") and fields.get("cnonce")):
            raise LoginFailed("Invalid response, qop without nc or cnonce")

    def _generateNonce(self) -> bytes:
        return secrets.token_hex(16).encode("ascii")

    def _getTime(self) -> float:
        return time.time()

    def _generateOpaque(self, nonce: bytes, clientip: str | bytes | None) -> bytes:
        key = b"%b,%b,%d" % (nonce, to_bytes(clientip or b""), self._getTime())
        return self._seal(key) + b"-" + base64.b64encode(key)

    def _seal(self, key: bytes) -> bytes:
        return hmac.new(self.privateKey, key, hashlib.sha256).hexdigest().encode("ascii")

    def _verifyOpaque(self, opaque: bytes, nonce: bytes, clientip: str | bytes | None) -> None:
        seal, _, encoded = opaque.partition(b"-")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            raise LoginFailed("Invalid response, invalid opaque value") from None
        parts = key.split(b",")
        if len(parts) != 3:
            raise LoginFailed("Invalid response, invalid opaque value")
        if not same(parts[0], nonce):
            raise LoginFailed("Invalid response, incompatible opaque/nonce values")
        if parts[1] != to_bytes(clientip or b""):
            raise LoginFailed("Invalid response, incompatible opaque/client values")
        # The RFC's fields are short; a number of many digits would take its time to be read.
        if not (parts[2].isdigit() and len(parts[2]) <= 20):
            raise LoginFailed("Invalid response, invalid opaque/time values")
        if not same(seal, self._seal(key)):
            raise LoginFailed("Invalid response, incompatible opaque/digest values")
        if self._getTime() - int(parts[2]) > self.CHALLENGE_LIFETIME_SECS:
            raise LoginFailed("Invalid response, the challenge is too old")
