"""Small things."""

from __future__ import annotations

import getpass
import io
import os
import sys
import warnings
from pathlib import Path

import pytest

from plait.as_twisted.legacy import accounts, util


def test_a_dict_without_case() -> None:
    table = util.InsensitiveDict({"One": 1, b"Two": 2, 3: 3})
    assert table["oNE"] == 1 and table[b"TWO"] == 2 and table[3] == 3
    assert "ONE" in table and "four" not in table and len(table) == 3
    assert list(table) == ["One", b"Two", 3]
    table["ONE"] = 5
    assert table.pop("one") == 5 and "One" not in table
    assert table == {b"two": 2, 3: 3} and table == table.copy() and table != {}
    assert list(util.InsensitiveDict({"One": 1}, preserve=False)) == ["one"]


class Shown(util.FancyStrMixin):
    showAttributes = ("name", ("size", hex), ("weight", "kg", "%.1f"))
    name, size, weight = "n", 16, 2.25


def test_a_repr_of_attributes() -> None:
    assert repr(Shown()) == str(Shown()) == "<Shown name='n' size=0x10 kg=2.2>"


class Equal(util.FancyEqMixin):
    compareAttributes = ("a", "b")

    def __init__(self, a: int, b: int, c: int = 0) -> None:
        self.a, self.b, self.c = a, b, c


def test_equality_by_attributes() -> None:
    class Other(Equal): ...

    assert Equal(1, 2, 3) == Equal(1, 2, 4) != Equal(1, 3, 3)
    assert Other(1, 2) == Equal(1, 2)
    assert Equal(1, 2) != (1, 2)
    assert util.FancyEqMixin() != util.FancyEqMixin()


def test_sequences() -> None:
    assert util.uniquify([3, 1, 3, 2, 1]) == [3, 1, 2]
    assert util.padTo(3, [1]) == [1, None, None]
    with pytest.raises(ValueError):
        util.padTo(1, [1, 2])


def test_paths(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "a" / "mark").touch()
    assert util.sibpath(str(deep), "c") == str(tmp_path / "a" / "c")
    assert util.searchupwards(str(deep), files=["mark"], dirs=["b"]) == str(tmp_path / "a") + os.sep
    assert util.searchupwards(str(deep), files=["there is no such file"]) is None


@pytest.mark.parametrize(
    ("name", "label"),
    [("f", "F"), ("fO", "F O"), ("someName", "Some Name"), ("_private", "Private"), ("aURL", "A URL")],
)
def test_labels(name: str, label: str) -> None:
    assert util.nameToLabel(name) == label


def test_a_bar() -> None:
    bar = util.makeStatBar(10, 100)
    assert bar(0) == "[>--------]"
    assert bar(50) == "[=====>---]"
    assert bar(51) == ""
    assert bar(51, force=True) == "[=====>---]"


def test_a_password_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    assert util.getPassword() == "secret"
    with pytest.raises(EOFError):
        util.getPassword()


def test_a_password_is_asked_for_until_both_agree(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["a", "b", "c", "c"])
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))
    assert util.getPassword(forceTTY=True, confirm=True, mismatchMessage="No!") == "c"
    assert capsys.readouterr().out == "No!\n"


def test_calls() -> None:
    tries = iter([InterruptedError, None])

    def interrupted(value: int) -> int:
        if error := next(tries):
            raise error
        return value

    assert util.untilConcludes(interrupted, 5) == 5
    assert util.raises(KeyError, {}.__getitem__, 1) and not util.raises(KeyError, {1: 1}.__getitem__, 1)
    assert util.str_xor("ab", 3) == "ba"


def test_metadata() -> None:
    def first() -> None:
        """The first."""

    first.mark = 5

    def second() -> None: ...

    assert util.mergeFunctionMetadata(first, second) is second
    assert (second.__name__, second.__doc__, second.mark) == ("first", "The first.", 5)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """A system that notes who we become, and starts as user 0 and group 0."""
    made: list[tuple[object, ...]] = []
    now = {"uid": 0, "gid": 0}
    for name in ("setuid", "setgid", "seteuid", "setegid"):

        def become(number: int, name: str = name) -> None:
            made.append((name, number))
            now[name[-3:]] = number

        monkeypatch.setattr(os, name, become)
    for name in ("getuid", "getgid", "geteuid", "getegid"):
        monkeypatch.setattr(os, name, lambda name=name: now[name[-3:]])
    monkeypatch.setattr(accounts, "initgroups", lambda uid, gid: made.append(("initgroups", uid, gid)))
    return made


def test_become_another_user(calls: list[tuple[object, ...]]) -> None:
    accounts.switchUID(12, 34)
    assert calls == [("setgid", 34), ("initgroups", 12, 34), ("setuid", 12)]
    with pytest.warns(UserWarning, match="setuid 12 but uid is already 12"):
        accounts.switchUID(12, None)
    assert len(calls) == 3


def test_become_another_user_in_effect(calls: list[tuple[object, ...]]) -> None:
    accounts.switchUID(12, 34, euid=True)
    assert calls == [("setegid", 34), ("initgroups", 12, 34), ("seteuid", 12)]


def test_run_as_another_user(calls: list[tuple[object, ...]]) -> None:
    def work(value: int) -> tuple[int, int]:
        calls.append(("work", value))
        return os.geteuid(), os.getegid()

    assert accounts.runAsEffectiveUser(12, 34, work, 5) == (12, 34)
    assert calls == [
        ("setegid", 34),
        ("seteuid", 12),
        ("work", 5),
        ("seteuid", 0),
        ("setegid", 0),
    ]
    del calls[:]
    assert accounts.runAsEffectiveUser(0, 0, work, 6) == (0, 0)
    assert calls == [("work", 6)]


def test_users_by_name() -> None:
    pwd = pytest.importorskip("pwd")
    entry = pwd.getpwuid(os.getuid())
    assert accounts.uidFromString(entry.pw_name) == accounts.uidFromString(str(entry.pw_uid)) == entry.pw_uid
    assert accounts.gidFromString("17") == 17
    with pytest.raises(KeyError):
        accounts.uidFromString("there is no such user")


def test_a_dicts_lists() -> None:
    table = util.InsensitiveDict({"A": 1, 2: "b"})
    assert table.keys() == ["A", 2] and table.values() == [1, "b"] and table.items() == [("A", 1), (2, "b")]
    assert (
        [*table.iterkeys()] == ["A", 2] and [*table.itervalues()] == [1, "b"] and [*table.iteritems()] == table.items()
    )
    assert eval(repr(table), {"InsensitiveDict": util.InsensitiveDict}) == table


def test_the_last_lines() -> None:
    log = util.LineLog(2)
    for line in "abc":
        log.append(line)
    assert str(log) == "b\nc" and log[0] == "b"
    log.clear()
    assert str(log) == ""


def test_intervals() -> None:
    assert next(iter(util.IntervalDifferential([], 7))) == (7, None)
    steps = iter(util.IntervalDifferential([2, 3]))
    assert [next(steps) for _ in range(5)] == [(2, 0), (1, 1), (1, 0), (2, 0), (0, 1)]
    steps.addInterval(1)
    assert next(steps) == (1, 2)
    for interval in (2, 3, 1):
        steps.removeInterval(interval)
    assert next(steps) == (60, None)
    with pytest.raises(ValueError):
        steps.removeInterval(1)


def test_without_some_warnings() -> None:
    def warn(text: str) -> str:
        warnings.warn(text, UserWarning, stacklevel=1)
        return text

    filters = [(("ignore",), {"message": "old"})]
    with pytest.warns(UserWarning) as caught:
        assert util.runWithWarningsSuppressed(filters, warn, "old thing") == "old thing"
        util.runWithWarningsSuppressed(filters, warn, text="new thing")
    assert [str(warning.message) for warning in caught] == ["new thing"]


def test_folders_of_old_plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    (tmp_path / "TwistedPlugins").mkdir()
    with pytest.warns(DeprecationWarning, match="getPluginDirs is deprecated"):
        assert util.getPluginDirs() == [str(tmp_path / "TwistedPlugins")]
    with pytest.warns(DeprecationWarning, match="addPluginDir is deprecated") as caught:
        util.addPluginDir()
    assert sys.path == [str(tmp_path / "TwistedPlugins")] and len(caught) == 1 and caught[0].filename == __file__


def test_trace_of_calls(capsys: pytest.CaptureFixture[str]) -> None:
    class Knot:
        def __repr__(self) -> str:
            return "<knot>"

        def tie(self) -> None: ...

    before = sys.gettrace()
    sys.settrace(util.spewer)
    try:
        Knot().tie()
    finally:
        sys.settrace(before)
    assert "Knot.tie of <knot> in " in capsys.readouterr().out


def test_the_groups_of_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(accounts, "_initgroups", lambda *args: made.append(args))
    name = accounts.pwd.getpwuid(os.getuid()).pw_name
    accounts.initgroups(os.getuid(), 4)
    accounts.initgroups(os.getuid(), None)
    assert made == [(name, 4), (name, os.getgid())]


def test_a_module_that_a_test_puts_in_the_place_of_another(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.python import util as old

    class Fake:
        def __init__(self) -> None:
            self.calls: list[int] = []

        def getuid(self) -> int:
            return 1

        def setuid(self, uid: int) -> None:
            self.calls.append(uid)

    fake = Fake()
    fake.setgid = fake.seteuid = fake.setegid = fake.geteuid = None  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(old, "os", fake)
        patch.setattr(old, "initgroups", lambda uid, gid: None)
        old.switchUID(7, None)
    assert fake.calls == [7] and old.os is os and accounts.os is os
