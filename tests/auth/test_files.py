"""The file of hashes: what is read, what is written, and who comes in."""

from __future__ import annotations

import os
import stat

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.auth import FileChecker, LoginDenied, PasswordFileError, UnauthorizedLogin, files
from plait.auth.files import checkName, parseUsers, readUsers, removeUser, setHash

from .helpers import login


@pytest.fixture(scope="module")
def secret():
    """A hash that costs little."""
    return bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()


@pytest.fixture
def path(tmp_path, secret):
    path = tmp_path / "users"
    path.write_text(f"# who may come in\n\nbob:{secret}:an office\ntim:!\nzoë:{secret}\n", encoding="utf-8")
    return path


async def test_users_come_in(path):
    checker = FileChecker(path)
    assert await checker.requestAvatarId(login(b"bob", b"secret")) == "bob"
    assert await checker.requestAvatarId(login("zoë")) == "zoë"
    for user, password in [
        ("bob", "wrong"),
        ("bob", ""),
        ("tim", "!"),
        ("eve", "secret"),
        ("", ""),
        (b"\xff", "secret"),
    ]:
        with pytest.raises(UnauthorizedLogin) as raised:
            await checker.requestAvatarId(login(user, password))
        assert str(raised.value) == ""


async def test_an_unknown_user_and_a_closed_account_cost_a_hash(path, monkeypatch):
    verified = []
    real = files.verifyPassword
    monkeypatch.setattr(files, "verifyPassword", lambda *arguments: verified.append(arguments) or real(*arguments))
    for user in "eve", "tim", "bob", b"\xff":
        with pytest.raises(UnauthorizedLogin):
            await FileChecker(path).requestAvatarId(login(user, "wrong"))
    hash = readUsers(path)["bob"]
    assert verified == [(b"wrong", hash)] * 4
    with pytest.raises(UnauthorizedLogin):  # the right password, and yet nobody
        await FileChecker(path).requestAvatarId(login("eve", "secret"))


async def test_it_is_checked_in_another_thread(path, monkeypatch):
    import threading

    threads = []
    monkeypatch.setattr(files, "verifyPassword", lambda *_: threads.append(threading.current_thread()) or True)
    await FileChecker(path).requestAvatarId(login("bob"))
    assert threads and threads[0] is not threading.main_thread()


async def test_a_change_counts_at_the_next_login(path, secret):
    checker = FileChecker(path)
    with pytest.raises(UnauthorizedLogin):
        await checker.requestAvatarId(login("eve"))
    setHash(path, "eve", secret)
    assert await checker.requestAvatarId(login("eve")) == "eve"
    removeUser(path, "eve")
    with pytest.raises(UnauthorizedLogin):
        await checker.requestAvatarId(login("eve"))


async def test_a_file_that_cannot_be_read_denies_all_and_is_in_the_log(path, logged):
    for content in (b"bob\n", b"\xff:x\n", b"bob:x\nbob:y\n", None):
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(LoginDenied):
            await FileChecker(path).requestAvatarId(login("bob"))
    assert ["line 1" in logged[0], "UTF-8" in logged[1], "twice" in logged[2], "No such file" in logged[3]] == [
        True
    ] * 4


async def test_a_damaged_hash_closes_one_account_and_is_in_the_log(path, logged, secret):
    setHash(path, "eve", "$scrypt$nonsense")
    with pytest.raises(UnauthorizedLogin):
        await FileChecker(path).requestAvatarId(login("eve"))
    assert await FileChecker(path).requestAvatarId(login("bob")) == "bob"
    assert len(logged) == 1 and "eve" in logged[0] and "damaged" in logged[0]


async def test_more_logins_than_can_be_checked_are_denied(path):
    checker = FileChecker(path)
    checker._threads.limit = 1
    first = checker.requestAvatarId(login("bob"))
    with pytest.raises(LoginDenied, match="too many at once"):
        await checker.requestAvatarId(login("bob"))
    assert await first == "bob"
    assert await checker.requestAvatarId(login("bob")) == "bob"


def test_a_file_is_made_and_the_rest_of_it_is_left_alone(path, tmp_path):
    new = tmp_path / "new"
    assert setHash(new, "bob", "!") and new.read_bytes() == b"bob:!\n"
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert not setHash(path, "bob", "x")
    assert setHash(path, "eve", "y")
    assert removeUser(path, "tim") and not removeUser(path, "tim")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[:3] == ["# who may come in", "", "bob:x:an office"] and lines[-1] == "eve:y" and len(lines) == 5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["new", "users"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_remains(path):
    os.chown(path, 12345, 23456)
    setHash(path, "eve", "y")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_link_stays_one(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    setHash(link, "eve", "y")
    assert link.is_symlink() and readUsers(path)["eve"] == "y"


def test_what_cannot_be_written_leaves_the_file_as_it_was(path, tmp_path, monkeypatch):
    before = path.read_bytes()

    def broken(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(files.os, "fsync", broken)
    with pytest.raises(OSError, match="full"):
        setHash(path, "eve", "y")
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["users"]


def test_two_do_not_change_it_at_the_same_time(path):
    os.symlink(str(os.getpid()), f"{path}.lock")
    with pytest.raises(PasswordFileError, match="another process"):
        setHash(path, "eve", "y")
    assert "eve" not in readUsers(path)


@pytest.mark.parametrize("user", ["", "a:b", "#a", " a", "a\n", "a\0", "x" * 256, "a\u2028b", "a\ud800"])
def test_what_is_no_name(user, path):
    with pytest.raises(PasswordFileError):
        setHash(path, user, "y")


def test_a_missing_file_has_nobody_to_take_out(tmp_path):
    with pytest.raises(FileNotFoundError):
        removeUser(tmp_path / "gone", "bob")
    assert os.listdir(tmp_path) == []


@given(st.binary())
def test_any_content_is_read_or_refused(content):
    try:
        users = parseUsers(content)
    except PasswordFileError:
        return
    assert all(f"{user}:{hash}" in content.decode() for user, hash in users.items())


NAMES = st.text(max_size=10)


@given(st.dictionaries(NAMES, st.sampled_from(["!", "$2b$x"]), max_size=5), NAMES)
def test_what_is_written_is_what_is_read(tmp_path_factory, users, gone):
    path = tmp_path_factory.mktemp("given") / "users"
    kept = {}
    for user, hash in users.items():
        try:
            checkName(user)
        except PasswordFileError:
            continue
        setHash(path, user, hash)
        kept[user] = hash
    if kept:
        assert removeUser(path, gone) is (kept.pop(gone, None) is not None)
        assert readUsers(path) == kept
