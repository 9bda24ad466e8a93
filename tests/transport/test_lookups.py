"""The threads that look names up: how many there are, who waits for whom, and what comes of those who do not want to wait."""

import asyncio
import contextvars
import socket
import threading

import pytest

from plait.deferred import CancelledError, gatherResults
from plait.log import capturedLogs
from plait.transport.lookups import Lookups

WHERE = "192.0.2.1"  # what the fixture `names` gives for a name that was held


class Room(Lookups):
    """Asks for the loop that runs."""

    def look_up(self, host, port=80, **options):
        return self.ask(asyncio.get_running_loop(), host, port, **options)


def hosts(answer):
    return [where for *_, where in answer]


async def test_as_many_as_there_may_be_ask_at_once_and_the_others_in_their_turn(names):
    room = Room(limit=2)
    names.hold("a.invalid", "b.invalid", "c.invalid", "d.invalid")
    found = [room.look_up(f"{letter}.invalid") for letter in "abcd"]
    names.wait_until_asked(2)
    assert room.threads == 2 and sorted(names.asked) == ["a.invalid", "b.invalid"]
    names.release("b.invalid")
    assert hosts(await found[1]) == [(WHERE, 80)]
    names.wait_until_asked(3)
    assert names.asked[2:] == ["c.invalid"] and not found[0].called
    names.release("c.invalid", "d.invalid", "a.invalid")
    await gatherResults([found[0], *found[2:]])
    assert names.asked[2:] == ["c.invalid", "d.invalid"] and room.threads == 2


async def test_a_thread_that_is_free_is_taken_before_another_is_made(names):
    room = Room()
    for name in ("a.invalid", "b.invalid", "c.invalid"):
        names.answers[name] = WHERE
        assert hosts(await room.look_up(name)) == [(WHERE, 80)]
    assert room.threads == 1 and len(set(names.threads)) == 1


async def test_one_that_is_free_does_not_count_for_two(names):
    room = Room()
    names.hold("a.invalid", "b.invalid")
    await room.look_up("localhost")
    found = [room.look_up("a.invalid"), room.look_up("b.invalid")]
    names.wait_until_asked(3)  # which would not be before one of them is released
    names.release("a.invalid", "b.invalid")
    await gatherResults(found)


async def test_threads_without_work_end_and_others_are_made_later(names):
    room = Room(idle=0)
    await room.look_up("localhost")
    names.threads[0].join(30)
    assert room.threads == 0
    await room.look_up("localhost")
    assert len(set(names.threads)) == 2


async def test_a_name_under_way_is_not_asked_for_again(names):
    room = Room()
    names.hold("a.invalid")
    found = [room.look_up("a.invalid", port) for port in (80, 443)]
    other = room.look_up("a.invalid", 80, family=socket.AF_INET)
    names.wait_until_asked(2)
    names.release("a.invalid")
    assert [hosts(answer) for answer in await gatherResults(found)] == [[(WHERE, 80)], [(WHERE, 443)]]
    await other
    assert names.asked == ["a.invalid", "a.invalid"], "another family is another question"
    await room.look_up("a.invalid")
    assert len(names.asked) == 3, "nothing is kept"


async def test_who_waits_no_longer_leaves_the_queue(names):
    room = Room(limit=1)
    names.hold("a.invalid", "b.invalid", "c.invalid")
    first, second, third = [room.look_up(f"{letter}.invalid") for letter in "abc"]
    names.wait_until_asked(1)
    second.cancel()
    with pytest.raises(CancelledError):
        await second
    names.release("a.invalid", "c.invalid")
    await first
    assert hosts(await third) == [(WHERE, 80)]
    assert names.asked == ["a.invalid", "c.invalid"], "for the second, nobody was asked"


@pytest.mark.parametrize("limit", [1, 2], ids=["in the queue", "under way"])
async def test_who_waits_no_longer_leaves_the_others_their_answer(names, limit):
    room = Room(limit=limit)
    names.hold("a.invalid", "b.invalid")
    first, one, other = room.look_up("a.invalid"), room.look_up("b.invalid"), room.look_up("b.invalid")
    names.wait_until_asked(limit)
    one.cancel()
    with pytest.raises(CancelledError):
        await one
    names.release("a.invalid", "b.invalid")
    assert hosts(await other) == [(WHERE, 80)]
    await first


@pytest.mark.parametrize("address, where", [("127.0.0.1", ("127.0.0.1", 80)), ("::1", ("::1", 80, 0, 0))])
async def test_an_address_needs_nobody(names, address, where):
    room = Room(limit=0)
    found = room.look_up(address)
    assert found.called and hosts(await found) == [where]
    assert room.threads == 0 and names.asked == []


@pytest.mark.parametrize("family, address", [(socket.AF_INET, "::1"), (socket.AF_INET6, "127.0.0.1")])
async def test_an_address_of_another_family_is_an_error(family, address):
    with pytest.raises(socket.gaierror):
        await Room().look_up(address, family=family)


async def test_without_any_thread_it_fails(names, monkeypatch):
    def no_more(thread):
        raise RuntimeError("can't start new thread")

    room = Room()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more)
        with pytest.raises(OSError, match="no thread"):
            await room.look_up("localhost")
    assert await room.look_up("localhost")


async def test_where_all_are_stuck_some_more_are_made_and_it_is_told_once(names):
    room = Room(limit=1, hard_limit=3, patience=0)
    names.hold("a.invalid", "b.invalid", "c.invalid", "d.invalid")
    with capturedLogs() as logs:
        found = [room.look_up(f"{letter}.invalid") for letter in "abcd"]
        while len(names.asked) < 3:
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)  # a turn of the loop, in which it may be seen again that all are stuck
        assert names.asked == ["a.invalid", "b.invalid", "c.invalid"] and room.threads == 3
        assert len([event for event in logs if "resolver has not answered" in event["log_format"]]) == 1
    names.release("c.invalid", "d.invalid")
    await gatherResults(found[2:])
    names.release("a.invalid", "b.invalid")
    await gatherResults(found[:2])


async def test_each_is_told_in_the_context_in_which_he_asked(names):
    who = contextvars.ContextVar("who")
    room = Room()
    names.hold("a.invalid")
    told = []

    def ask(name):
        who.set(name)
        return room.look_up("a.invalid").addCallback(lambda _: told.append(who.get()))

    found = [contextvars.copy_context().run(ask, name) for name in ("one", "other")]
    names.release("a.invalid")
    await gatherResults(found)
    assert told == ["one", "other"]


async def test_a_loop_that_is_closed_meanwhile_does_no_harm(names):
    room = Room(limit=1)
    names.hold("a.invalid")
    closed = asyncio.new_event_loop()
    gone = room.ask(closed, "a.invalid", 80)
    closed.close()
    here = room.look_up("a.invalid")
    names.release("a.invalid")
    assert hosts(await here) == [(WHERE, 80)] and not gone.called
    await room.look_up("localhost")
    assert len(set(names.threads)) == 1, "the thread goes on"
