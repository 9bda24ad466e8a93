"""A site at a free port, and a client in a thread that asks it."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any, NamedTuple

from plait import reactor
from plait.engine import deferToThread
from plait.web.site import Site


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Serving:
    """Serves a resource while the block runs."""

    def __init__(self, resource: Any, **options: Any) -> None:
        self.site = Site(resource, **options)
        self.site.noisy = False

    async def __aenter__(self) -> Serving:
        self._port = reactor.listenTCP(0, self.site, interface="127.0.0.1")
        self.port = self._port.getHost().port
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._port.stopListening()
        for channel in list(self.site.channels):
            channel.abortConnection()

    async def ask(
        self, path: str = "/", method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        [answer] = await self.talk((method, path, body, headers or {}))
        return answer

    async def talk(self, *requests: tuple[str, str, bytes | None, dict[str, str]]) -> list[Answer]:
        """Several, one after the other on one connection."""

        def ask() -> list[Answer]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            answers = []
            for method, path, body, headers in requests:
                connection.request(method, path, body, headers)
                got = connection.getresponse()
                answers.append(Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read()))
            connection.close()
            return answers

        return await self.call(ask)

    async def call(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread."""
        return await deferToThread(function)
