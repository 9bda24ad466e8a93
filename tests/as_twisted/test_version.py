"""What programs ask of ``twisted.version``."""

from __future__ import annotations

import pytest

from plait.as_twisted.version import Version, getVersionString


def test_the_number_is_that_of_a_release_of_twisted(alias: None) -> None:
    import twisted
    from twisted.python.versions import Version as from_python

    assert from_python is Version
    assert twisted.__version__ == twisted.version.short() == twisted.version.public() == "26.10.0"
    assert (twisted.version.major, twisted.version.minor, twisted.version.micro) == (26, 10, 0)
    assert str(twisted.version) == "[twisted, version 26.10.0]"


def test_versions_of_one_package_are_ordered() -> None:
    old, new = Version("twisted", 9, 10, 0), Version("twisted", 26, 1, 0)
    assert old < new and new > old and old <= new and old != new
    assert new == Version("twisted", 26, 1, 0)
    assert len({new, Version("twisted", 26, 1, 0)}) == 1
    assert new >= (20, 3) and new < (27,)


def test_versions_of_two_packages_are_not_ordered() -> None:
    assert Version("twisted", 1, 0, 0) != Version("plait", 1, 0, 0)
    with pytest.raises(TypeError):
        Version("twisted", 1, 0, 0) < Version("plait", 2, 0, 0)  # noqa: B015


def test_repr_can_be_evaluated() -> None:
    version = Version("twisted", 26, 10, 0)
    assert eval(repr(version)) == version
    early = Version("plait", 1, 2, 3, release_candidate=1, dev=4)
    assert eval(repr(early)) == early


def test_what_comes_before_and_after_a_release() -> None:
    order = [
        Version("plait", 1, 2, 3, dev=1),
        Version("plait", 1, 2, 3, release_candidate=1),
        Version("plait", 1, 2, 3),
        Version("plait", 1, 2, 3, post=1),
        Version("plait", 1, 2, 4, dev=0),
    ]
    assert sorted(set(order)) == order
    assert [v.public() for v in order] == ["1.2.3.dev1", "1.2.3rc1", "1.2.3", "1.2.3.post1", "1.2.4.dev0"]
    assert getVersionString(order[1]) == "plait 1.2.3rc1"
