"""What a program sees that imports `twisted` with the alias on."""

from __future__ import annotations

import importlib.util
import sys
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest

import plait.deferred
import plait.deferred.filelock
import plait.errors
import plait.protocol
from plait import as_twisted, current
from plait.as_twisted import finder
from plait.task import LoopingCall


def test_classes_are_the_same_objects_under_both_names(alias: None) -> None:
    from twisted.internet import defer, error
    from twisted.internet.protocol import ClientFactory
    from twisted.protocols.basic import LineReceiver

    assert defer.Deferred is plait.deferred.Deferred
    assert error.ConnectionDone is plait.errors.ConnectionDone
    assert ClientFactory is plait.protocol.ClientFactory is plait.ClientFactory
    assert LineReceiver is plait.protocol.LineReceiver


def test_the_package_has_a_file(alias: None) -> None:
    import twisted

    assert twisted.__file__ == as_twisted.__file__


def test_submodules_are_bound_in_their_packages(alias: None) -> None:
    import twisted.internet.defer

    assert twisted.internet.defer.succeed is plait.deferred.succeed
    assert sys.modules["twisted.internet"] is twisted.internet


def test_the_reactor_is_the_reactor(alias: None) -> None:
    import twisted.internet.reactor
    from twisted.internet import reactor

    assert reactor is plait.reactor
    assert twisted.internet.reactor is plait.reactor
    assert import_module("twisted.internet.reactor") is plait.reactor
    assert sys.modules["twisted.internet.reactor"] is plait.reactor


def test_the_reactor_is_found_before_it_was_imported(alias: None) -> None:
    import twisted.internet

    assert "twisted.internet.reactor" not in sys.modules
    assert twisted.internet.reactor is plait.reactor
    assert sys.modules["twisted.internet.reactor"] is plait.reactor


def test_importing_the_package_makes_no_reactor(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(finder, "getReactor", lambda: made.append(object()) or made[-1])
    import twisted.internet

    assert not made
    assert twisted.internet.reactor is made[0]


def test_the_reactor_follows_the_one_that_is_current(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import twisted.internet.reactor

    another = object()
    monkeypatch.setattr(finder, "getReactor", lambda: another)
    assert twisted.internet.reactor is another


def test_a_fake_reactor_can_be_put_in_its_place(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import twisted.internet

    fake = object()
    with monkeypatch.context() as patch:
        patch.setattr(twisted.internet, "reactor", fake)
        from twisted.internet import reactor

        assert reactor is fake
    monkeypatch.undo()


def test_a_fake_reactor_can_be_taken_away_again(alias: None) -> None:
    import twisted.internet

    twisted.internet.reactor = object()
    del twisted.internet.reactor
    assert twisted.internet.reactor is plait.reactor
    del twisted.internet.reactor  # it never was bound, and it still is there
    assert twisted.internet.reactor is plait.reactor

    twisted.internet.reactor = object()
    twisted.internet.reactor = sys.modules["twisted.internet.reactor"]
    assert "reactor" not in vars(twisted.internet)


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("import twisted.words", "twisted.words"),
        ("import twisted.words.protocols.irc", "twisted.words"),
        ("from twisted import words", "twisted.words"),
        ("from twisted.words.protocols import irc", "twisted.words"),
        ("import twisted.internet.nothing", "twisted.internet.nothing"),
        ("from twisted.internet import nothing", "twisted.internet.nothing"),
        ("from twisted.internet.protocol import Nothing", "twisted.internet.protocol.Nothing"),
        ("from twisted.protocols.basic import ClientFactory", "twisted.protocols.basic.ClientFactory"),
        ("from twisted.internet.defer import Deferred, nothing", "twisted.internet.defer.nothing"),
    ],
)
def test_what_is_not_provided_says_so(alias: None, statement: str, missing: str) -> None:
    with pytest.raises(ImportError, match=r"^Plait does not provide ") as caught:
        exec(statement)
    assert isinstance(caught.value, as_twisted.NotProvidedError)
    assert caught.value.missing == missing
    assert f" {missing} yet" in str(caught.value)
    assert missing not in sys.modules


def test_the_room_is_named_where_a_name_is_missing(alias: None) -> None:
    with pytest.raises(ImportError, match=r"\(it comes from plait\.errors, which has no Nothing\)$"):
        from twisted.internet.error import Nothing  # noqa: F401


def test_a_missing_attribute_is_an_attribute_error(alias: None) -> None:
    import twisted.internet.error

    assert not hasattr(twisted.internet.error, "Nothing")
    assert getattr(twisted.internet.error, "Nothing", 7) == 7
    with pytest.raises(AttributeError, match=r"'twisted\.internet\.error' \(plait\.errors\) has no"):
        twisted.internet.error.Nothing


def test_what_a_room_has_imported_is_not_a_name_of_its_own(alias: None) -> None:
    import twisted.internet.defer

    submodules = [name for name, value in vars(plait.deferred).items() if isinstance(value, ModuleType)]
    assert submodules
    assert not any(hasattr(twisted.internet.defer, name) for name in submodules)


def test_a_module_says_where_its_names_come_from(alias: None) -> None:
    from twisted.internet import task

    assert repr(task) == "<module 'twisted.internet.task' (plait.task)>"
    assert task.__doc__ == "twisted.internet.task, provided by plait.task."


def test_a_variable_of_a_room_is_asked_each_time(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from twisted.internet import defer

    monkeypatch.setattr(plait.deferred, "level", 1, raising=False)
    assert defer.level == 1
    monkeypatch.setattr(plait.deferred, "level", 2)
    assert defer.level == 2


def test_a_folder_named_twisted_loses(no_twisted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "twisted" / "internet"
    package.mkdir(parents=True)
    for file in (package.parent / "__init__.py", package / "__init__.py", package / "defer.py"):
        file.write_text("raise AssertionError('this file must not be read')")
    (package.parent / "words.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = importlib.util.find_spec("twisted")
    assert spec is not None and spec.origin == str(package.parent / "__init__.py")

    as_twisted.install()
    try:
        from twisted.internet import defer

        assert defer.Deferred is plait.deferred.Deferred
        with pytest.raises(as_twisted.NotProvidedError):
            import twisted.words  # noqa: F401
    finally:
        as_twisted.uninstall()


def test_it_takes_the_first_place_again_when_installed_again(alias: None) -> None:
    class Other:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            return None

    sys.meta_path.insert(0, Other)
    try:
        as_twisted.install()
        assert sys.meta_path[0] is finder._finder
        assert sys.meta_path.count(finder._finder) == 1
    finally:
        sys.meta_path.remove(Other)


def test_twisted_that_is_imported_already_is_an_error(no_twisted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModuleType("twisted")
    real.__file__ = "/somewhere/twisted/__init__.py"
    monkeypatch.setitem(sys.modules, "twisted", real)
    with pytest.raises(RuntimeError, match=r"^twisted is imported already, from /somewhere/twisted/"):
        as_twisted.install()
    assert not as_twisted.installed()


@pytest.mark.usefixtures("no_twisted")
def test_uninstall_forgets_the_modules() -> None:
    as_twisted.install()
    from twisted.internet import defer, reactor

    assert as_twisted.installed()
    as_twisted.uninstall()
    as_twisted.uninstall()
    assert not as_twisted.installed()
    assert not [name for name in sys.modules if name == "twisted" or name.startswith("twisted.")]
    assert defer.Deferred is plait.deferred.Deferred
    assert reactor is plait.reactor


def test_other_imports_are_left_alone(alias: None) -> None:
    assert finder._finder.find_spec("twisted_sister") is None
    assert finder._finder.find_spec("twistedweb.client") is None
    with pytest.raises(ModuleNotFoundError, match="No module named 'twisted_sister'"):
        import twisted_sister  # noqa: F401


def test_the_installed_packages_have_the_version_that_the_alias_follows(alias: None) -> None:
    import twisted

    assert metadata.version("twisted") == metadata.version("Twisted") == twisted.__version__
    assert metadata.distribution("twisted").metadata["Name"] == "Twisted"
    assert not metadata.distribution("twisted").read_text("RECORD")
    assert metadata.version("zope.interface") != twisted.__version__


def test_a_fake_reactor_is_what_our_own_code_takes(alias: None, monkeypatch: pytest.MonkeyPatch) -> None:
    import twisted.internet.reactor

    ours, fake = plait.reactor, object()
    with monkeypatch.context() as patch:
        patch.setattr(twisted.internet, "reactor", fake)
        assert current.getReactor() is fake is LoopingCall(print).clock
    assert current.getReactor() is ours is twisted.internet.reactor
    twisted.internet.reactor = fake
    as_twisted.uninstall()
    assert current.getReactor() is ours


def test_what_replaces_a_function_is_what_the_room_calls(alias: None, tmp_path: Path) -> None:
    from twisted.python import lockfile

    real = lockfile.readlink
    asked: list[str] = []
    lock = lockfile.FilesystemLock(str(tmp_path / "lock"))
    lock.lock()
    for put_back in (
        lambda: setattr(lockfile, "readlink", real),  # as TestCase.patch does
        lambda: delattr(lockfile, "readlink"),  # as unittest.mock does
    ):
        lockfile.readlink = lambda name: asked.append(name) or real(name)
        assert not lock.lock() and asked.pop() == lock.name
        put_back()
        assert lockfile.readlink is real
        assert not lock.lock() and not asked


def test_replacing_twice_is_undone_twice(alias: None) -> None:
    from twisted.python import lockfile

    real = lockfile.rmlink
    with patch.object(lockfile, "rmlink", 1):
        with patch.object(lockfile, "rmlink", 2):
            assert plait.deferred.filelock.rmlink == 2
        assert plait.deferred.filelock.rmlink == 1
    assert lockfile.rmlink is plait.deferred.filelock.rmlink is real


def test_what_no_room_has_is_bound_in_the_module_alone(alias: None) -> None:
    from twisted.python import lockfile

    lockfile.note = 1
    assert lockfile.note == 1 and not hasattr(plait.deferred.filelock, "note")
    del lockfile.note
    assert not hasattr(lockfile, "note")
