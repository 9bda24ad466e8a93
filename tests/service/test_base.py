"""The tree of services: names and parents, starting and stopping, and what happens when a part of it fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plait.deferred import Deferred, fail, inlineCallbacks
from plait.interfaces import provides, verifyObject
from plait.log import capturedLogs
from plait.service import IService, IServiceCollection, MultiService, Service, underWay


class Recorder(Service):
    """Writes down what happens to it; fails where it is told to."""

    def __init__(self, events: list[str], label: str, fails_in: str = "") -> None:
        self.events = events
        self.label = label
        self.fails_in = fails_in

    def note(self, event: str) -> None:
        self.events.append(f"{event} {self.label}")
        if event == self.fails_in:
            raise ValueError(f"{self.label} cannot {event}")

    def startService(self) -> None:
        self.note("start")
        super().startService()

    def stopService(self) -> Any:
        self.note("stop")
        return super().stopService()


class PrivilegedRecorder(Recorder):
    def privilegedStartService(self) -> None:
        self.note("open")


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def logged() -> Iterator[list[dict[str, Any]]]:
    with capturedLogs() as events:
        yield events


def collect(*services: Service) -> MultiService:
    collection = MultiService()
    for service in services:
        service.setServiceParent(collection)
    return collection


def result_of(deferred: Any) -> Any:
    results: list[Any] = []
    deferred.addCallback(results.append)
    assert len(results) == 1, "the Deferred has not fired"
    return results[0]


def test_interfaces_are_kept() -> None:
    assert verifyObject(IService, Service())
    assert verifyObject(IService, MultiService())
    assert verifyObject(IServiceCollection, MultiService())
    assert not provides(IServiceCollection, Service())


def test_running_follows_start_and_stop() -> None:
    service = Service()
    assert not service.running
    service.privilegedStartService()
    assert not service.running
    service.startService()
    assert service.running
    service.stopService()
    assert not service.running


def test_start_goes_down_and_stop_comes_back(events: list[str]) -> None:
    inner = collect(PrivilegedRecorder(events, "b"), PrivilegedRecorder(events, "c"))
    outer = collect(PrivilegedRecorder(events, "a"), inner, PrivilegedRecorder(events, "d"))
    outer.privilegedStartService()
    outer.startService()
    assert events == [f"{what} {label}" for what in ("open", "start") for label in "abcd"]
    assert outer.running and inner.running
    del events[:]
    assert result_of(outer.stopService()) == [
        (True, None),
        (True, [(True, None), (True, None)]),
        (True, None),
    ]
    assert events == ["stop d", "stop c", "stop b", "stop a"]
    assert not outer.running and not inner.running


def test_names() -> None:
    service, nameless = Service(), Service()
    service.setName("clock")
    collection = collect(service, nameless)
    assert collection.getServiceNamed("clock") is service
    assert list(collection) == [service, nameless]
    with pytest.raises(KeyError):
        collection.getServiceNamed("calendar")
    with pytest.raises(RuntimeError, match="in a collection already"):
        service.setName("calendar")
    namesake = Service()
    namesake.setName("clock")
    with pytest.raises(RuntimeError, match="same name 'clock'"):
        namesake.setServiceParent(collection)
    assert namesake.parent is None
    assert list(collection) == [service, nameless]


def test_a_name_is_free_again_when_its_service_has_left() -> None:
    service = Service()
    service.setName("clock")
    collection = collect(service)
    service.disownServiceParent()
    assert service.parent is None
    with pytest.raises(KeyError):
        collection.getServiceNamed("clock")
    service.setServiceParent(collection)
    assert collection.getServiceNamed("clock") is service


def test_a_service_moves_from_one_parent_to_another(events: list[str]) -> None:
    service = Recorder(events, "a")
    first, second = collect(service), collect()
    first.startService()
    service.setServiceParent(second)
    assert events == ["start a", "stop a"]
    assert service.parent is second
    assert list(first) == [] and list(second) == [service]


def test_joining_and_leaving_a_running_collection(events: list[str]) -> None:
    collection = collect()
    collection.startService()
    service = PrivilegedRecorder(events, "a")
    service.setServiceParent(collection)
    assert events == ["open a", "start a"]
    service.disownServiceParent()
    assert events[-1] == "stop a"


def test_leaving_waits_for_the_stop() -> None:
    class Slow(Service):
        def stopService(self) -> Deferred[None]:
            self.stopped: Deferred[None] = Deferred()
            return self.stopped

    slow = Slow()
    collection = collect(slow)
    collection.startService()
    left = slow.disownServiceParent()
    assert isinstance(left, Deferred)
    done: list[object] = []
    left.addCallback(done.append)
    assert done == []
    slow.stopped.callback(None)
    assert done == [None]


def test_leaving_without_a_parent() -> None:
    with pytest.raises(RuntimeError, match="in no collection"):
        Service().disownServiceParent()
    with pytest.raises(ValueError, match="not in this collection"):
        MultiService().removeService(Service())


def test_something_that_cannot_hold_services() -> None:
    service = Service()
    with pytest.raises(TypeError, match="cannot hold services"):
        service.setServiceParent(object())
    assert service.parent is None


def test_the_stop_of_all_waits_for_each() -> None:
    class Slow(Service):
        def stopService(self) -> Deferred[str]:
            self.stopped: Deferred[str] = Deferred()
            return self.stopped

    one, two = Slow(), Slow()
    collection = collect(one, two)
    collection.startService()
    done: list[object] = []
    collection.stopService().addCallback(done.append)
    two.stopped.callback("two")
    assert done == []
    one.stopped.callback("one")
    assert done == [[(True, "two"), (True, "one")]]


def test_a_failed_start_stops_just_what_had_begun(events: list[str]) -> None:
    outer = collect(
        Recorder(events, "a"),
        PrivilegedRecorder(events, "b"),
        collect(Recorder(events, "c"), Recorder(events, "d", fails_in="start"), Recorder(events, "e")),
        PrivilegedRecorder(events, "f"),
        Recorder(events, "g"),
    )
    outer.privilegedStartService()
    with pytest.raises(ValueError, match="d cannot start"):
        outer.startService()
    assert events == ["open b", "open f", "start a", "start b", "start c", "start d"]
    del events[:]
    outer.stopService()
    assert events == ["stop f", "stop c", "stop b", "stop a"]
    assert not outer.running


def test_a_failed_privileged_start_stops_just_what_had_begun(events: list[str]) -> None:
    outer = collect(
        Recorder(events, "a"),
        PrivilegedRecorder(events, "b"),
        collect(PrivilegedRecorder(events, "c"), PrivilegedRecorder(events, "d", fails_in="open")),
        PrivilegedRecorder(events, "e"),
    )
    with pytest.raises(ValueError, match="d cannot open"):
        outer.privilegedStartService()
    del events[:]
    outer.stopService()
    assert events == ["stop c", "stop b"]


@pytest.mark.parametrize("stopped_between", [True, False])
def test_a_collection_starts_again_after_a_failed_start(events: list[str], stopped_between: bool) -> None:
    faulty = Recorder(events, "b", fails_in="start")
    collection = collect(Recorder(events, "a"), faulty)
    with pytest.raises(ValueError):
        collection.startService()
    if stopped_between:
        collection.stopService()
    faulty.fails_in = ""
    del events[:]
    collection.startService()
    collection.stopService()
    assert events == ["start a", "start b", "stop b", "stop a"]


@pytest.mark.parametrize("fails_in", ["open", "start"])
def test_a_service_that_fails_to_join_is_not_kept(events: list[str], fails_in: str) -> None:
    collection = collect()
    collection.startService()
    service = PrivilegedRecorder(events, "a", fails_in)
    service.setName("a")
    with pytest.raises(ValueError, match=f"a cannot {fails_in}"):
        service.setServiceParent(collection)
    assert service.parent is None
    assert list(collection) == [] and collection.namedServices == {}
    assert events == {"open": ["open a"], "start": ["open a", "start a", "stop a"]}[fails_in]


def test_a_start_that_returns_a_failed_deferred_is_a_failed_start() -> None:
    class Failing(Service):
        def startService(self) -> Any:
            return fail(ValueError("no such luck"))

    with pytest.raises(ValueError, match="no such luck"):
        collect(Failing()).startService()


def test_a_start_that_is_a_coroutine_runs_and_its_failure_counts() -> None:
    class Async(Service):
        fails = False

        async def startService(self) -> None:
            if self.fails:
                raise ValueError("no such luck")
            super().startService()

    service = Async()
    collect(service).startService()
    assert service.running
    service.fails = True
    with pytest.raises(ValueError, match="no such luck"):
        collect(service).startService()


def test_a_start_that_fails_later_is_logged(logged: list[dict[str, Any]]) -> None:
    class Late(Service):
        def __init__(self) -> None:
            self.gate: Deferred[None] = Deferred()

        @inlineCallbacks
        def startService(self) -> Any:
            yield self.gate
            raise ValueError("too late")

    late = Late()
    late.setName("late one")
    collection = collect(late)
    collection.startService()
    assert collection.running
    late.gate.callback(None)
    (event,) = [event for event in logged if "log_failure" in event]
    assert event["service"] == "Late 'late one'"
    assert "too late" in event["log_failure"].getErrorMessage()


def test_a_failed_stop_is_logged_and_keeps_nobody(events: list[str], logged: list[dict[str, Any]]) -> None:
    collection = collect(Recorder(events, "a"), Recorder(events, "b", fails_in="stop"), Recorder(events, "c"))
    collection.startService()
    result = result_of(collection.stopService())
    assert events[-3:] == ["stop c", "stop b", "stop a"]
    assert [success for success, value in result] == [True, False, True]
    (event,) = [event for event in logged if "log_failure" in event]
    assert event["log_failure"].check(ValueError)
    assert event["service"] == "Recorder"


class Slow(Service):
    """Starts when its gate opens."""

    def __init__(self, name: str) -> None:
        self.setName(name)
        self.gate: Deferred[None] = Deferred()
        self.stops = 0

    def startService(self) -> Deferred[None]:
        return self.gate

    def stopService(self) -> None:
        self.stops += 1


def test_a_start_waits_for_all_that_take_their_time() -> None:
    first, second = Slow("first"), Slow("second")
    inner, outer = collect(first, Service()), MultiService()
    inner.setServiceParent(outer)
    second.setServiceParent(outer)
    started = outer.startService()
    assert started is not None and underWay(outer) == [first, second]
    second.gate.callback(None)
    assert not started.called and underWay(outer) == [first]
    first.gate.callback(None)
    assert result_of(started) is None and underWay(outer) == []
    assert collect(Service()).startService() is None


def test_a_late_failure_is_that_of_the_whole(logged: list[dict[str, Any]]) -> None:
    first, second = Slow("first"), Slow("second")
    started = collect(first, second).startService()
    assert started is not None
    failures: list[Any] = []
    started.addErrback(failures.append)
    second.gate.errback(ValueError("too late"))
    assert [str(failure.value) for failure in failures] == ["too late"]
    assert failures[0].value.__notes__ == ["in the start of Slow 'second'"]
    assert logged == []
    first.gate.errback(ValueError("later still"))  # nobody hears of that one otherwise
    assert [event["service"] for event in logged] == ["Slow 'first'"]


def test_a_stop_cancels_a_start_first(logged: list[dict[str, Any]]) -> None:
    slow = Slow("slow")
    cancelled: list[int] = []
    slow.gate = Deferred(lambda _: cancelled.append(slow.stops))
    collection = collect(slow)
    collection.startService()
    assert result_of(collection.stopService()) == [(True, None)]
    assert (cancelled, slow.stops, logged) == ([0], 1, [])


def test_the_privileged_part_is_waited_for_too() -> None:
    class Port(Slow):
        def privilegedStartService(self) -> Deferred[None]:
            return self.gate

        def startService(self) -> None:  # type: ignore[override]
            pass

    port, other = Port("port"), Slow("other")
    collection = collect(other, port)
    started = collection.privilegedStartService()
    assert started is not None
    started.cancel()
    started.addErrback(lambda _: None)
    collection.stopService()
    assert (port.stops, other.stops) == (1, 0)  # the other one never began


def test_a_start_gives_the_service_its_own_result_back() -> None:
    slow = Slow("slow")
    collect(slow).startService()
    slow.gate.callback("a port")  # type: ignore[arg-type]
    assert slow.gate.result == "a port"
