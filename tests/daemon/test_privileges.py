"""Whom a daemon becomes. Becoming it for real is in test_runner.py, in a process of its own."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys

import pytest

from plait.daemon import privileges
from plait.daemon.errors import StartError
from plait.daemon.privileges import Identity, find_identity


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "is_root", lambda: True)


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "is_root", lambda: False)


def some_user() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


def unused_uid() -> int:
    return max(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid < 2**31 - 10) + 5


def test_nothing_asked_nothing_changed() -> None:
    assert find_identity(None, None) is None


@pytest.mark.usefixtures("as_root")
def test_a_user_by_name_and_by_number() -> None:
    user = some_user()
    expected = Identity(user.pw_uid, user.pw_gid, tuple(os.getgrouplist("nobody", user.pw_gid)))
    assert find_identity("nobody", None) == expected
    assert find_identity(str(user.pw_uid), None) == expected
    assert find_identity(user.pw_uid, None) == expected


@pytest.mark.usefixtures("as_root")
def test_a_group_by_name_and_by_number() -> None:
    user, group = some_user(), grp.getgrall()[1]
    for words in (group.gr_name, str(group.gr_gid), group.gr_gid):
        found = find_identity("nobody", words)
        assert found is not None
        assert (found.uid, found.gid) == (user.pw_uid, group.gr_gid)
        assert group.gr_gid in found.groups
    alone = find_identity(None, group.gr_gid)
    assert alone == Identity(os.getuid(), group.gr_gid, (group.gr_gid,))


@pytest.mark.usefixtures("as_root")
def test_a_number_that_is_in_no_database() -> None:
    uid = unused_uid()
    with pytest.raises(StartError, match=r"add --gid"):
        find_identity(str(uid), None)
    assert find_identity(str(uid), "54321") == Identity(uid, 54321, (54321,))


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize(
    ("user", "group", "message"),
    [
        ("no such user", None, "there is no user 'no such user'"),
        ("-5", None, "there is no user '-5'"),
        ("", None, "there is no user ''"),
        ("9" * 40, None, "no number of a user"),
        ("nobody", "no such group", "there is no group 'no such group'"),
        ("nobody", "9" * 40, "no number of a group"),
        (None, str(2**32 - 1), "no number of a group"),  # -1 to the system call: leave it as it is
        (str(2**32 - 1), "5", "no number of a user"),
        (-1, 5, "no number of a user"),
    ],
)
def test_unknown_ones(user: str | int | None, group: str | None, message: str) -> None:
    with pytest.raises(StartError, match=message):
        find_identity(user, group)


@pytest.mark.usefixtures("as_user")
def test_a_user_cannot_become_another() -> None:
    with pytest.raises(StartError, match=r"cannot become user 12345 and group 12345: only root"):
        find_identity("12345", "12345")
    with pytest.raises(StartError, match=r"cannot become group 12345: only root"):
        find_identity(None, "12345")


@pytest.mark.usefixtures("as_user")
def test_a_user_may_ask_for_itself() -> None:
    assert find_identity(str(os.getuid()), str(os.getgid())) is None


DROP = """
import os
from plait.daemon.privileges import Identity, drop
drop(Identity(12345, 12346, (12346, 12347)))
print(os.getresuid(), os.getresgid(), sorted(os.getgroups()))
try:
    os.setuid(0)
except PermissionError:
    print("for good")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up: run the tests as root to see this")
def test_rights_are_given_up_for_good() -> None:
    result = subprocess.run([sys.executable, "-c", DROP], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""
    assert result.stdout == f"{(12345,) * 3} {(12346,) * 3} [12346, 12347]\nfor good\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may become anybody: run the tests as a user to see this")
def test_without_rights_a_drop_fails() -> None:
    with pytest.raises(StartError, match="cannot become user 12345"):
        privileges.drop(Identity(12345, 12346, (12346,)))
