"""The accounts of the operating system: by the shadow file, where Python can read it, and by PAM.

Python's modules ``crypt`` and ``spwd`` went with Python 3.13. `UNIXChecker` needs them and says so when it is made; `PAMChecker`
needs the extra ``pam``, works with each Python, and is the better way in any case: it also knows of accounts that have
expired, and of users who are in a directory.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from plait.auth.checkers import name_of
from plait.auth.comparing import same, to_bytes
from plait.auth.errors import UnauthorizedLogin
from plait.auth.interfaces import ICredentialsChecker, IUsernamePassword
from plait.auth.threads import CheckThreads
from plait.deferred import Deferred, maybeDeferred
from plait.interfaces import implementer
from plait.log import Logger

__all__ = ["PAMChecker", "UNIXChecker", "verifyCryptedPassword"]

_log = Logger("plait.auth")

# What no crypt() accepts is no password: these longer ones are not hashed, as that would only cost time.
_MAX_PASSWORD = 512


def _module(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it goes is said above
        return import_module(name)


def verifyCryptedPassword(crypted: str | bytes, pw: str | bytes) -> bool:
    """Whether `crypted`, out of a shadow file, is that of a password. False if crypt(3) cannot tell."""
    try:
        hashed, password = to_bytes(crypted).decode("utf-8"), to_bytes(pw).decode("utf-8")
        made = _module("crypt").crypt(password, hashed)
    except (
        OSError,
        ValueError,
    ):  # a method that this system has not; a zero byte; no UTF-8, of which crypt() makes a hash
        return False
    return isinstance(made, str) and same(made, hashed)


class _SystemChecker:
    """Asks the system in a thread, with the name as str, which is the avatar id."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self) -> None:
        self._threads = CheckThreads()

    def requestAvatarId(self, credentials: Any) -> Deferred[str]:
        """The name, as str."""
        return maybeDeferred(self._ask, credentials)

    def _ask(self, credentials: Any) -> Deferred[str]:
        name = name_of(credentials)
        password = to_bytes(credentials.password)

        def checked(good: bool) -> str:
            if not good:
                raise UnauthorizedLogin()
            return name

        if len(password) > _MAX_PASSWORD or "\0" in name or b"\0" in password:
            raise UnauthorizedLogin()
        return self._threads.call(self._verify, name, password).addCallback(checked)

    def _verify(self, name: str, password: bytes) -> bool:
        raise NotImplementedError


@implementer(ICredentialsChecker)
class UNIXChecker(_SystemChecker):
    """Users of this machine, by their passwords in /etc/shadow (or /etc/passwd), which only root can read.

    :raises ValueError: where Python has no ``crypt``: from 3.13 on, and on Windows.
    """

    def __init__(self) -> None:
        super().__init__()
        if not (find_spec("crypt") and find_spec("pwd") and find_spec("spwd")):
            raise ValueError("this Python has no crypt and spwd (they went with 3.13): use pam, or a file of hashes")

    def _verify(self, name: str, password: bytes) -> bool:
        hashed = self._hash_of(name)
        if hashed is not None:
            return verifyCryptedPassword(hashed, password)
        # The same work for who is not there, or may not log in, as for who is.
        verifyCryptedPassword(self._any_hash(), password)
        return False

    def _hash_of(self, name: str) -> str | None:
        try:
            hashed: str = _module("pwd").getpwnam(name).pw_passwd
            if hashed == "x":
                hashed = _module("spwd").getspnam(name).sp_pwdp
        except KeyError:
            return None
        except PermissionError as error:
            _log.error("nobody can log in: cannot read the shadow file, which takes root: {error}", error=error)
            return None
        # "", "*", "!..." let nobody in: an account without a password is for the console, not for the network.
        return hashed if hashed and hashed[0] not in "*!" else None

    def _any_hash(self) -> str:
        try:
            for entry in _module("spwd").getspall():
                if entry.sp_pwdp.startswith("$"):
                    return str(entry.sp_pwdp)
        except OSError:
            pass
        return str(_module("crypt").mksalt())


@implementer(ICredentialsChecker)
class PAMChecker(_SystemChecker):
    """Whoever PAM lets in. Its modules take care that unknown users and wrong passwords look the same.

    :param service: the file in /etc/pam.d that says how; as a name of your own, write that file.
    :raises ValueError: without the extra ``pam``.
    """

    def __init__(self, service: str = "login") -> None:
        super().__init__()
        if not find_spec("pam"):
            raise ValueError("pam needs the extra of that name, on Linux: pip install 'plait[pam]'")
        self.service = service

    def _verify(self, name: str, password: bytes) -> bool:
        import pam  # type: ignore[import-untyped]

        # resetcreds is for programs that become the user.
        return bool(pam.authenticate(name, password, service=self.service, resetcreds=False))
