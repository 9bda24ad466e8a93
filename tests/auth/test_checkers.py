"""Checkers in memory, functions as checkers, chains."""

from __future__ import annotations

import pytest

from plait.auth import (
    ANONYMOUS,
    AllowAnonymousAccess,
    Anonymous,
    CallableChecker,
    ChainChecker,
    CramMD5Credentials,
    IAnonymous,
    ICredentialsChecker,
    InMemoryUsernamePasswordDatabaseDontUse,
    IUsernameHashedPassword,
    IUsernamePassword,
    LoginDenied,
    MemoryChecker,
    UnhandledCredentials,
)
from plait.deferred import maybeDeferred, succeed
from plait.interfaces import verifyObject

from .helpers import login, outcome, refused

CHECKERS = [
    AllowAnonymousAccess(),
    CallableChecker(print),
    ChainChecker([]),
    InMemoryUsernamePasswordDatabaseDontUse(),
    MemoryChecker({}),
]


def ask(checker, credentials):
    return outcome(maybeDeferred(checker.requestAvatarId, credentials))


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: type(checker).__name__)
def test_each_is_a_checker(checker):
    assert verifyObject(ICredentialsChecker, checker)


@pytest.mark.parametrize(("user", "password"), [("zoë", "gehéim"), ("zoë".encode(), "gehéim".encode())])
def test_memory_takes_bytes_and_str(user, password):
    checker = MemoryChecker({"zoë": "gehéim"})
    assert ask(checker, login(user, password)) == "zoë"
    assert refused(ask(checker, login(user, password[:-1])))


@pytest.mark.parametrize("user", [b"\xff", "\udcff", None, 7, b""])
def test_a_name_that_is_no_text_is_nobodys(user):
    assert refused(ask(MemoryChecker({"bob": "secret"}), login(user)))


def test_memory_changes():
    checker = MemoryChecker({})
    checker.setPassword("bob", b"secret")
    assert ask(checker, login("bob")) == "bob"
    checker.removeUser("bob")
    assert refused(ask(checker, login("bob")))


def test_memory_checks_proofs():
    credentials = CramMD5Credentials("here")
    checker = MemoryChecker({"tim": "tanstaaftanstaaf"})
    credentials.challenge = b"<1896.697170952@postoffice.reston.mci.net>"  # the example of RFC 2195
    credentials.setResponse(b"tim b913a602c7eda7a495b4e6e7334d3890")
    assert ask(checker, credentials) == "tim"
    credentials.setResponse(b"tim b913a602c7eda7a495b4e6e7334d3891")
    assert refused(ask(checker, credentials))


def test_the_database_of_old_programs_has_its_names_in_bytes():
    checker = InMemoryUsernamePasswordDatabaseDontUse(bob=b"secret")
    checker.addUser(b"eve", b"apple")
    assert ask(checker, login(b"bob", b"secret")) == b"bob"
    assert ask(checker, login(b"eve", b"apple")) == b"eve"
    assert refused(ask(checker, login("bob", b"secret")))
    assert refused(ask(checker, login(b"", b"")))


@pytest.mark.parametrize("nobody", [None, False, True])
def test_a_function_that_says_nobody_lets_nobody_in(nobody):
    assert refused(ask(CallableChecker(lambda credentials: nobody), login("bob")))
    assert ask(CallableChecker(lambda credentials: succeed(ANONYMOUS)), login("bob")) is ANONYMOUS


def test_a_chain_asks_until_one_knows():
    chain = ChainChecker([MemoryChecker({"bob": "1"}), AllowAnonymousAccess(), MemoryChecker({"bob": "2", "eve": "3"})])
    assert chain.credentialInterfaces == (IUsernamePassword, IUsernameHashedPassword, IAnonymous)
    assert [ask(chain, login("bob", password)) for password in "12"] == ["bob", "bob"]
    assert ask(chain, login("eve", "3")) == "eve"
    assert ask(chain, Anonymous()) is ANONYMOUS
    assert refused(ask(chain, login("eve", "1")))
    assert isinstance(ask(ChainChecker([AllowAnonymousAccess()]), login("bob")), UnhandledCredentials)


@pytest.mark.parametrize("error", [LoginDenied("closed"), OSError("the disk is gone")])
def test_a_chain_ends_at_a_denial_and_at_a_fault(error):
    def closed(credentials):
        raise error

    assert ask(ChainChecker([closed, MemoryChecker({"bob": "secret"})]), login("bob")) is error
