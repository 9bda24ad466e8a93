"""Names are looked up with the system's resolver."""

from __future__ import annotations

import asyncio

import pytest

from plait import reactor
from plait.engine import Reactor
from plait.errors import DNSLookupError
from plait.failure import Failure
from tests.conftest import Names


@pytest.mark.parametrize("name, address", [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("", "0.0.0.0")])
async def test_an_address(name: str, address: str) -> None:
    assert await reactor.resolve(name) == address


@pytest.mark.parametrize("name", ["::1", "a" * 64 + ".example", "a..b"])
async def test_what_has_no_ipv4_address(name: str) -> None:
    with pytest.raises(DNSLookupError, match=r"no IPv4 address of '.*' found") as e:
        await reactor.resolve(name)
    assert repr(name) in str(e.value)


def test_it_may_not_take_for_ever(names: Names) -> None:
    names.hold("slow.example")
    loop = asyncio.new_event_loop()
    own = Reactor(loop)
    failures: list[Failure] = []

    def ended(failure: Failure) -> None:
        failures.append(failure)
        own.stop()

    own.resolve("slow.example", (0.01, 0.01)).addErrback(ended)
    own.run(installSignalHandlers=False)
    loop.close()
    assert failures[0].check(DNSLookupError)
    assert "'slow.example' found: it took too long" in failures[0].getErrorMessage()
