"""Ports that workers share: who opens one, who gets it, what becomes of those that wait. With real daemons: test_workers.py."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from plait.daemon import lending
from plait.daemon.channel import LONGEST, Channel, ChannelError, shortened
from plait.daemon.lending import Borrower, Borrowing, Lending
from plait.errors import CannotListenError
from plait.task import Clock
from plait.transport.handover import Place

pytestmark = pytest.mark.skipif(
    not hasattr(socket, "send_fds"), reason="no descriptors go from process to process here"
)

ANYWHERE: Place = ("TCP", "127.0.0.1", "0")


class Worker:
    """One that asks, and what it was told: "open it", or the address of the socket that it was lent."""

    def __init__(self, kept: Lending) -> None:
        self._kept = kept
        self.told: list[Any] = []
        self.borrowing: Borrowing | None = None

    def ask(self, place: Place = ANYWHERE, index: int = 0) -> None:
        self.borrowing = Borrowing({"borrow": list(place), "index": index}, self._answer, self)
        self._kept.ask(self.borrowing)

    def _answer(self, lent: bool, descriptor: int | None) -> None:
        if not lent:
            self.told.append("open it")
            return
        assert descriptor is not None
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            self.told.append(sock.getsockname())

    def returns(self, place: Place = ANYWHERE, index: int = 0) -> None:
        message = {"returned": list(place), "index": index}
        self._kept.returned(Borrowing(message, self._answer, self, "returned"))

    def opened(self, sock: socket.socket | None) -> None:
        assert self.borrowing is not None
        self._kept.opened(self.borrowing, None if sock is None else os.dup(sock.fileno()))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> Iterator[Lending]:
    kept = Lending(set(), clock)
    yield kept
    kept.close()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def test_the_second_waits_for_the_first(kept: Lending, listening: socket.socket) -> None:
    first, second, other = Worker(kept), Worker(kept), Worker(kept)
    first.ask()
    second.ask()
    other.ask(("TCP", "", "0"))
    assert (first.told, second.told, other.told) == (["open it"], [], ["open it"])
    first.opened(listening)
    assert second.told == [listening.getsockname()]
    first.ask()
    assert first.told == ["open it", listening.getsockname()]


def test_the_second_opens_it_if_the_first_cannot(kept: Lending, listening: socket.socket) -> None:
    first, second, third = Worker(kept), Worker(kept), Worker(kept)
    for worker in (first, second, third):
        worker.ask()
    first.opened(None)  # also if it dies
    assert (second.told, third.told) == (["open it"], [])
    second.opened(listening)
    assert third.told == [listening.getsockname()]


def test_one_that_dies_while_it_waits_is_forgotten(kept: Lending, listening: socket.socket) -> None:
    first, second = Worker(kept), Worker(kept)
    first.ask()
    second.ask()
    second.opened(None)
    first.opened(listening)
    assert second.told == []


def test_ports_at_one_place_are_counted(kept: Lending, listening: socket.socket) -> None:
    worker = Worker(kept)
    worker.ask()
    worker.opened(listening)
    with socket.create_server(("127.0.0.1", 0)) as another:
        worker.ask(index=1)
        worker.opened(another)
        worker.ask(index=1)
        worker.ask(index=0)
        assert worker.told == ["open it", "open it", another.getsockname(), listening.getsockname()]
    with pytest.raises(ChannelError, match="too many ports"):
        worker.ask(index=3)


def test_a_worker_cannot_have_all_descriptors(kept: Lending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "MOST_PORTS", 3)
    for number in "123":
        Worker(kept).ask(("TCP", "", number))
    with pytest.raises(ChannelError, match="too many ports"):
        Worker(kept).ask(("TCP", "", "4"))


@pytest.mark.parametrize(
    "place", [("TCP", "127.0.0.1", "1"), ("UDPPort", "127.0.0.1", "0"), ("UNIX", "", "/nowhere"), ("TCP", "", "x")]
)
def test_another_socket_is_not_kept(kept: Lending, listening: socket.socket, place: Place) -> None:
    worker = Worker(kept)
    worker.ask(place)
    with pytest.raises(ChannelError, match="another socket"):
        worker.opened(listening)


def test_those_who_wait_do_not_depend_on_what_another_one_says(kept: Lending, listening: socket.socket) -> None:
    first, second = Worker(kept), Worker(kept)
    for worker in (first, second):
        worker.ask(("TCP", "", "1"))
    with pytest.raises(ChannelError, match="another socket"):
        first.opened(listening)
    assert second.told == ["open it"]


def test_what_is_no_socket_is_not_kept(kept: Lending) -> None:
    worker = Worker(kept)
    worker.ask()
    assert worker.borrowing is not None
    reading, writing = os.pipe()
    os.close(writing)
    with pytest.raises(ChannelError, match="no socket"):
        kept.opened(worker.borrowing, reading)
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(reading)


def refuses(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address).close()
    except ConnectionRefusedError:
        return True
    return False


def test_what_the_last_one_returns_is_closed_after_a_while(kept: Lending, clock: Clock) -> None:
    first, second = Worker(kept), Worker(kept)
    first.ask()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = sock.getsockname()
        first.opened(sock)
    second.ask()
    first.returns()
    clock.advance(lending.GRACE + 1)
    assert not refuses(address)  # the second one has it
    second.returns()
    second.returns()
    first.returns(index=5)
    first.returns(("TCP", "", "4"))
    clock.advance(lending.GRACE - 1)
    first.ask()
    assert first.told[-1] == address
    clock.advance(lending.GRACE + 1)
    assert not refuses(address)
    first.returns()
    clock.advance(lending.GRACE)
    assert refuses(address)
    second.ask()
    assert second.told[-1] == "open it"


def test_what_a_dead_one_held_is_kept(kept: Lending, clock: Clock, listening: socket.socket) -> None:
    worker = Worker(kept)
    worker.ask()
    worker.opened(listening)
    kept.forget(worker)
    clock.advance(lending.GRACE + 1)
    another = Worker(kept)
    another.ask()
    assert another.told == [listening.getsockname()] and clock.getDelayedCalls() == []


# ---- the worker's side


@pytest.fixture
def line() -> Iterator[tuple[Channel, Channel]]:
    """The parent's end of a line and the worker's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(60)
        yield Channel(ours), Channel(theirs)


def test_a_parent_that_does_not_answer(line: tuple[Channel, Channel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "PATIENCE", 0.05)
    with pytest.raises(CannotListenError, match=r"127.0.0.1:0: the parent process does not lend it: timed out"):
        Borrower(line[1], 1).borrow(ANYWHERE)


def test_a_parent_that_is_gone(line: tuple[Channel, Channel], listening: socket.socket) -> None:
    line[0].close()
    borrower = Borrower(line[1], 1)
    for _ in range(2):
        with pytest.raises(CannotListenError, match="it is gone"):
            borrower.borrow(ANYWHERE)
    with pytest.raises(CannotListenError, match="it is gone"):
        borrower.lend(ANYWHERE, listening.dup())
    borrower.lend(ANYWHERE, None)  # there is an error to tell already


def test_a_socket_goes_from_hand_to_hand(line: tuple[Channel, Channel], listening: socket.socket) -> None:
    parent, worker = line
    borrower = Borrower(worker, 1)
    parent.send({"lent": True}, listening.fileno())
    sock = borrower.borrow(ANYWHERE)
    assert sock is not None and sock.getsockname() == listening.getsockname() and not sock.get_inheritable()
    parent.send({"lent": False})
    assert borrower.borrow(ANYWHERE) is None
    borrower.lend(ANYWHERE, listening.dup())
    assert list(borrower.returned()) == []
    sock.close()
    assert list(borrower.returned()) == [(ANYWHERE, 0)] and list(borrower.returned()) == []
    parent.send({"lent": False})
    borrower.borrow(ANYWHERE)
    messages: list[dict[str, Any]] = []
    while len(messages) < 4:
        messages += parent.receive()
    assert [message.get("index") for message in messages] == [0, 1, None, 0]
    descriptor = parent.fetch_descriptor()
    with socket.socket(fileno=descriptor) as copy:
        assert copy.getsockname() == listening.getsockname()


# ---- the line


def test_messages_come_whole_however_they_come(line: tuple[Channel, Channel]) -> None:
    parent, worker = line
    came = []
    for part in (b'{"a"', b": 1}\n{", b'"b": 2}\n{"c": 3}\n'):
        worker.sock.sendall(part)
        came.append(list(parent.receive()))
    assert came == [[], [{"a": 1}], [{"b": 2}, {"c": 3}]]
    worker.close()
    with pytest.raises(EOFError):
        list(parent.receive())


def test_a_line_without_end(line: tuple[Channel, Channel]) -> None:
    parent, worker = line
    worker.sock.setblocking(False)
    with pytest.raises(ChannelError, match="a line of more than"):
        while True:
            worker.sock.send(b"x" * (LONGEST // 2))
            list(parent.receive())


def test_more_descriptors_than_messages(line: tuple[Channel, Channel], listening: socket.socket) -> None:
    parent, worker = line
    socket.send_fds(worker.sock, [b"{}\n"], [listening.fileno()] * 10)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with pytest.raises(ChannelError, match="too many descriptors"):
        list(parent.receive())
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChannelError, match="missing"):
        parent.fetch_descriptor()


def test_a_long_message_keeps_its_end() -> None:
    assert shortened("short") == "short"
    assert shortened("x" * 100_000 + "the error") == f"[…]{'x' * (LONGEST // 8 - 9)}the error"
