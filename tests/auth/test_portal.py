"""The portal: the checker of the right kind is asked, and the realm makes the avatar."""

from __future__ import annotations

import pytest

from plait.auth import (
    ANONYMOUS,
    AllowAnonymousAccess,
    Anonymous,
    IAnonymous,
    IUsernamePassword,
    MemoryChecker,
    Portal,
    UnauthorizedLogin,
    UnhandledCredentials,
)
from plait.deferred import Deferred
from plait.interfaces import implementer

from .helpers import IMailbox, Realm, login, outcome, refused


def make_portal(realm=None):
    return Portal(realm or Realm(), [MemoryChecker({"bob": "secret"}), AllowAnonymousAccess()])


def test_it_lets_in_and_out():
    portal = make_portal()
    interface, avatar, logout = outcome(portal.login(login("bob"), None, IMailbox))
    assert interface is IMailbox and avatar.owner == "bob"
    logout()
    assert portal.realm.gone == ["bob"]
    assert outcome(portal.login(Anonymous(), None, IMailbox))[1].owner is ANONYMOUS


def test_wrong_credentials_and_unknown_users_get_the_same_answer():
    portal = make_portal()
    for credentials in login("bob", "wrong"), login("eve"), login("bob", ""), login("", ""):
        assert refused(outcome(portal.login(credentials, None, IMailbox)))


def test_credentials_that_nobody_handles_are_named():
    portal = Portal(Realm(), [MemoryChecker({})])
    error = outcome(portal.login(Anonymous(), None, IMailbox))
    assert type(error) is UnhandledCredentials and "IAnonymous" in str(error)
    assert "object" in str(outcome(portal.login(object(), None, IMailbox)))


def test_an_interface_that_the_realm_has_not_fails_the_login():
    assert isinstance(outcome(make_portal().login(login("bob"), None)), NotImplementedError)


def test_the_checker_of_the_most_specific_kind_is_asked():
    class IToken(IUsernamePassword):
        pass

    @implementer(IToken)
    class Token:
        username = password = "x"

    portal = Portal(Realm())
    portal.registerChecker(lambda credentials: "general", IUsernamePassword)
    portal.registerChecker(lambda credentials: "special", IToken)
    assert outcome(portal.login(Token(), None, IMailbox))[1].owner == "special"
    assert outcome(portal.login(login("x"), None, IMailbox))[1].owner == "general"
    assert portal.listCredentialsInterfaces() == [IUsernamePassword, IToken]


def test_checker_and_realm_may_be_async_def():
    waiting = Deferred()

    class AsyncRealm(Realm):
        async def requestAvatar(self, avatarId, mind, *interfaces):
            assert mind == "a mind"
            return super().requestAvatar(await waiting, mind, *interfaces)

    async def check(credentials):
        if credentials.checkPassword("secret"):
            return credentials.username
        raise UnauthorizedLogin()

    portal = Portal(AsyncRealm(), [check])
    d = portal.login(login("bob"), "a mind", IMailbox)
    waiting.callback("somebody")
    assert outcome(d)[1].owner == "somebody"
    assert refused(outcome(portal.login(login("bob", "wrong"), "a mind", IMailbox)))


def test_what_is_no_checker_is_said_at_once():
    with pytest.raises(TypeError, match="no requestAvatarId"):
        Portal(Realm(), ["file:/etc/passwd"])


def test_a_checker_can_be_registered_for_some_of_its_kinds():
    portal = Portal(Realm())
    portal.registerChecker(MemoryChecker({}), IUsernamePassword)
    portal.registerChecker(AllowAnonymousAccess())
    assert portal.listCredentialsInterfaces() == [IUsernamePassword, IAnonymous]
