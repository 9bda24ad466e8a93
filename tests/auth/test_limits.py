"""Failures are counted by address, and whoever has too many waits."""

from __future__ import annotations

import pytest

from plait.auth import FailureLimit, LoginDenied, MemoryChecker, Portal, UnauthorizedLogin, UnhandledCredentials
from plait.auth.limits import _key
from plait.deferred import Deferred
from plait.task import Clock
from plait.transport.address import IPv4Address, UNIXAddress

from .helpers import IMailbox, Realm, login, outcome


class Door:
    """A limit of three failures a minute before a portal, and a clock."""

    def __init__(self, **options):
        self.clock = Clock()
        self.portal = Portal(Realm(), [MemoryChecker({"bob": "secret", "eve": "secret"})])
        self.limit = FailureLimit(attempts=3, period=60, clock=self.clock, **options)

    def tries(self, password, address="10.0.0.1", user="bob"):
        return type(outcome(self.limit.login(self.portal, address, login(user, password), None, IMailbox)))


def test_too_many_failures_close_the_door_for_that_address():
    door = Door()
    assert [door.tries("wrong") for _ in range(4)] == [UnauthorizedLogin] * 3 + [LoginDenied]
    assert door.tries("secret") is LoginDenied
    assert door.tries("secret", "10.0.0.2") is tuple
    door.clock.advance(59.9)
    assert door.tries("secret") is LoginDenied
    door.clock.advance(0.1)
    assert door.tries("secret") is tuple


def test_the_message_says_how_long():
    door = Door()
    for _ in range(3):
        door.tries("wrong")
    door.clock.advance(20)
    error = outcome(door.limit.login(door.portal, "10.0.0.1", login("bob"), None, IMailbox))
    assert "10.0.0.1" in str(error) and "40 s" in str(error)
    door.limit.forget("10.0.0.1")
    assert door.tries("secret") is tuple


def test_an_account_of_ones_own_is_no_way_to_guess_on():
    door = Door()
    for _ in range(3):
        assert door.tries("wrong") is UnauthorizedLogin
        if door.limit._failures["10.0.0.1"][1] < 3:
            assert door.tries("secret", user="eve") is tuple
    assert door.tries("wrong") is LoginDenied


def test_tries_at_the_same_time_count_before_they_are_known():
    door = Door()
    answers = []

    def check(credentials):
        answers.append(Deferred())
        return answers[-1]

    portal = Portal(Realm(), [check])
    waiting = [door.limit.login(portal, "10.0.0.1", login("bob"), None, IMailbox) for _ in range(5)]
    assert len(answers) == 3
    assert [type(outcome(d)) for d in waiting[3:]] == [LoginDenied] * 2
    for answer in answers:
        answer.callback("bob")
    assert [type(outcome(d)) for d in waiting[:3]] == [tuple] * 3
    assert not door.limit._failures


def test_only_wrong_credentials_count():
    door = Door()
    nothing = Portal(Realm())
    for _ in range(5):
        failed = outcome(door.limit.login(nothing, "10.0.0.1", login("bob"), None, IMailbox))
        assert isinstance(failed, UnhandledCredentials)
    assert not door.limit._failures


def test_the_table_forgets_who_has_not_tried_for_longest():
    door = Door(size=2)
    for address in "abac":
        door.tries("wrong", address)
    assert list(door.limit._failures) == ["a", "c"]
    assert [door.tries("wrong", "a") for _ in range(2)] == [UnauthorizedLogin, LoginDenied]


def test_a_try_that_ends_after_the_period_takes_nothing_from_the_next():
    door = Door()
    answer = Deferred()
    slow = door.limit.login(Portal(Realm(), [lambda _: answer]), "10.0.0.1", login("bob"), None, IMailbox)
    door.clock.advance(60)
    assert door.tries("wrong") is UnauthorizedLogin
    answer.callback("bob")
    assert type(outcome(slow)) is tuple
    assert door.limit._failures["10.0.0.1"][1] == 1


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (IPv4Address("TCP", "10.0.0.1", 1), "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (UNIXAddress("/run/x"), ""),
        (None, ""),
    ],
)
def test_what_stands_for_a_peer(address, key):
    assert _key(address) == key
