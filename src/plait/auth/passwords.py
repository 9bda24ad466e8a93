"""Hashes of passwords: argon2id, bcrypt and scrypt, in the strings that all programs write them in.

argon2id (RFC 9106) and bcrypt need the extra ``auth``; scrypt (RFC 7914) is in Python. A hash takes its time, on purpose: some
tens of milliseconds. So a program that serves others calls these functions in a thread, as `PasswordFile` does.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Callable
from importlib.util import find_spec
from typing import NamedTuple

from plait.auth.comparing import Text, same, to_bytes

__all__ = ["SCHEMES", "PasswordError", "defaultScheme", "hashPassword", "isHash", "verifyPassword"]

# Nobody's password is longer, and the time to hash one must not be in the hands of whoever sends it.
MAX_PASSWORD = 1024

# bcrypt looks at no more than that.
_BCRYPT_LENGTH = 72

# One of the settings that OWASP's password storage cheat sheet holds to be equal; this one needs 32 MiB for each check.
_SCRYPT_LOG_N, _SCRYPT_R, _SCRYPT_P = 15, 8, 3
_SCRYPT = re.compile(
    r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{1,88})\$([A-Za-z0-9+/]{1,88})", re.ASCII
)


class PasswordError(ValueError):
    """A password cannot be hashed, or a hash not be read; the message says why, and what to do."""


class Scheme(NamedTuple):
    """A way to hash: the hash of a password, and whether a password is that of a hash. Both raise `PasswordError`."""

    prefix: re.Pattern[str]
    module: str
    make: Callable[[bytes], str]
    verify: Callable[[bytes, str], bool]


def hashPassword(password: Text, scheme: str | None = None) -> str:
    """The hash of a password, with a salt of its own, as one line of ASCII without colons.

    :param scheme: ``argon2id``, ``bcrypt`` or ``scrypt``; `defaultScheme` if None.
    :raises PasswordError: if the password is empty or too long, or the scheme is not there.
    """
    data = to_bytes(password)
    chosen = _installed(scheme or defaultScheme())
    if not data:
        raise PasswordError("the password is empty")
    if len(data) > MAX_PASSWORD:
        raise PasswordError(f"the password is longer than {MAX_PASSWORD} bytes")
    return chosen.make(data)


def verifyPassword(password: Text, hash: str) -> bool:
    """Whether `hash` is that of the password.

    :raises PasswordError: if it is the hash of no scheme that is known, or of one that needs the extra ``auth``.
    """
    data = to_bytes(password)
    scheme = _installed(_scheme_of(hash))
    return len(data) <= MAX_PASSWORD and scheme.verify(data, hash)


def defaultScheme() -> str:
    """The scheme for new hashes: argon2id where the extra ``auth`` is there, else scrypt."""
    return "argon2id" if find_spec("argon2") else "scrypt"


def isHash(text: str) -> bool:
    """Whether this has the beginning of a hash of one of the schemes."""
    return any(scheme.prefix.match(text) for scheme in SCHEMES.values())


def _scheme_of(hash: str) -> str:
    for name, scheme in SCHEMES.items():
        if scheme.prefix.match(hash) and hash.isascii():
            return name
    raise PasswordError(f"this is a hash of none of {', '.join(SCHEMES)}")


def _installed(name: str) -> Scheme:
    scheme = SCHEMES.get(name)
    if scheme is None:
        raise PasswordError(f"there is no scheme {name!r}; there are {', '.join(SCHEMES)}")
    if not find_spec(scheme.module):
        raise PasswordError(f"{name} needs the extra auth: pip install 'plait[auth]'")
    return scheme


# -- argon2


def _make_argon2(password: bytes) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def _verify_argon2(password: bytes, hash: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

    try:
        return PasswordHasher().verify(hash, password)
    except VerifyMismatchError:
        return False
    except (InvalidHashError, VerificationError) as error:
        raise PasswordError(f"the argon2 hash is damaged: {error}") from None


# -- bcrypt


def _make_bcrypt(password: bytes) -> str:
    import bcrypt

    if len(password) > _BCRYPT_LENGTH:
        raise PasswordError(f"bcrypt looks at {_BCRYPT_LENGTH} bytes, and the password is longer: use argon2id")
    if b"\0" in password:
        raise PasswordError("bcrypt takes no password with a zero byte")
    return bcrypt.hashpw(password, bcrypt.gensalt()).decode("ascii")


def _verify_bcrypt(password: bytes, hash: str) -> bool:
    import bcrypt

    try:
        # Other programs have made hashes of longer passwords, by their first 72 bytes.
        return bcrypt.checkpw(password[:_BCRYPT_LENGTH], hash.encode("ascii"))
    except ValueError as error:
        raise PasswordError(f"the bcrypt hash is damaged: {error}") from None


# -- scrypt


def _make_scrypt(password: bytes) -> str:
    salt = secrets.token_bytes(16)
    made = _scrypt(password, salt, _SCRYPT_LOG_N, _SCRYPT_R, _SCRYPT_P, 32)
    return f"$scrypt$ln={_SCRYPT_LOG_N},r={_SCRYPT_R},p={_SCRYPT_P}${_encoded(salt)}${_encoded(made)}"


def _verify_scrypt(password: bytes, hash: str) -> bool:
    match = _SCRYPT.fullmatch(hash)
    if match is None:
        raise PasswordError("the scrypt hash is damaged")
    log_n, r, p = (int(number) for number in match.groups()[:3])
    try:
        salt, expected = (base64.b64decode(part + "=" * (-len(part) % 4)) for part in match.groups()[3:])
        return same(_scrypt(password, salt, log_n, r, p, len(expected)), expected)
    except (ValueError, MemoryError, binascii.Error) as error:
        raise PasswordError(f"the scrypt hash is damaged: {error}") from None


def _scrypt(password: bytes, salt: bytes, log_n: int, r: int, p: int, length: int) -> bytes:
    if not 1 <= log_n <= 20:  # a gigabyte; beyond that a damaged line, and not a wish, is likely
        raise ValueError("ln has to be between 1 and 20")
    need = 128 * r * (2**log_n + p + 2)
    return hashlib.scrypt(password, salt=salt, n=2**log_n, r=r, p=p, maxmem=need + 2**20, dklen=length)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode("ascii")


SCHEMES: dict[str, Scheme] = {
    "argon2id": Scheme(re.compile(r"\$argon2(id|i|d)\$"), "argon2", _make_argon2, _verify_argon2),
    "bcrypt": Scheme(re.compile(r"\$2[abxy]\$"), "bcrypt", _make_bcrypt, _verify_bcrypt),
    "scrypt": Scheme(re.compile(r"\$scrypt\$"), "hashlib", _make_scrypt, _verify_scrypt),
}
"""The schemes, by name."""
