"""Look-ups as objects, and resolvers of one kind made of the other."""

import socket

import pytest

from plait import Deferred
from plait.deferred import fail, succeed
from plait.errors import DNSLookupError
from plait.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
    IResolverSimple,
    implementer,
    verifyObject,
)
from plait.task import Clock
from plait.transport import IPv4Address, IPv6Address
from plait.transport.names import Collected, FromSimpleResolver, SystemResolver, ToSimpleResolver, ask

FOUR = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80))
SIX = (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("2001:db8::1", 80, 3, 0))
OTHER = (1, socket.SOCK_STREAM, 0, "", "/a/path")


@implementer(IResolutionReceiver)
class Receiver:
    def __init__(self):
        self.told = []

    def resolutionBegan(self, resolutionInProgress):
        assert verifyObject(IHostResolution, resolutionInProgress)
        self.told.append(resolutionInProgress.name)

    def addressResolved(self, address):
        self.told.append(address)

    def resolutionComplete(self):
        self.told.append("complete")


@implementer(IResolverSimple)
class Simple:
    def __init__(self, answer):
        self.answer = answer

    def getHostByName(self, name, timeout=()):
        self.asked = name, timeout
        return self.answer


def message_of(found):
    """What the DNSLookupError of a Deferred says."""
    errors = []
    found.addErrback(lambda failure: errors.append(failure.trap(DNSLookupError) and failure.value.args[0]))
    return errors[0]


def test_the_system_is_asked_for_what_is_wanted():
    asked = []
    resolver = SystemResolver(lambda *question: asked.append(question) or succeed([]))
    assert verifyObject(IHostnameResolver, resolver)
    for kinds in (None, [IPv4Address], [IPv6Address], [IPv6Address, IPv4Address]):
        resolver.resolveHostName(Receiver(), "a.example", 80, kinds)
    resolver.resolveHostName(Receiver(), "a.example", transportSemantics="UDP")
    both, stream = socket.AF_UNSPEC, socket.SOCK_STREAM
    assert asked == [
        ("a.example", 80, both, stream),
        ("a.example", 80, socket.AF_INET, stream),
        ("a.example", 80, socket.AF_INET6, stream),
        ("a.example", 80, both, stream),
        ("a.example", 0, both, socket.SOCK_DGRAM),
    ]


def test_the_receiver_is_told_of_each_address_and_then_the_end():
    answer, receiver = Deferred(), Receiver()
    resolution = SystemResolver(lambda *_: answer).resolveHostName(receiver, "a.example")
    assert resolution.name == "a.example" and receiver.told == ["a.example"]
    answer.callback([FOUR, OTHER, SIX])
    addresses = [IPv4Address("TCP", "192.0.2.1", 80), IPv6Address("UDP", "2001:db8::1", 80, 3)]
    assert receiver.told == ["a.example", *addresses, "complete"]


@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "unknown"), UnicodeError("label too long"), DNSLookupError("no")]
)
def test_a_name_that_has_none_is_no_error(error):
    receiver = Receiver()
    SystemResolver(lambda *_: fail(error)).resolveHostName(receiver, "a.example")
    assert receiver.told == ["a.example", "complete"]


def test_any_other_error_is_logged(flushLoggedErrors):
    receiver = Receiver()
    FromSimpleResolver(Simple(fail(ZeroDivisionError()))).resolveHostName(receiver, "a.example")
    assert receiver.told == ["a.example", "complete"]
    assert len(flushLoggedErrors(ZeroDivisionError)) == 1


def test_a_look_up_that_is_cancelled_finds_nothing():
    cancelled, receiver = [], Receiver()
    answer = Deferred(cancelled.append)
    SystemResolver(lambda *_: answer).resolveHostName(receiver, "a.example").cancel()
    assert cancelled == [answer]
    assert receiver.told == ["a.example", "complete"]


@pytest.mark.parametrize("host, kind", [("192.0.2.1", IPv4Address), ("2001:db8::1", IPv6Address)])
def test_an_older_resolver_knows_one_address(host, kind):
    receiver, simple = Receiver(), Simple(succeed(host))
    FromSimpleResolver(simple).resolveHostName(receiver, "a.example", 80, transportSemantics="UDP")
    assert receiver.told == ["a.example", kind("UDP", host, 80), "complete"]
    assert simple.asked == ("a.example", ())


def test_an_older_resolver_is_asked_for_names_as_they_are_on_the_wire():
    simple = Simple(succeed("192.0.2.1"))
    FromSimpleResolver(simple).resolveHostName(Receiver(), "bücher.example")
    assert simple.asked == ("xn--bcher-kva.example", ())
    receiver = Receiver()
    FromSimpleResolver(simple).resolveHostName(receiver, "ü" * 64)
    assert receiver.told == ["ü" * 64, "complete"]
    assert simple.asked == ("xn--bcher-kva.example", ())


def test_a_newer_resolver_gives_the_first_ipv4_address():
    resolver = ToSimpleResolver(SystemResolver(lambda *_: succeed([SIX, FOUR])))
    assert verifyObject(IResolverSimple, resolver)
    assert resolver.getHostByName("a.example").result == "192.0.2.1"


def test_no_ipv4_address():
    found = ToSimpleResolver(SystemResolver(lambda *_: succeed([SIX]))).getHostByName("a.example")
    assert message_of(found) == "no IPv4 address of 'a.example' found"


def test_why_there_is_none_is_told_on():
    unknown = SystemResolver(lambda *_: fail(socket.gaierror(-2, "unknown")))
    assert message_of(ToSimpleResolver(unknown).getHostByName("a.example")) == (
        "no IPv4 address of 'a.example' found: [Errno -2] unknown"
    )
    assert message_of(ask(unknown, "a.example")) == "no address of 'a.example' found: [Errno -2] unknown"


def test_the_sum_of_the_timeouts_is_the_limit():
    clock, cancelled = Clock(), []
    answer = Deferred(cancelled.append)
    found = ToSimpleResolver(SystemResolver(lambda *_: answer), clock).getHostByName("a.example", (1, 3))
    clock.advance(3.9)
    assert not cancelled
    clock.advance(0.2)
    assert cancelled == [answer]
    assert message_of(found) == "no IPv4 address of 'a.example' found: it took too long"


def test_what_was_not_asked_for_is_left_out():
    resolver = SystemResolver(lambda *_: succeed([FOUR, SIX]))
    assert ask(resolver, "a.example", 80, [IPv4Address]).result == [IPv4Address("TCP", "192.0.2.1", 80)]


def test_a_resolver_that_cannot_be_stopped_is_heard_no_more():
    class Stubborn:
        def cancel(self):
            raise NotImplementedError

    collected = Collected("a.example", [IPv4Address])
    collected.resolutionBegan(Stubborn())
    collected.found.addErrback(lambda _: "cancelled")
    collected.found.cancel()
    collected.addressResolved(IPv4Address("TCP", "192.0.2.1", 80))
    collected.resolutionComplete()
    assert collected.found.result == "cancelled"
