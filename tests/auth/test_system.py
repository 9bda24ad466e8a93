"""The accounts of the system: with made-up accounts, and a made-up PAM; the real one must at least refuse."""

from __future__ import annotations

import sys
import types
from importlib.util import find_spec

import pytest

from plait.auth import PAMChecker, UnauthorizedLogin, UNIXChecker, system
from plait.auth.system import verifyCryptedPassword

from .helpers import login

needs_crypt = pytest.mark.skipif(not find_spec("crypt"), reason="Python has had no crypt since 3.13")
needs_pam = pytest.mark.skipif(not find_spec("pam"), reason="the extra pam is not installed")


async def refuses(checker, user, password):
    with pytest.raises(UnauthorizedLogin) as raised:
        await checker.requestAvatarId(login(user, password))
    return str(raised.value) == ""


@pytest.fixture
def accounts(monkeypatch):
    """Users in place of those of this machine; what the fakes were asked."""
    crypt, spwd, pwd = (system._module(name) for name in ("crypt", "spwd", "pwd"))
    hashed = crypt.crypt("secret", "$6$saltsalt")
    shadow = {"bob": hashed, "tim": "!" + hashed, "nopass": ""}
    asked = []
    real = crypt.crypt

    def get(name):
        return types.SimpleNamespace(pw_passwd="x" if name in shadow else {}[name])

    monkeypatch.setattr(pwd, "getpwnam", get)
    monkeypatch.setattr(spwd, "getspnam", lambda name: types.SimpleNamespace(sp_pwdp=shadow[name]))
    monkeypatch.setattr(spwd, "getspall", lambda: [types.SimpleNamespace(sp_pwdp=hash) for hash in shadow.values()])
    monkeypatch.setattr(crypt, "crypt", lambda password, salt: asked.append(salt) or real(password, salt))
    return types.SimpleNamespace(asked=asked, hashed=hashed, spwd=spwd)


@needs_crypt
async def test_users_of_the_machine_come_in(accounts):
    checker = UNIXChecker()
    assert await checker.requestAvatarId(login(b"bob", b"secret")) == "bob"
    for user, password in [("bob", "wrong"), ("tim", "secret"), ("nopass", ""), ("eve", "secret")]:
        assert await refuses(checker, user, password)
    assert accounts.asked == [accounts.hashed] * 5, "each costs the same"
    assert await refuses(checker, "bob", b"\xff")
    assert len(accounts.asked) == 5, "what is no text is no password"
    assert await refuses(checker, "bob", "x" * 1000)
    assert await refuses(checker, "bob", "secret\0")
    assert len(accounts.asked) == 5


@needs_crypt
async def test_without_the_right_to_read_the_shadow_file_the_log_says_so(accounts, monkeypatch, logged):
    def denied(*_):
        raise PermissionError("no")

    monkeypatch.setattr(accounts.spwd, "getspnam", denied)
    monkeypatch.setattr(accounts.spwd, "getspall", denied)
    assert await refuses(UNIXChecker(), "bob", "secret")
    assert len(logged) == 1 and "takes root" in logged[0] and len(accounts.asked) == 1


@needs_crypt
def test_a_crypted_password():
    crypted = system._module("crypt").crypt("secret", "$6$saltsalt")
    assert verifyCryptedPassword(crypted, "secret") and verifyCryptedPassword(crypted.encode(), b"secret")
    for wrong in "*", "", "$x", crypted + "x", b"\xff":
        assert not verifyCryptedPassword(wrong, "secret")


def test_where_python_has_no_crypt_that_is_said_at_the_start(monkeypatch):
    monkeypatch.setattr(system, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"3\.13"):
        UNIXChecker()
    with pytest.raises(ValueError, match=r"plait\[pam\]"):
        PAMChecker()


async def test_pam_is_asked_for_the_service_and_changes_nothing(monkeypatch):
    asked = []

    def authenticate(name, password, **options):
        asked.append((name, password, options))
        return password == b"secret"

    monkeypatch.setitem(sys.modules, "pam", types.SimpleNamespace(authenticate=authenticate, __spec__=object()))
    checker = PAMChecker("mail")
    assert await checker.requestAvatarId(login(b"bob", b"secret")) == "bob"
    assert await refuses(checker, "bob", b"\xff")
    assert await refuses(checker, "bob", "wrong")
    assert asked[0] == ("bob", b"secret", {"service": "mail", "resetcreds": False})


@needs_pam
async def test_the_real_pam_refuses_who_is_nobody():
    assert await refuses(PAMChecker(), "nobody-of-this-name", "secret")
