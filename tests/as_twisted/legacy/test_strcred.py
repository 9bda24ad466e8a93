"""`twisted.cred` under the alias: checkers as strings, and the options for them."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("alias")


def options(interfaces: Any = None) -> Any:
    strcred, usage = import_module("twisted.cred.strcred"), import_module("twisted.python.usage")

    class Options(usage.Options, strcred.AuthOptionMixin):  # type: ignore[misc, name-defined]
        supportedInterfaces = interfaces
        authOutput = io.StringIO()

    return Options()


def refused(made: Any, *arguments: str) -> str:
    """What the error says that the command line is answered with."""
    with pytest.raises(import_module("twisted.python.usage").UsageError) as raised:
        made.parseOptions(list(arguments))
    return str(raised.value)


def test_a_file_of_an_old_program_has_its_passwords_in_the_clear(tmp_path: Path) -> None:
    credentials, strcred = import_module("twisted.cred.credentials"), import_module("twisted.cred.strcred")
    (tmp_path / "users").write_bytes(b"bob:secret\n")
    found: list[Any] = []
    checker = strcred.makeChecker(f"file:{tmp_path / 'users'}")
    checker.requestAvatarId(credentials.UsernamePassword(b"bob", b"secret")).addCallback(found.append)
    assert found == [b"bob"]


def test_checkers_are_kept_by_what_they_check() -> None:
    credentials = import_module("twisted.cred.credentials")
    made = options()
    made.parseOptions(["--auth", "memory:bob:secret", "--auth", "anonymous"])
    assert [len(made["credInterfaces"][kind]) for kind in (credentials.IUsernamePassword, credentials.IAnonymous)] == [
        1,
        1,
    ]
    assert len(made["credCheckers"]) == 2


def test_what_is_wrong_is_a_usage_error() -> None:
    credentials = import_module("twisted.cred.credentials")
    assert refused(options(), "--auth", "file") == "Unexpected error: 'file' requires a filename"
    assert "a password for each user" in refused(options(), "--auth", "memory:bob")
    assert "not recognized: nonsense" in refused(options(), "--auth", "nonsense")
    assert "not supported: anonymous" in refused(options([credentials.IUsernamePassword]), "--auth", "anonymous")
    assert "Invalid auth type: nonsense" in refused(options(), "--help-auth-type", "nonsense")


def test_the_help_lists_the_kinds_and_explains_one() -> None:
    credentials, strcred = import_module("twisted.cred.credentials"), import_module("twisted.cred.strcred")
    made = options([credentials.IUsernamePassword])
    with pytest.raises(SystemExit):
        made.parseOptions(["--help-auth"])
    listed = made.authOutput.getvalue()
    assert all(f"  {kind} " in listed for kind in ("file", "memory", "pam", "unix")) and "anonymous" not in listed
    with pytest.raises(SystemExit):
        made.parseOptions(["--help-auth-type", "anonymous"])
    assert strcred.notSupportedWarning in made.authOutput.getvalue()
