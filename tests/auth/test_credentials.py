"""Credentials: what they take for an answer, and what they do not show."""

from __future__ import annotations

import pytest

from plait.auth import (
    Anonymous,
    CramMD5Credentials,
    IAnonymous,
    ISSHPrivateKey,
    IUsernameHashedPassword,
    IUsernamePassword,
    SSHPrivateKey,
    UsernamePassword,
)
from plait.auth.credentials import UsernameHashedPassword
from plait.interfaces import verifyObject


def test_each_is_what_it_says():
    assert verifyObject(IAnonymous, Anonymous())
    assert verifyObject(IUsernamePassword, UsernamePassword(b"bob", b"secret"))
    assert verifyObject(IUsernameHashedPassword, UsernameHashedPassword(b"bob", b"secret"))
    assert verifyObject(IUsernameHashedPassword, CramMD5Credentials())
    assert verifyObject(ISSHPrivateKey, SSHPrivateKey(b"bob", b"ssh-ed25519", b"key", None, None))


def test_text_and_bytes_are_the_same_password():
    assert UsernamePassword("zoë", "gehéim").checkPassword("gehéim".encode())
    assert not UsernamePassword("zoë", "gehéim").checkPassword("geheim")


def test_the_password_is_not_shown():
    assert repr(UsernamePassword("bob", "secret")) == "<UsernamePassword of 'bob'>"


@pytest.mark.parametrize("response", [b"", b" ", b"bob", b"bob ", b"\xff\x00 \xff", b"bob  " + b"0" * 32, b"x" * 10000])
def test_an_answer_that_is_none_is_a_wrong_one(response):
    credentials = CramMD5Credentials()
    credentials.getChallenge()
    credentials.setResponse(response)
    assert not credentials.checkPassword(b"secret")
    assert not credentials.moreChallenges()


def test_each_challenge_is_new_and_names_the_host():
    challenges = {CramMD5Credentials("mail.example").getChallenge() for _ in range(10)}
    assert len(challenges) == 10 and all(challenge.endswith(b"@mail.example>") for challenge in challenges)
