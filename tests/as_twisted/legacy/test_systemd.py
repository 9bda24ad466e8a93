"""Descriptors from the service manager."""

from __future__ import annotations

import os

from plait.as_twisted.legacy.systemd import ListenFDs


def test_descriptors_are_taken_once() -> None:
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3", "LISTEN_FDNAMES": "web:mail", "OTHER": "x"}
    given = ListenFDs.fromEnvironment(environ)
    assert given.inheritedDescriptors() == [3, 4, 5]
    assert given.inheritedNamedDescriptors() == {"web": 3, "mail": 4}
    assert environ == {"OTHER": "x"}


def test_those_of_another_process_are_left() -> None:
    for environ in ({"LISTEN_PID": "1", "LISTEN_FDS": "3"}, {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"}, {}):
        before = dict(environ)
        assert ListenFDs.fromEnvironment(environ).inheritedDescriptors() == []
        assert environ == before


def test_the_same_descriptors() -> None:
    one = ListenFDs([3, 4], ["a", "b"])
    assert one == ListenFDs(range(3, 5), ("a", "b")) != ListenFDs([3, 4]) and hash(one) == hash(
        ListenFDs([3, 4], ["a", "b"])
    )
