"""Sessions, their end and their bound."""

from __future__ import annotations

from typing import Any

from plait.task import Clock
from plait.web.resource import Resource
from plait.web.session import Session
from plait.web.site import Site
from tests.web.serving import Serving


def site() -> tuple[Site, Clock]:
    clock = Clock()
    return Site(Resource(), reactor=clock), clock


def test_it_ends_when_it_is_not_touched() -> None:
    place, clock = site()
    session = place.makeSession()
    ended: list[object] = []
    session.notifyOnExpire(lambda: ended.append(session))
    clock.advance(session.sessionTimeout - 1)
    session.touch()
    clock.advance(session.sessionTimeout - 1)
    assert place.getSession(session.uid) is session and not ended
    clock.advance(1)
    assert ended == [session] and not place.sessions and not clock.getDelayedCalls()


def test_there_are_not_more_than_so_many() -> None:
    place, clock = site()
    place.maxSessions = 3
    first, second, third = (place.makeSession() for _ in range(3))
    ended: list[object] = []
    for session in (first, second, third):
        session.notifyOnExpire(lambda session=session: ended.append(session))
    first.touch()
    fourth = place.makeSession()
    assert ended == [second] and list(place.sessions.values()) == [third, first, fourth]
    assert len(clock.getDelayedCalls()) == 3


def test_names_cannot_be_guessed() -> None:
    place, _ = site()
    place.maxSessions = 50
    names = {place.makeSession().uid for _ in range(100)}
    assert len(names) == 100 and all(len(name) == 40 for name in names)


def test_components() -> None:
    place, _ = site()
    session = place.makeSession()

    class Basket:
        def __init__(self, session: Session) -> None:
            self.session = session

    basket = session.getComponent(Basket)
    assert basket.session is session and session.getComponent(Basket) is basket
    session.unsetComponent(Basket)
    assert session.getComponent(Basket) is not basket


class Counting(Resource):
    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        session = request.getSession()
        session.count = getattr(session, "count", 0) + 1
        return b"%d" % session.count


async def test_by_cookie() -> None:
    async with Serving(Counting()) as serving:
        first = await serving.ask()
        cookie = first.headers["set-cookie"]
        assert first.body == b"1" and "HttpOnly" in cookie and "samesite=lax" in cookie.lower()
        back = {"Cookie": cookie.partition(";")[0]}
        second, third = await serving.talk(
            ("GET", "/", None, back), ("GET", "/", None, {"Cookie": "TWISTED_SESSION=x"})
        )
        assert second.body == b"2" and "set-cookie" not in second.headers
        assert third.body == b"1" and "set-cookie" in third.headers
        for session in list(serving.site.sessions.values()):
            session.expire()
