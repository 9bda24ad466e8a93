"""A file of users and the hashes of their passwords, which ``plait passwd`` writes.

Each line is ``user:hash``, with what may follow behind another colon left alone; empty lines, and lines that begin with
``#``, say nothing. That is the form of ``htpasswd`` as well, of whose hashes bcrypt is known here (``htpasswd -B``). A hash
that cannot be, such as ``!``, closes the account.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from typing import Any

from plait.auth.checkers import name_of
from plait.auth.comparing import to_bytes
from plait.auth.errors import LoginDenied, UnauthorizedLogin
from plait.auth.interfaces import ICredentialsChecker, IUsernamePassword
from plait.auth.passwords import PasswordError, isHash, verifyPassword
from plait.auth.threads import CheckThreads
from plait.deferred import Deferred, maybeDeferred
from plait.deferred.filelock import FilesystemLock
from plait.interfaces import implementer
from plait.log import Logger

__all__ = ["FileChecker", "PasswordFileError", "checkName", "readUsers", "removeUser", "setHash"]

_log = Logger("plait.auth")

Path = str | os.PathLike[str]


class PasswordFileError(ValueError):
    """A password file, or a name for one, is not as it has to be; the message says where, and what to do."""


def checkName(user: str) -> None:
    """Raise `PasswordFileError` if this can be no user's name: it is empty, long, or has a colon or what cannot be printed."""
    if not user or ":" in user or user.startswith("#") or user != user.strip() or not user.isprintable():
        raise PasswordFileError(
            f"{user!r} is no name for a user: it has to be printable, without colons, blanks around it or # before it"
        )
    if len(user) > 255:
        raise PasswordFileError("the name of the user is longer than 255 characters")


def parseUsers(content: bytes) -> dict[str, str]:
    """The hashes, by user. `PasswordFileError` if a line is none."""
    users: dict[str, str] = {}
    for number, line in enumerate(_lines(content), 1):
        if not _says_something(line):
            continue
        user, colon, rest = line.partition(":")
        if not colon:
            raise PasswordFileError(f"line {number} is not user:hash")
        if user in users:
            raise PasswordFileError(f"line {number}: {user!r} is in the file twice")
        users[user] = rest.partition(":")[0]
    return users


def readUsers(path: Path) -> dict[str, str]:
    """The hashes in a file, by user. Raises OSError, or `PasswordFileError` if a line is none."""
    with open(path, "rb") as file:
        return parseUsers(file.read())


def setHash(path: Path, user: str, hash: str) -> bool:
    """Give a user this hash, in a file that is made if there is none. Whether the user is new.

    The file is replaced as a whole, and has the mode 0600 afterwards; its owner remains, and so does all else that is in it.
    Raises OSError and `PasswordFileError`.
    """
    checkName(user)

    def change(lines: list[str]) -> bool:
        for number, line in enumerate(lines):
            name, _, rest = line.partition(":")
            if _says_something(line) and name == user:
                lines[number] = ":".join([user, hash, *rest.split(":")[1:]])
                return False
        lines.append(f"{user}:{hash}")
        return True

    return _edit(path, change)


def removeUser(path: Path, user: str) -> bool:
    """Take a user out of a file, as `setHash` changes it. Whether there was one. Raises OSError and `PasswordFileError`."""

    def change(lines: list[str]) -> bool:
        kept = [line for line in lines if not (_says_something(line) and line.partition(":")[0] == user)]
        found = len(kept) < len(lines)
        lines[:] = kept
        return found

    return _edit(path, change, make=False)


def _lines(content: bytes) -> list[str]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise PasswordFileError("it is not in UTF-8") from None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _edit(path: Path, change: Callable[[list[str]], bool], make: bool = True) -> bool:
    target = os.path.realpath(path)  # a link stays one
    lock = FilesystemLock(f"{target}.lock")
    if not lock.lock():
        raise PasswordFileError(f"it is being changed by another process, which holds {target}.lock")
    try:
        status: os.stat_result | None = None
        lines: list[str] = []
        try:
            with open(target, "rb") as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise PasswordFileError("it is no regular file")
                content = file.read()
        except FileNotFoundError:
            if not make:
                raise
        else:
            parseUsers(content)  # what cannot be read is not written anew
            lines = _lines(content)
        result = change(lines)
        _replace(target, "".join(f"{line}\n" for line in lines).encode("utf-8"), status)
        return result
    finally:
        lock.unlock()


def _replace(target: str, content: bytes, old: os.stat_result | None) -> None:
    """Put a file with this content in the place of the old one, so that at each moment one of the two is there, whole."""
    descriptor, written = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}.")
    try:
        with open(descriptor, "wb") as file:  # mkstemp makes it with the mode 0600
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            made = os.fstat(file.fileno())
            if old is not None and (old.st_uid, old.st_gid) != (made.st_uid, made.st_gid):
                # A service that has given up its rights owns the file that it reads.
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
        os.replace(written, target)
    except BaseException:
        os.unlink(written)
        raise


@implementer(ICredentialsChecker)
class FileChecker:
    """Users with hashes of passwords in a file, see above. The avatar id is the name as str.

    What changes in the file counts at the next login. Reading and hashing are done in the reactor's threads. For a user who
    is not there, the password is verified with the first hash of the file: that takes the same time, if all hashes are of one
    kind. If the file cannot be read, the log says why, and logins fail with `LoginDenied`.

    :param path: the file.
    """

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = CheckThreads()
        self._known: tuple[Any, dict[str, str]] | None = None

    def requestAvatarId(self, credentials: Any) -> Deferred[str]:
        """The name, as str."""

        def checked(good: bool) -> str:
            if not good:
                raise UnauthorizedLogin()
            return name

        try:
            name = name_of(credentials)
        except UnauthorizedLogin:
            name = ""  # nobody's, and looked up all the same
        return maybeDeferred(self._threads.call, self._verify, name, to_bytes(credentials.password)).addCallback(
            checked
        )

    def _verify(self, name: str, password: bytes) -> bool:
        """In a thread: whether this is the user's password."""
        try:
            users = self._users()
        except (OSError, PasswordFileError) as error:
            _log.error("nobody can log in: the password file {path}: {error}", path=self.path, error=error)
            raise LoginDenied("the password file cannot be read") from None
        hash = users.get(name)
        if hash is not None and isHash(hash):
            try:
                return verifyPassword(password, hash)
            except PasswordError as error:
                _log.error("{user} cannot log in: {path}: {error}", user=name, path=self.path, error=error)
        self._pretend(password, users)
        return False

    def _pretend(self, password: bytes, users: dict[str, str]) -> None:
        """Take the time of a user who is there."""
        for hash in users.values():
            if isHash(hash):
                try:
                    verifyPassword(password, hash)
                except PasswordError:
                    continue
                return

    def _users(self) -> dict[str, str]:
        with open(self.path, "rb") as file:
            status = os.fstat(file.fileno())
            state = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._known
            if known is None or known[0] != state:
                known = self._known = (state, parseUsers(file.read()))
        return known[1]
