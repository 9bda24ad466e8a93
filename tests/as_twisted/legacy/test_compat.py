"""Names from the days of two Pythons."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from plait.as_twisted.legacy import compat


def test_text_and_bytes() -> None:
    assert compat.nativeString(b"abc") == compat.nativeString("abc") == "abc"
    assert compat.networkString("abc") == b"abc"
    assert compat.intToBytes(-12) == b"-12"
    assert list(compat.iterbytes(b"abc")) == [b"a", b"b", b"c"]
    assert bytes(compat.lazyByteSlice(b"abcdef", 1, 3)) == b"bcd"
    assert compat.unicode is compat.StringType is str
    for wrong in ("é", b"\xe9"):
        with pytest.raises(UnicodeError):
            compat.nativeString(wrong)
    with pytest.raises(TypeError):
        compat.nativeString(5)
    with pytest.raises(TypeError):
        compat.networkString(b"abc")


def test_mappings() -> None:
    assert list(compat.iteritems({1: 2})) == compat.items({1: 2}) == [(1, 2)]
    assert list(compat.itervalues({1: 2})) == [2]


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROPE", "é")
    assert compat.bytesEnviron()[b"ROPE"] == "é".encode()


def test_comparisons() -> None:
    @compat.comparable
    class Number:
        def __init__(self, value: int) -> None:
            self.value = value

        def __cmp__(self, other: object) -> int:
            return compat.cmp(self.value, other.value) if isinstance(other, Number) else NotImplemented

    assert Number(1) < Number(2) <= Number(2) == Number(2) != Number(3)
    assert Number(3) > Number(2) >= Number(2)
    assert Number(1) != 1


def test_a_file_is_run(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("x = y + 1")
    space = {"y": 1}
    compat.execfile(str(tmp_path / "run.py"), space)
    assert space["x"] == 2


def test_what_a_file_takes() -> None:
    assert compat.ioType(io.StringIO()) is str
    assert compat.ioType(io.BytesIO()) is bytes
    assert compat.ioType(object(), int) is int


def test_raised_again() -> None:
    with pytest.raises(KeyError):
        compat.reraise(KeyError(), None)


def test_frames() -> None:
    def inner() -> str:
        return compat.currentframe(1).f_code.co_name

    assert compat.currentframe().f_code.co_name == inner() == "test_frames"


def test_builtins_under_their_names(alias: None) -> None:
    from twisted.python.compat import FileType, Sequence, frozenset, intern, set

    assert issubclass(set, object) and frozenset is type(frozenset()) and intern("a") is intern("a")
    assert isinstance([], Sequence) and issubclass(io.StringIO, FileType)
