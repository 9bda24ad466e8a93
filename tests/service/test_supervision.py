"""Supervisors: who is started again, in what order, how often, and that nothing ever runs twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.deferred import Deferred
from plait.failure import Failure
from plait.log import capturedLogs
from plait.service import Job, MultiService, Service, StopTimeoutError, Supervisor, TooManyRestartsError, backoff
from plait.task import Clock


class StoppableClock(Clock):
    """A clock that can be stopped as a reactor is, for a supervisor that ends the program."""

    stopped = 0

    def stop(self) -> None:
        self.stopped += 1


class Part(Service):
    """Writes down what happens to it, takes as long as it is told, and sees to it that it runs once."""

    def __init__(self, events: list[str], label: str) -> None:
        self.events = events
        self.label = label
        self.fails: list[BaseException] = []
        self.slow_start = self.slow_stop = False
        self.starting: Deferred[Any] | None = None
        self.stopping: Deferred[Any] | None = None
        self.lives = 0

    def startService(self) -> Any:
        assert self.lives == 0, f"{self.label} runs twice"
        self.events.append(f"start {self.label}")
        if self.fails:
            raise self.fails.pop()
        super().startService()
        self.lives += 1
        if self.slow_start:
            self.starting = Deferred()
        return self.starting

    def stopService(self) -> Any:
        super().stopService()
        self.events.append(f"stop {self.label}")
        if self.slow_stop and self.lives:
            self.stopping = Deferred()
            return self.stopping.addCallback(self.ended)
        return self.ended(None)

    def ended(self, _: object) -> None:
        self.lives = 0

    def crash(self, error: BaseException | None = None) -> None:
        self.reportFailure(error or ValueError(f"{self.label} is broken"))


class Scene:
    """A supervisor with parts a, b, c on a clock."""

    def __init__(self, strategy: Any = "one_for_one", labels: str = "abc", **options: Any) -> None:
        self.clock = StoppableClock()
        self.events: list[str] = []
        options.setdefault("backoffPolicy", backoff(1.0, 60.0, 2.0, 0.0))
        self.supervisor = Supervisor(strategy, reactor=self.clock, **options)
        self.parts = {label: Part(self.events, label) for label in labels}
        for part in self.parts.values():
            part.setServiceParent(self.supervisor)

    def __getattr__(self, label: str) -> Part:
        return self.parts[label]

    def start(self) -> Scene:
        self.supervisor.privilegedStartService()
        self.supervisor.startService()
        return self

    def news(self) -> list[str]:
        news = list(self.events)
        self.events.clear()
        return news


@pytest.fixture
def logged() -> Any:
    with capturedLogs() as events:
        yield events


@pytest.mark.parametrize(
    ("strategy", "stopped", "started"),
    [
        ("one_for_one", ["stop b"], ["start b"]),
        ("rest_for_one", ["stop c", "stop b"], ["start b", "start c"]),
        ("one_for_all", ["stop c", "stop b", "stop a"], ["start a", "start b", "start c"]),
    ],
)
def test_strategies(strategy: str, stopped: list[str], started: list[str], logged: Any) -> None:
    scene = Scene(strategy).start()
    assert scene.news() == ["start a", "start b", "start c"]
    scene.b.crash()
    assert scene.news() == stopped
    scene.clock.advance(0.99)
    assert scene.news() == []
    scene.clock.advance(0.01)
    assert scene.news() == started
    assert [child.restarts for child in scene.supervisor.children] == [f"start {p}" in started for p in "abc"]
    result: list[Any] = []
    scene.supervisor.stopService().addCallback(result.append)
    assert scene.news() == ["stop c", "stop b", "stop a"] and result == [None]


def test_a_restart_is_logged_with_its_cause(logged: Any) -> None:
    scene = Scene().start()
    scene.b.setName("mail") if scene.b.parent is None else None
    scene.b.crash(OSError("the disk is full"))
    (event,) = logged
    assert event["log_failure"].check(OSError) and event["child"] == "Part" and event["delay"] == 1.0
    assert "starting {what} again" in event["log_format"]


def test_the_wait_grows_and_begins_anew_after_a_good_time(logged: Any) -> None:
    scene = Scene(maxRestarts=None, period=5.0, labels="a").start()
    for wait in (1.0, 2.0, 4.0):
        scene.a.crash()
        scene.news()
        scene.clock.advance(wait * 0.99)
        assert scene.news() == []
        scene.clock.advance(wait)
        assert scene.news() == ["start a"]
    scene.clock.advance(5.0)
    scene.a.crash()
    scene.news()
    scene.clock.advance(1.0)
    assert scene.news() == ["start a"]


def test_one_that_waits_does_not_hold_up_another(logged: Any) -> None:
    scene = Scene(maxRestarts=None).start()
    scene.a.crash()
    scene.clock.advance(1.0)
    scene.a.crash()  # now it waits for two seconds
    scene.clock.advance(0.5)
    scene.c.crash()
    scene.news()
    scene.clock.advance(1.0)
    assert scene.news() == ["start c"]
    scene.clock.advance(0.5)
    assert scene.news() == ["start a"]


def test_too_many_restarts_end_the_program(logged: Any) -> None:
    scene = Scene(maxRestarts=2, period=100.0).start()
    for _ in range(2):
        scene.a.crash()
        scene.clock.advance(10.0)
    scene.news()
    scene.b.crash(OSError("no"))
    assert scene.news() == ["stop b", "stop c", "stop a"]
    assert scene.clock.stopped == 1 and not scene.supervisor.running
    assert scene.supervisor.gaveUp is not None
    assert scene.supervisor.gaveUp.check(TooManyRestartsError)
    assert isinstance(scene.supervisor.gaveUp.value.__cause__, OSError)
    assert "more than 2 times within 100 s" in scene.supervisor.gaveUp.getErrorMessage()
    assert scene.clock.getDelayedCalls() == []


def test_the_failure_goes_up(logged: Any) -> None:
    scene = Scene(maxRestarts=1, period=100.0, labels="ab")
    above = Supervisor(reactor=scene.clock, backoffPolicy=lambda n: 3.0)
    scene.supervisor.setServiceParent(above)
    above.startService()
    scene.a.crash()
    scene.clock.advance(1.0)
    scene.a.crash()
    scene.clock.advance(2.0)
    assert scene.clock.stopped == 0 and not scene.supervisor.running and scene.a.lives == 0
    scene.news()
    scene.clock.advance(1.0)
    assert scene.news() == ["start a", "start b"] and scene.supervisor.gaveUp is None


def test_a_part_of_a_part_fails_with_the_whole_part(logged: Any) -> None:
    scene = Scene(labels="")
    group = MultiService()
    parts = [Part(scene.events, label) for label in "xy"]
    for part in parts:
        part.setServiceParent(group)
    group.setServiceParent(scene.supervisor)
    scene.start()
    scene.news()
    parts[0].crash()
    assert scene.news() == ["stop y", "stop x"]
    scene.clock.advance(1.0)
    assert scene.news() == ["start x", "start y"]


def test_without_a_supervisor_a_failure_is_logged(logged: Any) -> None:
    part = Part([], "a")
    part.setServiceParent(MultiService())
    part.crash()
    assert [event["log_failure"].type for event in logged] == [ValueError]


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("failed", [True, False])
def test_who_is_started_again(restart: Any, failed: bool, logged: Any) -> None:
    scene = Scene("one_for_one", labels="a")
    part = Part(scene.events, "x")
    scene.supervisor.addChild(part, restart=restart)
    scene.start()
    scene.news()
    scene.supervisor.childEnded(part, Failure(ValueError()) if failed else None)
    scene.clock.advance(1.0)
    again = restart == "permanent" or (restart == "transient" and failed)
    assert scene.news() == ["stop x", "start x"] if again else ["stop x"]
    assert (part.parent is None) == (restart == "temporary")
    scene.a.crash()
    scene.clock.advance(2.0)
    assert scene.a.lives == 1 and part.lives == again


def test_what_has_done_its_work_is_left_alone_when_all_are_started_again(logged: Any) -> None:
    scene = Scene("one_for_all", labels="a")
    done, brief = Part(scene.events, "done"), Part(scene.events, "brief")
    scene.supervisor.addChild(done, restart="transient")
    scene.supervisor.addChild(brief, restart="temporary")
    scene.start()
    scene.supervisor.childEnded(done)
    scene.news()
    scene.a.crash()
    scene.clock.advance(1.0)
    assert scene.news() == ["stop brief", "stop a", "start a"]
    assert list(scene.supervisor) == [scene.a, done]


def test_each_is_started_when_the_one_before_it_has_been(logged: Any) -> None:
    scene = Scene("one_for_all")
    scene.b.slow_start = True
    scene.start()
    assert scene.news() == ["start a", "start b"]
    assert scene.b.starting is not None
    scene.b.starting.callback(None)
    assert scene.news() == ["start c"]


def test_a_first_start_that_fails_fails_the_start(logged: Any) -> None:
    scene = Scene()
    scene.b.fails = [OSError("no")]
    with pytest.raises(OSError, match="no"):
        scene.start()
    assert scene.news() == ["start a", "start b"]
    scene.supervisor.stopService()
    assert scene.news() == ["stop a"]
    assert scene.start().news() == ["start a", "start b", "start c"]


def test_a_second_start_that_fails_counts_as_a_failure(logged: Any) -> None:
    scene = Scene(maxRestarts=3, labels="ab").start()
    scene.b.fails = [OSError("no")]
    scene.b.crash()
    scene.news()
    scene.clock.advance(1.0)
    assert scene.news() == ["start b", "stop b"]
    scene.clock.advance(2.0)
    assert scene.news() == ["start b"] and scene.b.lives == 1


def test_a_start_that_fails_late(logged: Any) -> None:
    scene = Scene(labels="ab")
    scene.a.slow_start = True
    scene.start()
    scene.a.slow_start = False
    starting, scene.a.starting = scene.a.starting, None
    assert starting is not None
    starting.errback(OSError("no"))
    assert scene.news() == ["start a", "stop a", "start b"]
    scene.clock.advance(1.0)
    assert scene.news() == ["start a"]


def test_a_stop_ends_what_is_under_way(logged: Any) -> None:
    scene = Scene("one_for_all")
    scene.b.slow_start = True
    scene.start()
    scene.supervisor.stopService()
    assert scene.news() == ["start a", "start b", "stop b", "stop a"]
    scene.b.slow_start, scene.b.starting = False, None
    scene.start()
    scene.news()
    scene.a.crash()
    scene.supervisor.stopService()
    scene.clock.advance(100.0)
    assert scene.news() == ["stop c", "stop b", "stop a"]
    assert scene.clock.getDelayedCalls() == []


def test_one_that_does_not_stop_is_never_started_beside_itself(logged: Any) -> None:
    scene = Scene()
    scene.b.slow_stop = True
    scene.start()
    scene.b.crash()
    scene.clock.advance(10.0)
    assert scene.clock.stopped == 0  # it is being stopped with the others, and has its time again
    scene.clock.advance(10.0)
    assert scene.supervisor.gaveUp is not None and scene.supervisor.gaveUp.check(StopTimeoutError)
    assert scene.clock.stopped == 1
    with pytest.raises(StopTimeoutError, match="still stops"):
        scene.supervisor.startService()
    scene.supervisor.stopService()
    assert scene.b.stopping is not None
    scene.b.stopping.callback(None)
    scene.news()
    assert scene.start().news() == ["start a", "start b", "start c"]


def test_children_come_and_go(logged: Any) -> None:
    scene = Scene(labels="ab").start()
    late = Part(scene.events, "late")
    scene.supervisor.addChild(late, name="late")
    assert scene.supervisor.getServiceNamed("late") is late
    scene.news()
    late.crash()
    late.disownServiceParent()
    scene.clock.advance(10.0)
    assert scene.news() == ["stop late"] and late.parent is None
    scene.a.disownServiceParent()
    assert scene.news() == ["stop a"] and list(scene.supervisor) == [scene.b]
    bad = Part(scene.events, "bad")
    bad.fails = [OSError("no")]
    with pytest.raises(OSError, match="no"):
        scene.supervisor.addChild(bad)
    assert list(scene.supervisor) == [scene.b] and len(scene.supervisor.children) == 1


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="unknown strategy 'all': one of one_for_one"):
        Supervisor("all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown restart 'never': one of permanent"):
        Supervisor().addChild(Service(), restart="never")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="async function"):
        Supervisor().addChild(3)
    scene = Scene().start()
    with pytest.raises(RuntimeError, match="runs already"):
        scene.supervisor.startService()


def test_backoff_stays_in_its_bounds() -> None:
    policy = backoff(0.5, 8.0, 2.0, 0.25)
    for n in range(1, 3000, 7):
        base = min(0.5 * 2.0 ** min(n - 1, 50), 8.0)
        assert base * 0.75 <= policy(n) <= base * 1.25
    assert len({policy(3) for _ in range(10)}) > 1


# -- jobs


def test_a_job_runs_ends_and_is_cancelled(logged: Any) -> None:
    scene = Scene(labels="")
    gates: list[Deferred[Any]] = []

    async def work() -> None:
        scene.events.append("begins")
        gates.append(Deferred())
        try:
            await gates[-1]
        finally:
            scene.events.append("is clean")
        scene.events.append("ends")

    job = scene.supervisor.addChild(work, name="work")
    assert isinstance(job, Job)
    scene.start()
    assert scene.news() == ["begins"]
    gates[-1].errback(ValueError("no"))
    assert scene.news() == ["is clean"]
    scene.clock.advance(1.0)
    assert scene.news() == ["begins"]
    gates[-1].callback(None)
    scene.clock.advance(2.0)
    assert scene.news() == ["is clean", "ends", "begins"]
    result: list[Any] = []
    scene.supervisor.stopService().addCallback(result.append)
    assert scene.news() == ["is clean"] and result == [None]
    assert [event["log_failure"].type for event in logged if "log_failure" in event] == [ValueError]


def test_a_job_may_take_its_time_to_end(logged: Any) -> None:
    cleaning: Deferred[Any] = Deferred()

    async def work() -> None:
        try:
            await Deferred()
        finally:
            await cleaning

    job = Job(work)
    job.startService()
    result: list[Any] = []
    job.stopService().addCallback(result.append)
    assert result == []
    cleaning.callback(None)
    assert result == [None]


def test_a_job_alone_logs_its_failure(logged: Any) -> None:
    async def work() -> None:
        raise ValueError("no")

    Job(work).startService()
    assert [event["log_failure"].type for event in logged] == [ValueError]


# -- programs at random


@st.composite
def programs(draw: Any) -> Any:
    step = st.one_of(
        st.tuples(
            st.sampled_from(["crash", "end", "fail next", "slow start", "slow stop", "start ends", "stop ends"]),
            st.sampled_from("abc"),
        ),
        st.tuples(st.just("advance"), st.sampled_from([0.1, 1.0, 3.0, 20.0])),
        st.tuples(st.sampled_from(["stop", "start"]), st.none()),
    )
    restarts = draw(st.lists(st.sampled_from(["permanent", "transient", "temporary"]), min_size=3, max_size=3))
    strategy = draw(st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]))
    return strategy, restarts, draw(st.sampled_from([None, 1, 3])), draw(st.lists(step, max_size=25))


@settings(max_examples=300, deadline=None)
@given(program=programs())
def test_nothing_runs_twice_and_nothing_is_left(program: Any) -> None:
    """`Part` sees to it that it runs once; here, that order is kept, and that after a stop nothing runs or waits."""
    strategy, restarts, limit, steps = program
    with capturedLogs():
        scene = Scene(strategy, labels="", maxRestarts=limit)
        for label, restart in zip("abc", restarts, strict=True):
            scene.parts[label] = Part(scene.events, label)
            scene.supervisor.addChild(scene.parts[label], restart=restart)
        parts = scene.parts
        scene.start()
        for what, argument in steps:
            if what == "advance":
                scene.clock.pump([argument / 4] * 4)
            elif what == "stop":
                scene.supervisor.stopService()
            elif what == "start":
                try:
                    scene.supervisor.startService()
                except (RuntimeError, OSError, StopTimeoutError):
                    pass
            else:
                part = parts[argument]
                if what == "crash":
                    part.crash()
                elif what == "end" and part.parent is not None:
                    scene.supervisor.childEnded(part)
                elif what == "fail next":
                    part.fails = [OSError("no")]
                elif what.startswith("slow"):
                    setattr(part, what.replace(" ", "_"), True)
                else:
                    name = "starting" if what == "start ends" else "stopping"
                    waiting = getattr(part, name)
                    if waiting is not None and not waiting.called:
                        waiting.callback(None)
            running = [label for label in "abc" if parts[label].lives and parts[label].parent is not None]
            states = {child.service.label: child.state for child in scene.supervisor.children}
            for label in running:
                # one that has had its time for stopping, and still stops, may be due again (its start is refused), or done
                stopping = parts[label].stopping
                late = stopping is not None and not stopping.called and states[label] in ("due", "done")
                assert late or states[label] in ("starting", "running", "broken", "stopping"), (label, states)
            for label, state in states.items():
                assert state != "running" or label in running, (label, states)
            if strategy == "rest_for_one" and scene.supervisor.running:
                # nobody runs before those that it needs have been started
                labels = [child.service.label for child in scene.supervisor.children if child.state != "done"]
                waiting = [label for label in labels if states[label] == "due"]
                assert not waiting or all(states[label] != "starting" for label in labels[labels.index(waiting[0]) :])
        scene.supervisor.stopService()
        for part in parts.values():
            part.slow_start = part.slow_stop = False
        for _ in range(8):
            for part in parts.values():
                for waiting in (part.starting, part.stopping):
                    if waiting is not None and not waiting.called:
                        waiting.callback(None)
            scene.clock.advance(15.0)
        assert [label for label in "abc" if parts[label].lives] == []
        assert scene.clock.getDelayedCalls() == []
