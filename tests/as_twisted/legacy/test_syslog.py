"""Events for the system's log."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy import syslog as legacy

syslog = pytest.importorskip("syslog")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What reaches the system."""
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(legacy.SyslogObserver, "openlog", lambda _self, *args: made.append(args))
    monkeypatch.setattr(legacy.SyslogObserver, "syslog", lambda _self, *args: made.append(args))
    return made


def test_events_line_by_line(written: list[tuple[object, ...]]) -> None:
    observer = legacy.SyslogObserver("rope")
    observer.emit({"message": ("one\n\ntwo",), "isError": 0, "system": "web"})
    observer.emit({"message": (), "isError": 0, "system": "web"})
    assert written == [
        ("rope", syslog.LOG_PID, syslog.LOG_USER),
        (syslog.LOG_INFO, "[web] one"),
        (syslog.LOG_INFO, "[web] \ttwo"),
    ]


def test_priorities(written: list[tuple[object, ...]]) -> None:
    observer = legacy.SyslogObserver("rope", 0, syslog.LOG_DAEMON)
    observer.emit({"message": ("bad",), "isError": 1, "system": "-"})
    observer.emit(
        {"message": ("x",), "isError": 0, "syslogPriority": syslog.LOG_DEBUG, "syslogFacility": syslog.LOG_MAIL}
    )
    assert written[0] == ("rope", 0, syslog.LOG_DAEMON)
    assert written[2] == (syslog.LOG_DEBUG | syslog.LOG_MAIL, "[-] x")


def test_a_system_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy.SyslogObserver, "openlog", None)
    with pytest.raises(OSError, match="syslog"):
        legacy.SyslogObserver("rope")


def test_the_priority_of_an_error(written: list[tuple[object, ...]]) -> None:
    from plait.failure import Failure

    event = {"message": (), "isError": 1, "system": "-", "failure": Failure(KeyError("k")), "why": "Broken"}
    legacy.SyslogObserver("rope").emit(event)
    assert written[1] == (syslog.LOG_ALERT, "[-] Broken")
    assert any("KeyError" in str(text) for _, text, *_ in written[2:])
