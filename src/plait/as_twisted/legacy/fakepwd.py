"""What `twisted.python.fakepwd` is: databases of users and of their passwords that a test fills, as `pwd` and ``spwd`` are."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ShadowDatabase", "UserDatabase"]


class _UserRecord(NamedTuple):
    """A line of ``/etc/passwd``."""

    pw_name: str
    pw_passwd: str
    pw_uid: int
    pw_gid: int
    pw_gecos: str
    pw_dir: str
    pw_shell: str


class UserDatabase:
    """What `pwd` is, with the users that `addUser` was told of."""

    def __init__(self) -> None:
        self._users: list[_UserRecord] = []

    def addUser(self, username: str, password: str, uid: int, gid: int, gecos: str, home: str, shell: str) -> None:
        """Add a user, with the fields that `pwd` has."""
        self._users.append(_UserRecord(username, password, uid, gid, gecos, home, shell))

    def getpwuid(self, uid: int) -> _UserRecord:
        """The user with a number. Raises `KeyError` where there is none."""
        for user in self._users:
            if user.pw_uid == uid:
                return user
        raise KeyError(f"there is no user with the number {uid}")

    def getpwnam(self, name: str) -> _UserRecord:
        """The user with a name. Raises `KeyError` where there is none."""
        if not isinstance(name, str):
            raise TypeError(f"the name of a user is text, not {name!r}")
        for user in self._users:
            if user.pw_name == name:
                return user
        raise KeyError(f"there is no user {name!r}")

    def getpwall(self) -> list[_UserRecord]:
        """All users."""
        return self._users


class _ShadowRecord(NamedTuple):
    """A line of ``/etc/shadow``."""

    sp_nam: str
    sp_pwd: str
    sp_lstchg: int
    sp_min: int
    sp_max: int
    sp_warn: int
    sp_inact: int
    sp_expire: int
    sp_flag: int

    @property
    def sp_namp(self) -> str:
        """The name, as it was called at first."""
        return self.sp_nam

    @property
    def sp_pwdp(self) -> str:
        """The password, as it was called at first."""
        return self.sp_pwd


class ShadowDatabase:
    """What ``spwd`` was, with the users that `addUser` was told of."""

    def __init__(self) -> None:
        self._users: list[_ShadowRecord] = []

    def addUser(
        self,
        username: str,
        password: str,
        lastChange: int,
        min: int,
        max: int,
        warn: int,
        inact: int,
        expire: int,
        flag: int,
    ) -> None:
        """Add a user: the password, and the days that ``shadow(5)`` has."""
        self._users.append(_ShadowRecord(username, password, lastChange, min, max, warn, inact, expire, flag))

    def getspnam(self, username: str) -> _ShadowRecord:
        """The user with a name. Raises `KeyError` where there is none."""
        if not isinstance(username, str):
            raise TypeError(f"the name of a user is text, not {username!r}")
        for user in self._users:
            if user.sp_nam == username:
                return user
        raise KeyError(f"there is no user {username!r}")

    def getspall(self) -> list[_ShadowRecord]:
        """All users."""
        return self._users
