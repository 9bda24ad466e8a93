"""Hashes of passwords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.auth import PasswordError, hashPassword, passwords, verifyPassword
from plait.auth.passwords import SCHEMES, defaultScheme, isHash


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_password_is_that_of_its_hash_alone(scheme):
    hash = hashPassword("gehéim", scheme)
    assert isHash(hash) and hash.isascii() and not set(hash) & set(":\n ")
    assert verifyPassword("gehéim".encode(), hash)
    assert not verifyPassword("geheim", hash) and not verifyPassword("", hash)
    assert hash != hashPassword("gehéim", scheme)


@pytest.mark.parametrize(
    "hash",
    [  # made by argon2 (the command), htpasswd -B, and passlib
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CHANGED",
        "$2y$05$short",
        "$scrypt$ln=99,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=0,r=8,p=1$AAAA$AAAA",
        "$scrypt$ln=4,r=8,p=1$A$AAAA",
        "$scrypt$",
        "$1$md5$crypt",
        "!",
        "",
    ],
)
def test_a_hash_that_is_none_is_an_error(hash):
    with pytest.raises(PasswordError):
        verifyPassword("secret", hash)


def test_the_vector_of_rfc_7914():
    made = passwords._scrypt(b"password", b"NaCl", 10, 8, 16, 64)
    assert made.hex().startswith("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162")


def test_hashes_of_other_programs():
    assert verifyPassword("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")  # crypt_blowfish
    assert verifyPassword(
        "password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    )


@pytest.mark.parametrize(
    ("password", "scheme", "said"),
    [
        ("", "scrypt", "empty"),
        ("x" * 1025, "scrypt", "longer than 1024"),
        ("x" * 73, "bcrypt", "use argon2id"),
        ("a\0b", "bcrypt", "zero byte"),
        ("secret", "md5", "there are argon2id, bcrypt, scrypt"),
    ],
)
def test_what_cannot_be_hashed_is_said(password, scheme, said):
    with pytest.raises(PasswordError, match=said):
        hashPassword(password, scheme)


def test_a_password_of_any_length_costs_no_more_than_the_longest():
    hash = hashPassword("secret", "scrypt")
    assert not verifyPassword("x" * 1_000_000, hash)


def test_bcrypt_looks_at_72_bytes_as_elsewhere():
    hash = hashPassword("x" * 72, "bcrypt")
    assert verifyPassword("x" * 80, hash) and not verifyPassword("x" * 71, hash)


def test_without_the_extra_scrypt_is_what_there_is(monkeypatch):
    hash = hashPassword("secret", "argon2id")
    monkeypatch.setattr(passwords, "find_spec", lambda name: name == "hashlib" or None)
    assert defaultScheme() == "scrypt"
    for call in (lambda: hashPassword("secret", "bcrypt"), lambda: verifyPassword("secret", hash)):
        with pytest.raises(PasswordError, match=r"pip install 'plait\[auth\]'"):
            call()


@given(st.sampled_from(["$argon2id$", "$2b$", "$scrypt$ln=1,r=1,p=1$", ""]), st.text(max_size=80))
def test_no_hash_raises_anything_else(start, rest):
    try:
        verifyPassword("secret", start + rest)
    except PasswordError:
        pass
