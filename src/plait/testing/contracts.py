"""Contracts: whether a transport, a protocol, a producer, a consumer or an address of yours keeps what its interface
promises.

The interfaces of `plait.interfaces` say what to call; a type checker and `verifyObject` see whether it is there. These
checks see whether it behaves. Each raises `ContractError`, which says what was promised and what came.

    def test_my_protocol():
        checkProtocol(MyProtocol, b"ping\\r\\nquit\\r\\n", b"pong\\r\\n")

What takes two ends to see is in `plait.testing.connections`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plait.errors import ConnectionDone
from plait.failure import Failure
from plait.interfaces import (
    IAddress,
    IConsumer,
    IProtocol,
    IPullProducer,
    IPushProducer,
    ITransport,
    verifyObject,
)
from plait.testing.transports import StringTransport

__all__ = [
    "ContractError",
    "checkAddress",
    "checkConsumer",
    "checkProtocol",
    "checkPullProducer",
    "checkPushProducer",
    "checkTransport",
]

# How many pieces a pull producer may give before it is taken for one that never ends.
_PIECES = 10_000


class ContractError(AssertionError):
    """Something does not behave as its interface promises: `promised` says what that is, `found` what came instead."""

    def __init__(self, promised: str, found: str) -> None:
        super().__init__(f"promised: {promised}\n   found: {found}")
        self.promised = promised
        self.found = found


def expect(kept: object, promised: str, found: str) -> None:
    if not kept:
        raise ContractError(promised, found)


def provides(interface: Any, thing: object) -> None:
    """`thing` has all that the interface names, and says that it provides it."""
    try:
        verifyObject(interface, thing)
    except Exception as wrong:
        raise ContractError(f"{thing!r} provides {interface.__name__}", str(wrong)) from wrong


@contextmanager
def works(promised: str) -> Iterator[None]:
    """What the block calls raises nothing."""
    try:
        yield
    except ContractError:
        raise
    except Exception as wrong:
        raise ContractError(promised, f"it raised {wrong!r}") from wrong


def raises(error: type[Exception], promised: str, function: Callable[..., object], *args: object) -> None:
    try:
        function(*args)
    except error:
        return
    except Exception as wrong:
        raise ContractError(promised, f"it raised {wrong!r}") from wrong
    raise ContractError(promised, "it raised nothing")


# -- addresses


def checkAddress(make: Callable[[], Any], other: Any = None) -> None:
    """What `make` returns is an `IAddress`, and a value: two that are made alike are equal, with one hash.

    `other`, if given, is an address that must not be equal to it.
    """
    one, two = make(), make()
    provides(IAddress, one)
    expect(
        one == two and not (one != two),  # noqa: SIM202
        "two addresses that are made alike are equal",
        f"{one!r} and {two!r} are not",
    )
    with works("an address can be the key of a dict"):
        expect(hash(one) == hash(two), "equal addresses have one hash", f"{hash(one)} and {hash(two)}")
    expect(one != object() and one != other, "an address is equal to no other thing", f"{one!r} is")


# -- consumers and producers


class Source:
    """A producer that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pauseProducing")

    def resumeProducing(self) -> None:
        self.told.append("resumeProducing")

    def stopProducing(self) -> None:
        self.told.append("stopProducing")


class _Sink:
    """A consumer that counts what is written, and knows its producer."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.wrong: list[object] = []
        self.writes = 0
        self.producer: Any = None
        self.streaming: bool | None = None
        self.unregistered = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.producer is not None:
            raise RuntimeError("there is a producer already")
        self.producer, self.streaming = producer, streaming

    def unregisterProducer(self) -> None:
        self.producer = None
        self.unregistered += 1

    def write(self, data: bytes) -> None:
        self.writes += 1
        if isinstance(data, (bytes, bytearray, memoryview)):
            self.written += data
        else:
            self.wrong.append(data)

    def check(self) -> None:
        """Only bytes were written. Seen here, as the producer may keep what `write` raises to itself."""
        expect(not self.wrong, "a producer writes bytes", f"it wrote {self.wrong[:1]!r:.60}")


def checkConsumer(consumer: Any) -> None:
    """`consumer`, which has no producer, takes one at a time, lets it begin by itself, and lets it go."""
    for method in ("registerProducer", "unregisterProducer", "write"):
        expect(callable(getattr(consumer, method, None)), f"a consumer has {method}", f"{consumer!r} has none")
    provides(IConsumer, consumer)
    first, second = Source(), Source()
    with works("registerProducer takes a producer"):
        consumer.registerProducer(first, True)
    expect(
        "resumeProducing" not in first.told and "stopProducing" not in first.told,
        "a push producer begins by itself, and is not told to when it is registered",
        f"it was told {first.told}",
    )
    promised = "registerProducer raises RuntimeError if there is a producer already"
    raises(RuntimeError, promised, consumer.registerProducer, second, True)
    expect(not second.told, "a producer that is refused is told nothing", f"it was told {second.told}")
    with works("after unregisterProducer another can be registered"):
        consumer.unregisterProducer()
        consumer.registerProducer(second, True)
        consumer.unregisterProducer()
    expect(
        "stopProducing" not in first.told, "unregisterProducer does not stop the producer", "stopProducing was called"
    )


def checkPushProducer(makeProducer: Callable[[Any], Any], run: Callable[[], object]) -> None:
    """What ``makeProducer(consumer)`` returns is an `IPushProducer`: it writes by itself, and not while it is paused.

    `run` lets it work for a while, as by moving its clock; it is called some times, and has to give it enough time for
    at least one write.
    """
    sink = _Sink()
    producer = makeProducer(sink)
    provides(IPushProducer, producer)
    with works("a push producer can be paused, twice too, and resumed, twice too"):
        run()
        sink.check()
        expect(sink.writes, "a push producer writes by itself", "it wrote nothing while it was run")
        producer.pauseProducing()
        producer.pauseProducing()
        before = sink.writes
        run()
        expect(sink.writes == before, "it does not write while it is paused", f"it wrote {sink.writes - before} times")
        producer.resumeProducing()
        producer.resumeProducing()
        run()
        expect(sink.writes > before, "it goes on after resumeProducing", "it wrote nothing more while it was run")
    with works("a push producer can be stopped"):
        producer.stopProducing()
        before = sink.writes
        run()
    expect(sink.writes == before, "it writes nothing after stopProducing", f"it wrote {sink.writes - before} times")


def checkPullProducer(makeProducer: Callable[[Any], Any], run: Callable[[], object] = lambda: None) -> None:
    """What ``makeProducer(consumer)`` returns is an `IPullProducer`: it writes a piece each time that it is asked.

    When it has no more it unregisters itself, once. `run`, if given, lets it work after each time.
    """
    sink = _Sink()
    producer = makeProducer(sink)
    provides(IPullProducer, producer)
    sink.producer = producer
    run()
    expect(not sink.writes, "a pull producer writes when it is asked", "it wrote before")
    with works("resumeProducing can be called until the producer unregisters itself"):
        for _ in range(_PIECES):
            before = sink.writes
            producer.resumeProducing()
            run()
            sink.check()
            if sink.producer is None:
                break
            expect(sink.writes > before, "it writes a piece each time that it is asked", "it wrote nothing")
            expect(sink.writes == before + 1, "it writes one piece at a time", f"it wrote {sink.writes - before} times")
        else:
            raise ContractError("it unregisters itself at its end", f"it has not after {_PIECES} pieces")
    expect(sink.unregistered == 1, "it unregisters itself once", f"it did so {sink.unregistered} times")
    sink = _Sink()
    producer = makeProducer(sink)
    sink.producer = producer
    with works("a pull producer can be stopped"):
        producer.stopProducing()
        run()
    expect(not sink.writes, "it writes nothing after stopProducing", f"it wrote {bytes(sink.written)!r:.60}")


# -- protocols


def checkProtocol(
    makeProtocol: Callable[[], Any],
    received: bytes,
    sent: bytes | None = None,
    makeTransport: Callable[[], StringTransport] = StringTransport,
) -> bytes:
    """A protocol answers the bytes `received` in the same way wherever the network cuts them. Returns what it sent.

    `sent`, if given, is what it has to send. `makeProtocol` makes a fresh one each time. It is then told that the
    connection is lost, and must bear it, and write nothing more.
    """
    whole = _converse(makeProtocol, makeTransport, [received])
    if sent is not None:
        expect(whole == sent, f"the protocol sends {sent!r}", f"it sent {whole!r}")
    cuts = {"byte by byte": [received[n : n + 1] for n in range(len(received))]}
    for place in {len(received) // 3, len(received) // 2, len(received) - 1} - {0, -1}:
        cuts[f"cut after {place} bytes"] = [received[:place], received[place:]]
    for how, pieces in cuts.items():
        answer = _converse(makeProtocol, makeTransport, pieces)
        promised = f"what the protocol sends does not depend on where the network cuts ({whole!r} at one go)"
        expect(answer == whole, promised, f"it sent {answer!r} when it got its bytes {how}")
    return whole


def _converse(
    makeProtocol: Callable[[], Any], makeTransport: Callable[[], StringTransport], pieces: list[bytes]
) -> bytes:
    protocol, transport = makeProtocol(), makeTransport()
    provides(IProtocol, protocol)
    with works("a protocol takes a connection"):
        protocol.makeConnection(transport)
    expect(protocol.transport is transport, "makeConnection sets `transport`", f"it is {protocol.transport!r}")
    for piece in pieces:
        if transport.disconnecting:
            break  # It has asked for the end, and a transport may hand over nothing more.
        with works(f"a protocol bears what it is sent, as {piece!r:.60}"):
            protocol.dataReceived(piece)
    answer = transport.value()
    with works("a protocol bears the loss of its connection"):
        protocol.connectionLost(Failure(ConnectionDone()))
    late = transport.value()[len(answer) :]
    expect(not late, "a protocol writes nothing when its connection is lost", f"it wrote {late!r:.60}")
    return answer


# -- transports


def checkTransport(transport: Any) -> None:
    """`transport`, which is connected and not used yet, keeps what `ITransport` and `IConsumer` promise by itself.

    It is closed with this. What takes two ends to see is for `checkConnection`.
    """
    provides(ITransport, transport)
    with works("a transport knows its addresses"):
        for address in (transport.getHost(), transport.getPeer()):
            provides(IAddress, address)
    for wrong in ("text", None, 1):
        raises(TypeError, f"write raises TypeError for {wrong!r}", transport.write, wrong)
    with works("a transport writes bytes, whole and in parts, and none at all"):
        transport.write(b"")
        transport.write(b"a")
        transport.writeSequence([b"b", b"", b"c"])
        transport.writeSequence([])
    checkConsumer(transport)
    expect(not transport.disconnecting, "`disconnecting` is false until loseConnection", "it is true before")
    with works("a transport can be asked twice to close"):
        transport.loseConnection()
        expect(
            transport.disconnecting,
            "`disconnecting` is true after loseConnection",
            f"it is {transport.disconnecting!r}",
        )
        transport.loseConnection()
    with works("what is written after loseConnection is dropped without an error"):
        transport.write(b"late")
        transport.writeSequence([b"later"])
