"""Giving up root's rights: who to become, becoming it, and seeing that there is no way back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from plait.daemon.errors import StartError, reason

if sys.platform != "win32":
    import grp
    import pwd


@dataclass(frozen=True)
class Identity:
    """A user, its group, and the further groups that it is in, all by number."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def is_root() -> bool:
    """Whether this process has rights to give up."""
    return sys.platform != "win32" and os.geteuid() == 0


def find_identity(user: str | int | None, group: str | int | None) -> Identity | None:
    """The identity that `user` and `group` (names or numbers) describe; None if there is nothing to change.

    Without a group it is the user's own, without a user the user stays. StartError if one does not exist, or if
    this process has not the right to become it.
    """
    if user is None and group is None:
        return None
    if sys.platform == "win32":
        raise StartError("this platform cannot change the user of a process: leave out --uid and --gid")
    name: str | None = None
    uid = os.getuid()
    gid: int | None = None
    if user is not None:
        entry = _find_user(user)
        if isinstance(entry, int):
            uid = entry
        else:
            name, uid, gid = entry.pw_name, entry.pw_uid, entry.pw_gid
    if group is not None:
        gid = _find_group(group)
    if gid is None:
        raise StartError(f"user {uid} has no entry in the user database, so its group is not known: add --gid")
    if (uid, gid) == (os.getuid(), os.getgid()) and not is_root():
        return None
    if not is_root():
        raise StartError(
            f"cannot become {_words(user, group)}: only root can change user and group. Start as root, or leave out "
            "--uid and --gid"
        )
    groups = os.getgrouplist(name, gid) if name is not None else [gid]
    return Identity(uid, gid, tuple(groups))


def drop(identity: Identity, effective: bool = False) -> None:
    """Become `identity`, for good. StartError if that does not work, or if the rights could be had back.

    With `effective` only the effective user and group are changed: the process can become root again, and nothing keeps it
    from that but its own code.
    """
    if sys.platform == "win32":
        raise StartError("this platform cannot change the user of a process")
    try:
        # Groups first: the right to change them goes with the user.
        os.setgroups(identity.groups)
        (os.setegid if effective else os.setgid)(identity.gid)
        (os.seteuid if effective else os.setuid)(identity.uid)
    except OSError as error:
        raise StartError(f"cannot become user {identity.uid} and group {identity.gid}: {reason(error)}") from error
    users = {os.geteuid()} if effective else {os.getuid(), os.geteuid()}
    groups = {os.getegid()} if effective else {os.getgid(), os.getegid()}
    extra = set(os.getgroups()) - {identity.gid, *identity.groups}
    if users != {identity.uid} or groups != {identity.gid} or (extra and sys.platform == "linux"):
        raise StartError(f"after giving up root's rights the process still has users {users}, groups {groups | extra}")
    if identity.uid != 0 and not effective:
        try:
            os.setuid(0)
        except PermissionError:
            return
        raise StartError("root's rights could be had back after they had been given up; not running like this")


@contextmanager
def acting_as(uid: int, gid: int) -> Iterator[None]:
    """Do something with the rights of a user, if this process is root and the user is not. OSError if that cannot be."""
    if sys.platform == "win32" or not is_root() or uid == 0:
        yield
        return
    groups, group, user = os.getgroups(), os.getegid(), os.geteuid()
    try:
        os.setgroups([gid])
        os.setegid(gid)
        os.seteuid(uid)
        yield
    finally:
        os.seteuid(user)
        os.setegid(group)
        os.setgroups(groups)


def change_root(folder: str) -> None:
    """Make `folder` the root folder of this process, and its current one. StartError if that cannot be."""
    if not is_root():
        raise StartError(f"cannot make {folder} the root folder: only root can. Start as root, or leave out --chroot")
    try:
        os.chroot(folder)
        os.chdir("/")
    except OSError as error:
        raise StartError(f"cannot make {folder} the root folder: {reason(error)}") from error


def _find_user(user: str | int) -> pwd.struct_passwd | int:
    if isinstance(user, str):
        try:
            return pwd.getpwnam(user)
        except KeyError:
            if not _is_number(user):
                raise StartError(f"there is no user {user!r} on this machine: see --uid") from None
    uid = _checked(int(user), "user", "--uid")
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return uid


def _find_group(group: str | int) -> int:
    if isinstance(group, str):
        try:
            return grp.getgrnam(group).gr_gid
        except KeyError:
            if not _is_number(group):
                raise StartError(f"there is no group {group!r} on this machine: see --gid") from None
    return _checked(int(group), "group", "--gid")


def _checked(number: int, what: str, option: str) -> int:
    # The largest number, -1 to the system calls, means "leave it as it is" to some of them.
    if not 0 <= number < 2**32 - 1:
        raise StartError(f"{number} is no number of a {what}: see {option}")
    return number


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _words(user: str | int | None, group: str | int | None) -> str:
    return " and ".join(f"{what} {who}" for what, who in (("user", user), ("group", group)) if who is not None)
