"""Users and groups of the system, and running as one of them: the part of `twisted.python.util` for daemons."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar
from warnings import warn

try:
    import grp
    import pwd
except ImportError:  # Windows has neither
    grp = pwd = None  # type: ignore[assignment]

__all__ = ["gidFromString", "initgroups", "runAsEffectiveUser", "switchUID", "uidFromString"]

_T = TypeVar("_T")

_initgroups: Any = getattr(os, "initgroups", None)
setgroups: Any = getattr(os, "setgroups", None)


def uidFromString(uidString: str) -> int:
    """The number of a user, from a number or a name. Raises `ValueError` where there are no names."""
    try:
        return int(uidString)
    except ValueError:
        if pwd is None:
            raise
        return pwd.getpwnam(uidString).pw_uid


def gidFromString(gidString: str) -> int:
    """The number of a group, from a number or a name. Raises `ValueError` where there are no names."""
    try:
        return int(gidString)
    except ValueError:
        if grp is None:
            raise
        return int(grp.getgrnam(gidString)[2])


def initgroups(uid: int, primaryGid: int | None) -> None:
    """Take all the groups of a user, and another one as well: the present one where that is None.

    Does nothing where there are no groups.
    """
    if pwd is not None:
        _initgroups(pwd.getpwuid(uid).pw_name, os.getgid() if primaryGid is None else primaryGid)


def switchUID(uid: int | None, gid: int | None, euid: bool = False) -> None:
    """Become another user and group, for good, or with ``euid`` only in effect. None leaves one as it is.

    Warns where the program runs as that user already, since then it had perhaps no right to what came before.
    """
    set_user, set_group, get_user = (os.seteuid, os.setegid, os.geteuid) if euid else (os.setuid, os.setgid, os.getuid)
    if gid is not None:
        set_group(gid)
    if uid is None:
        return
    if uid == get_user():
        verb = "seteuid" if euid else "setuid"
        kind = "euid" if euid else "uid"
        warn(
            f"tried to drop privileges and {verb} {uid} but {kind} is already {uid}; should we be root? Continuing.",
            stacklevel=1,
        )
        return
    initgroups(uid, gid)
    set_user(uid)


def runAsEffectiveUser(euid: int, egid: int, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    """Call a function as another user and group, and be the former ones again afterwards."""
    uid, gid = os.geteuid(), os.getegid()
    if (uid, gid) == (euid, egid):
        return function(*args, **kwargs)
    _become(uid, gid, euid, egid)
    try:
        return function(*args, **kwargs)
    finally:
        _become(euid, egid, uid, gid)


def _become(uid: int, gid: int, new_uid: int, new_gid: int) -> None:
    """From one effective user to another. Only root may do that, so the way leads over root."""
    if uid != 0:
        os.seteuid(0)
    if gid != new_gid:
        os.setegid(new_gid)
    if new_uid != 0:
        os.seteuid(new_uid)
