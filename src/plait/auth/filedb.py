"""Twisted's file of passwords: one user on each line, the fields between delimiters.

Passwords are in the clear unless a hash is given.
`plait.auth.files` has the file for new programs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from plait.auth.checkers import check_password
from plait.auth.comparing import Text, same, to_bytes
from plait.auth.errors import UnauthorizedLogin
from plait.auth.interfaces import ICredentialsChecker, IUsernameHashedPassword, IUsernamePassword
from plait.deferred import Deferred, maybeDeferred
from plait.interfaces import implementer
from plait.log import Logger

__all__ = ["FilePasswordDB"]

_log = Logger("plait.auth")

Table = dict[bytes, tuple[bytes, bytes]]


@implementer(ICredentialsChecker)
class FilePasswordDB:
    """Users with passwords in a file.

    :param filename: the file. If it cannot be read, nobody comes in, and the log says why.
    :param delim: what stands between the fields of a line.
    :param usernameField: which field is the name, counted from 0.
    :param passwordField: which field is the password.
    :param caseSensitive: whether ``Bob`` and ``bob`` are two; if not, names are turned to lower case.
    :param hash: ``hash(username, password, stored)``, all bytes, gives for a password in the clear what has to be in the file;
        it may be ``async def``. Without it, passwords are in the file as they are compared.
    :param cache: keep what is in the file until it changes.

    The avatar id is the name as it is in the file, as bytes.
    """

    def __init__(
        self,
        filename: Any,
        delim: bytes = b":",
        usernameField: int = 0,
        passwordField: int = 1,
        caseSensitive: bool = True,
        hash: Callable[[bytes, bytes, bytes], Any] | None = None,
        cache: bool = False,
    ) -> None:
        self.filename = filename
        self.delim = delim
        self.ufield = usernameField
        self.pfield = passwordField
        self.caseSensitive = caseSensitive
        self.hash = hash
        self.cache = cache
        self._table: Table = {}
        self._read: tuple[int, int, int] | None = None
        # With hashes in the file, a proof of the password that was sent in its place cannot be checked.
        self.credentialInterfaces: tuple[Any, ...] = (
            (IUsernamePassword,) if hash is not None else (IUsernamePassword, IUsernameHashedPassword)
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_table": {}, "_read": None}

    def getUser(self, username: Text) -> tuple[bytes, bytes]:
        """Name and password as they are in the file.

        :raises KeyError: if there is no such user.
        :raises plait.auth.errors.UnauthorizedLogin: if the file cannot be read.
        """
        return self._load()[self._key(to_bytes(username))]

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """The name, as it is in the file."""
        return maybeDeferred(self._check, credentials)

    def _check(self, credentials: Any) -> Deferred[Any]:
        table = self._load()
        known = table.get(self._key(to_bytes(credentials.username)))
        # For a user who is not there, the same work is done with what the first of the file has.
        name, stored = known or (None, next(iter(table.values()), (b"", b""))[1])
        if self.hash is None:
            return check_password(credentials, stored, name)
        d = maybeDeferred(self.hash, to_bytes(credentials.username), to_bytes(credentials.password), stored)

        def hashed(made: Any) -> bytes:
            if name is None or made is None or not same(made, stored):
                raise UnauthorizedLogin()
            return name

        return d.addCallback(hashed)

    def _key(self, name: bytes) -> bytes:
        return name if self.caseSensitive else name.lower()

    def _load(self) -> Table:
        try:
            with open(self.filename, "rb") as file:
                status = os.fstat(file.fileno())
                state = (status.st_mtime_ns, status.st_size, status.st_ino)
                if self.cache and state == self._read:
                    return self._table
                table = self._parse(file.read())
        except OSError as error:
            _log.error("nobody can log in: cannot read {path}: {error}", path=self.filename, error=error)
            raise UnauthorizedLogin() from None
        if self.cache:
            self._table, self._read = table, state
        return table

    def _parse(self, content: bytes) -> Table:
        table: Table = {}
        for line in content.split(b"\n"):
            fields = line.rstrip(b"\r").split(self.delim)
            if len(fields) > max(self.ufield, self.pfield):
                name = self._key(fields[self.ufield])
                table.setdefault(name, (name, fields[self.pfield]))
        return table
