"""Twisted's file of passwords."""

from __future__ import annotations

import os
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.auth import FilePasswordDB, IUsernameHashedPassword, IUsernamePassword, UnauthorizedLogin

from .helpers import login, outcome, refused


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "users"
    path.write_bytes(b"bob:secret\r\nnonsense\n\neve:apple:more\nbob:another\n")
    return path


def test_names_and_passwords(path):
    checker = FilePasswordDB(str(path))
    assert outcome(checker.requestAvatarId(login(b"bob", b"secret"))) == b"bob"
    assert outcome(checker.requestAvatarId(login("eve", "apple"))) == b"eve"
    for user, password in [
        (b"bob", b"another"),
        (b"eve", b"secret"),
        (b"nonsense", b""),
        (b"", b""),
        (b"tim", b"secret"),
    ]:
        assert refused(outcome(checker.requestAvatarId(login(user, password))))
    with pytest.raises(KeyError):
        checker.getUser(b"tim")


def test_without_regard_to_case_the_name_is_that_of_the_file(path):
    checker = FilePasswordDB(path, caseSensitive=False)
    assert outcome(checker.requestAvatarId(login(b"BOB", b"secret"))) == b"bob"


def test_a_hash_is_compared_and_unknown_users_cost_the_same(path):
    asked = []

    async def hashed(user, password, stored):
        asked.append((user, password, stored))
        return password.lower()

    checker = FilePasswordDB(path, hash=hashed)
    assert checker.credentialInterfaces == (IUsernamePassword,)
    assert outcome(checker.requestAvatarId(login(b"eve", b"APPLE"))) == b"eve"
    assert refused(outcome(checker.requestAvatarId(login(b"tim", b"SECRET"))))
    assert asked == [(b"eve", b"APPLE", b"apple"), (b"tim", b"SECRET", b"secret")]
    assert IUsernameHashedPassword in FilePasswordDB(path).credentialInterfaces


def test_a_file_that_cannot_be_read_lets_nobody_in_and_the_log_says_so(tmp_path, logged):
    checker = FilePasswordDB(tmp_path / "gone")
    with pytest.raises(UnauthorizedLogin):
        checker.getUser("bob")
    assert refused(outcome(checker.requestAvatarId(login(b"bob", b"secret"))))
    assert all("gone" in line for line in logged) and len(logged) == 2


@pytest.mark.parametrize("cache", [True, False])
def test_changes_of_the_file_count(path, cache):
    checker = FilePasswordDB(path, cache=cache)
    assert checker.getUser(b"bob") == (b"bob", b"secret")
    assert (checker._load() is checker._load()) is cache
    path.write_bytes(b"bob:changed!\n")
    os.utime(path, ns=(1, 1))
    assert checker.getUser(b"bob") == (b"bob", b"changed!")
    assert pickle.loads(pickle.dumps(checker)).getUser(b"bob") == (b"bob", b"changed!")


@given(st.binary(), st.binary(max_size=1), st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_any_file_can_be_read(content, delim, user, password, case):
    checker = FilePasswordDB("", delim or b":", user, password, case)
    for key, (name, stored) in checker._parse(content).items():
        assert key == name and name in (content if case else content.lower()) and stored in content
