"""``plait passwd``, as it is typed."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys

import pytest

from plait.auth import verifyPassword
from plait.auth.files import readUsers

PLAIT = [sys.executable, "-m", "plait", "passwd"]


def run(*arguments, given="", cwd=None):
    done = subprocess.run(
        [*PLAIT, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=60, check=False, cwd=cwd
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def path(tmp_path):
    return tmp_path / "users"


def test_add_change_list_and_delete(path):
    assert run(path, "bob", "--scheme", "scrypt", given="first\n") == (0, "", "added bob\n")
    assert run(path, "zoë", "--scheme", "bcrypt", given="gehéim") == (0, "", "added zoë\n")
    assert run(path, "bob", given="second \r\n") == (0, "", "changed bob\n")
    users = readUsers(path)
    assert verifyPassword("second ", users["bob"]) and verifyPassword("gehéim", users["zoë"])
    assert users["bob"].startswith("$argon2id$") and users["zoë"].startswith("$2b$")
    assert run(path, "--list") == (0, "bob\nzoë\n", "")
    assert run(path, "bob", "--delete") == (0, "", "")
    assert list(readUsers(path)) == ["zoë"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def typed(path, *lines):
    """The status, and what is on the terminal, with these lines typed there, each when it is asked for."""
    pid, terminal = pty.fork()
    if not pid:
        os.execv(sys.executable, [*PLAIT, str(path), "bob", "--scheme", "scrypt"])
    shown = b""
    waiting = list(lines)
    while True:
        try:
            data = os.read(terminal, 1024)
        except OSError:  # it has ended
            break
        if not data:
            break
        shown += data
        if waiting and shown.endswith(b": "):
            os.write(terminal, waiting.pop(0))
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown(path):
    status, shown = typed(path, b"secret\n", b"secret\n")
    assert status == 0 and "added bob" in shown and "secret" not in shown
    assert verifyPassword("secret", readUsers(path)["bob"])
    status, shown = typed(path, b"other\n", b"another\n")
    assert status == 1 and "not the same" in shown
    assert verifyPassword("secret", readUsers(path)["bob"])


def test_ctrl_c_changes_nothing(path):
    status, shown = typed(path, b"\x03")
    assert status == 1 and "interrupted" in shown and "Traceback" not in shown and not path.exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["users"], 2, "the name of the user is missing"),
        (["users", "bob", "--list"], 2, "takes no user"),
        (["users", "bob", "secret"], 2, "unexpected argument 'secret'"),
        (["users", "bob", "--password", "x"], 2, "--password"),
        (["users", "a:b"], 1, "no name for a user"),
        (["users", "bob"], 1, "no password on standard input"),
        (["users", "bob", "--delete"], 1, "users: No such file"),
        (["users", "--list"], 1, "users: No such file"),
        (["gone/users", "bob"], 1, "there is no folder"),
        (["bad", "bob", "--delete"], 1, "bad: line 1 is not user:hash"),
        (["good", "bob", "--delete"], 1, "there is no user 'bob' in good"),
        ([".", "--list"], 1, "Is a directory"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, status, said, tmp_path):
    (tmp_path / "bad").write_bytes(b"bob\n")
    (tmp_path / "good").write_bytes(b"eve:!\n")
    code, out, err = run(*arguments, cwd=tmp_path)
    assert (code, out) == (status, "") and said in err
    assert err.count("\n") == 1 and err.startswith("plait passwd: ")
    assert sorted(os.listdir(tmp_path)) == ["bad", "good"]


def test_an_empty_password_is_none(path):
    assert run(path, "bob", given="\n") == (1, "", "plait passwd: the password is empty\n")
