"""Lines: any splitting of the bytes gives the same lines; modes, pauses and limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import Deferred
from plait.protocol import LineOnlyReceiver, LineReceiver
from plait.testing import StringTransport


class Lines(LineReceiver):
    def __init__(self):
        self.got = []

    def lineReceived(self, line):
        self.got.append(line)


class OnlyLines(LineOnlyReceiver):
    def __init__(self):
        self.got = []

    def lineReceived(self, line):
        self.got.append(line)


def connected(protocol):
    protocol.makeConnection(StringTransport())
    return protocol


def pieces(data, cuts):
    cuts = sorted({c % (len(data) + 1) for c in cuts})
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@pytest.mark.parametrize("receiver", [Lines, OnlyLines])
@given(
    lines=st.lists(st.binary(max_size=40).filter(lambda b: b"\r\n" not in b and not b.endswith(b"\r"))),
    cuts=st.lists(st.integers(min_value=0)),
    delimiter=st.sampled_from([b"\r\n", b"\n", b"END"]),
)
def test_any_splitting_gives_the_same_lines(receiver, lines, cuts, delimiter):
    data = b"".join(line.replace(delimiter, b"") + delimiter for line in lines)
    whole = data.split(delimiter)[:-1]
    p = connected(receiver())
    p.delimiter = delimiter
    for piece in pieces(data, cuts):
        p.dataReceived(piece)
    assert p.got == whole


def test_one_byte_at_a_time():
    p = connected(Lines())
    for n in b"one\r\ntw\ro\r\n\r\nrest":
        p.dataReceived(bytes([n]))
    assert p.got == [b"one", b"tw\ro", b""]
    assert p.clearLineBuffer() == b"rest"
    p.dataReceived(b"x\r\n")
    assert p.got[-1] == b"x"


class Switching(LineReceiver):
    """After a line "raw N", N raw bytes, then lines again; "stop" closes."""

    def __init__(self):
        self.got = []
        self.left = 0

    def lineReceived(self, line):
        self.got.append(("line", line))
        if line.startswith(b"raw "):
            self.left = int(line[4:])
            self.raw = b""
            self.setRawMode()
        elif line == b"stop":
            self.transport.loseConnection()

    def rawDataReceived(self, data):
        self.raw += data[: self.left]
        rest, self.left = data[self.left :], max(0, self.left - len(data))
        if not self.left:
            self.got.append(("raw", self.raw))
            self.setLineMode(rest)


@given(cuts=st.lists(st.integers(min_value=0)))
def test_switching_to_raw_and_back_whatever_the_splitting(cuts):
    data = b"a\r\nraw 7\r\n\r\n12345b\r\nraw 3\r\nxyzc\r\nraw 1\r\n!raw 2\r\n??d\r\nstop\r\nnever\r\n"
    p = connected(Switching())
    for piece in pieces(data, cuts):
        if not p.transport.disconnecting:
            p.dataReceived(piece)
    assert p.got == [
        ("line", b"a"),
        ("line", b"raw 7"),
        ("raw", b"\r\n12345"),
        ("line", b"b"),
        ("line", b"raw 3"),
        ("raw", b"xyz"),
        ("line", b"c"),
        ("line", b"raw 1"),
        ("raw", b"!"),
        ("line", b"raw 2"),
        ("raw", b"??"),
        ("line", b"d"),
        ("line", b"stop"),
    ]


@pytest.mark.parametrize("receiver", [Lines, OnlyLines])
def test_a_line_that_is_too_long_closes_the_connection(receiver):
    p = connected(receiver())
    p.MAX_LENGTH = 5
    p.dataReceived(b"12345\r\n")
    p.dataReceived(b"123456\r\nnext\r\n")
    assert p.got == [b"12345"] and p.transport.disconnecting


@pytest.mark.parametrize("receiver", [Lines, OnlyLines])
def test_a_line_without_an_end_is_not_kept_beyond_the_limit(receiver):
    seen = []
    p = connected(receiver())
    p.lineLengthExceeded = seen.append
    for _ in range(p.MAX_LENGTH + 1):
        p.dataReceived(b"x")
    assert seen == [] and p.got == []
    p.dataReceived(b"x")
    assert seen == [b"x" * (p.MAX_LENGTH + 2)]


def test_the_longest_good_line_may_come_with_half_a_delimiter():
    p = connected(Lines())
    p.dataReceived(b"x" * p.MAX_LENGTH + b"\r")
    p.dataReceived(b"\n")
    assert p.got == [b"x" * 16384]


def test_lineLengthExceeded_gets_all_that_came():
    seen = []
    p = connected(Lines())
    p.MAX_LENGTH = 3
    p.lineLengthExceeded = seen.append
    p.dataReceived(b"abcd\r\nef\r\ng")
    assert seen == [b"abcd\r\nef\r\ng"] and p.got == []


def test_pausing_holds_the_lines_that_are_there():
    class Pausing(Lines):
        def lineReceived(self, line):
            super().lineReceived(line)
            if line == b"wait":
                self.pauseProducing()

    p = connected(Pausing())
    p.dataReceived(b"a\r\nwait\r\nb\r\nwa")
    assert p.got == [b"a", b"wait"] and p.transport.producerState == "paused"
    p.dataReceived(b"it\r\nc\r\n")  # was under way
    assert p.got == [b"a", b"wait"]
    p.resumeProducing()
    assert p.got == [b"a", b"wait", b"b", b"wait"]
    p.resumeProducing()
    assert p.got[-1] == b"c" and p.transport.producerState == "producing"


def test_no_line_is_handed_out_after_loseConnection():
    class Quits(Lines):
        def lineReceived(self, line):
            super().lineReceived(line)
            self.transport.loseConnection()

    p = connected(Quits())
    p.dataReceived(b"quit\r\nmore\r\n")
    assert p.got == [b"quit"]


def test_an_async_lineReceived_is_waited_for_before_the_next_line():
    waits = []

    class Async(Lines):
        async def lineReceived(self, line):
            self.got.append(line)
            d = Deferred()
            waits.append(d)
            await d

    p = connected(Async())
    p.dataReceived(b"1\r\n2\r\n3\r\n")
    assert p.got == [b"1"] and p.transport.producerState == "paused"
    waits[0].callback(None)
    assert p.got == [b"1", b"2"]
    waits[1].callback(None)
    waits[2].callback(None)
    assert p.got == [b"1", b"2", b"3"] and p.transport.producerState == "producing"


def test_sendLine_adds_the_delimiter():
    p = connected(Lines())
    p.sendLine(b"hello")
    assert p.transport.value() == b"hello\r\n"


@pytest.mark.parametrize("receiver", [LineReceiver, LineOnlyReceiver])
def test_what_must_be_overridden_says_so(receiver):
    p = receiver()
    p.makeConnection(StringTransport())
    with pytest.raises(NotImplementedError, match="must override lineReceived"):
        p.dataReceived(b"x\r\n")


def test_another_delimiter_counts_from_the_next_line_on():
    class Other(Lines):
        def lineReceived(self, line):
            super().lineReceived(line)
            if line == b"now":
                self.delimiter = b";"

    p = connected(Other())
    p.dataReceived(b"a\r\nnow\r\nb\r\nc;d;")
    assert p.got == [b"a", b"now", b"b\r\nc", b"d"]


def test_lines_that_a_pause_holds_are_cut_once():
    class Pausing(Lines):
        def lineReceived(self, line):
            super().lineReceived(line)
            self.pauseProducing()

    p = connected(Pausing())
    p.dataReceived(b"x\r\n" * 100 + b"rest")
    cut = p._coming
    for _ in range(99):
        p.resumeProducing()
        assert p._coming is cut
    assert p.got == [b"x"] * 100
    p.resumeProducing()
    p.dataReceived(b"\r\n")
    assert p.got[-1] == b"rest"


def test_clearLineBuffer_in_a_hook_takes_what_is_not_handed_out():
    class Clearing(Lines):
        def lineReceived(self, line):
            super().lineReceived(line)
            self.rest = self.clearLineBuffer()

    p = connected(Clearing())
    p.dataReceived(b"a\r\nb\r\nc")
    assert p.got == [b"a"] and p.rest == b"b\r\nc"
    p.dataReceived(b"d\r\n")
    assert p.got == [b"a", b"d"]


def test_an_async_rawDataReceived_is_waited_for():
    waits = []

    class Raw(Lines):
        def lineReceived(self, line):
            super().lineReceived(line)
            self.setRawMode()

        async def rawDataReceived(self, data):
            waits.append(Deferred())
            await waits[-1]
            self.setLineMode(data[1:])

    p = connected(Raw())
    p.dataReceived(b"a\r\n!b\r\n!c\r\n")
    assert p.got == [b"a"] and p.transport.producerState == "paused"
    waits[0].callback(None)
    assert p.got == [b"a", b"b"]
    waits[1].callback(None)
    assert p.got == [b"a", b"b", b"c"]


def test_an_async_hook_that_fails_closes_the_connection():
    class Failing(Lines):
        async def lineReceived(self, line):
            self.got.append(line)
            raise ValueError("no")

    p = connected(Failing())
    p.dataReceived(b"a\r\nb\r\n")
    assert p.got == [b"a"] and p.transport.aborting
