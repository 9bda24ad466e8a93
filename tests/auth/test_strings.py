"""Checkers as strings, and the options that take them."""

from __future__ import annotations

import argparse
import types

import pytest

from plait.auth import (
    ANONYMOUS,
    Anonymous,
    CheckerKind,
    FileChecker,
    IAnonymous,
    ICheckerFactory,
    IUsernamePassword,
    PAMChecker,
    addCheckerOptions,
    checkerFromString,
    checkerFromStrings,
    checkerKinds,
    checkersHelp,
    strings,
)
from plait.deferred import maybeDeferred
from plait.interfaces import verifyObject

from .helpers import login, outcome, refused


def ask(checker, credentials):
    return outcome(maybeDeferred(checker.requestAvatarId, credentials))


def test_each_kind_keeps_its_promise():
    assert [kind.authType for kind in checkerKinds()] == ["anonymous", "memory", "file", "unix", "pam"]
    assert all(verifyObject(ICheckerFactory, kind) for kind in checkerKinds())


def test_what_strings_make(tmp_path, monkeypatch):
    assert ask(checkerFromString("anonymous"), Anonymous()) is ANONYMOUS
    memory = checkerFromString("memory:bob:secret:eve:apple")
    assert ask(memory, login("eve", "apple")) == "eve" and refused(ask(memory, login("bob", "apple")))
    assert refused(ask(checkerFromString("memory"), login("", "")))
    (tmp_path / "a:b").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    made = checkerFromString("file:a:b")
    assert isinstance(made, FileChecker) and made.path == str(tmp_path / "a:b")


def test_pam_has_a_service(monkeypatch):
    monkeypatch.setattr("plait.auth.system.find_spec", lambda name: True)
    assert isinstance(checkerFromString("pam"), PAMChecker)
    assert checkerFromString("pam:mail").service == "mail"


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ("", "there are: anonymous, memory"),
        ("nonsense:x", "no kind of checker 'nonsense'"),
        ("anonymous:x", "takes nothing"),
        ("memory:bob", "a password for each user"),
        ("file", "needs a path"),
        ("file:", "needs a path"),
        ("file:/gone/users", "cannot read the password file /gone/users: No such file"),
        ("file:/", "Is a directory"),
        ("file:{}", "line 1 is not user:hash"),
    ],
)
def test_what_makes_none_is_said_in_one_line(description, said, tmp_path):
    (tmp_path / "bad").write_bytes(b"bob\n")
    with pytest.raises(ValueError, match=said) as raised:
        checkerFromString(description.format(tmp_path / "bad"))
    assert "\n" not in str(raised.value)


def test_several_are_a_chain():
    chain = checkerFromStrings(["memory:bob:secret", "anonymous"])
    assert ask(chain, Anonymous()) is ANONYMOUS and ask(chain, login("bob")) == "bob"
    with pytest.raises(ValueError, match="nobody could log in"):
        checkerFromStrings([])


def test_a_package_adds_a_kind_and_takes_none_away(monkeypatch):
    kind = CheckerKind("token", "X", "A token.", (IUsernamePassword,), lambda argument: f"checker of {argument}")
    entries = [types.SimpleNamespace(name=name, load=lambda: kind) for name in ("token", "file")]
    monkeypatch.setattr(strings, "entry_points", lambda group: entries if group == "plait.checkers" else [])
    assert checkerFromString("token:a:b") == "checker of a:b"
    assert "A token." in checkersHelp()
    with pytest.raises(ValueError, match="needs a path"):
        checkerFromString("file")


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser(prog="mail")
    addCheckerOptions(parser, IUsernamePassword)
    return parser


def test_options(parser):
    options = parser.parse_args(["--auth", "memory:bob:secret", "--auth", "memory:eve:apple"])
    assert [ask(checker, login("eve", "apple")) == "eve" for checker in options.auth] == [False, True]
    assert parser.parse_args([]).auth == []


@pytest.mark.parametrize(
    ("value", "said"), [("anonymous", "anonymous is of no use"), ("memory:bob", "a password for each")]
)
def test_an_option_that_is_wrong_is_a_usage_error(parser, value, said, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--auth", value])
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_help_lists_what_is_of_use(parser, capsys):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--help-auth"])
    said = capsys.readouterr().out
    assert ended.value.code == 0 and "  file:PATH\n" in said and "anonymous" not in said
    assert "  anonymous\n" in checkersHelp(IAnonymous) and "file" not in checkersHelp(IAnonymous)
