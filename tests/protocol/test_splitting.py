"""Framing in any pieces, with pauses at any message and raw bytes between lines: the same messages in the same order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.protocol import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)
from tests.protocol.test_lines import connected, pieces

few = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])

CUTS = st.lists(st.integers(min_value=0), max_size=30)


def play(protocol, data, cuts, pausing):
    """Feed `data` in pieces; at each message `protocol` pauses if `pausing` says so, and goes on at the next piece."""
    pauses = iter(pausing)

    def note(what):
        protocol.got.append(what)
        if next(pauses, False):
            protocol.pauseProducing()

    protocol.note = note
    for piece in pieces(data, cuts):
        while protocol.paused:
            before = len(protocol.got)
            protocol.resumeProducing()
            if len(protocol.got) == before:
                break
        protocol.dataReceived(piece)
    while protocol.paused:
        protocol.resumeProducing()
    return protocol.got


class Strings:
    def __init__(self):
        self.got = []

    def stringReceived(self, string):
        self.note(string)


@pytest.mark.parametrize("receiver", [Int8StringReceiver, Int16StringReceiver, Int32StringReceiver, NetstringReceiver])
@few
@given(strings=st.lists(st.binary(max_size=40), max_size=15), cuts=CUTS, pausing=st.lists(st.booleans(), max_size=15))
def test_strings(receiver, strings, cuts, pausing):
    kind = type("Kind", (Strings, receiver), {})
    sender = connected(kind())
    for string in strings:
        sender.sendString(string)
    assert play(connected(kind()), sender.transport.value(), cuts, pausing) == strings


class OnlyLines(LineOnlyReceiver):
    def __init__(self):
        self.got = []

    def lineReceived(self, line):
        self.got.append(line)


class Mixed(LineReceiver):
    """A line "raw N" has N raw bytes behind it."""

    def __init__(self):
        self.got = []

    def lineReceived(self, line):
        if line.startswith(b"raw "):
            self.raw = b""
            self.left = int(line[4:])
            self.setRawMode()
        self.note(line)

    def rawDataReceived(self, data):
        self.raw += data[: self.left]
        rest = data[self.left :]
        self.left -= len(data) - len(rest)
        if not self.left:
            self.note(self.raw)
            self.setLineMode(rest)


LINE = st.binary(max_size=30).map(lambda b: b.replace(b"\r\n", b"").rstrip(b"\r").replace(b"raw ", b""))


@few
@given(
    messages=st.lists(st.tuples(st.booleans(), LINE), max_size=12),
    cuts=CUTS,
    pausing=st.lists(st.booleans(), max_size=24),
)
def test_lines_with_raw_bytes_between_them(messages, cuts, pausing):
    data, expected = b"", []
    for raw, content in messages:
        if raw and content:
            data += b"raw %d\r\n" % len(content) + content
            expected += [b"raw %d" % len(content), content]
        else:
            data += content + b"\r\n"
            expected.append(content)
    assert play(connected(Mixed()), data, cuts, pausing) == expected


@few
@given(lines=st.lists(LINE, max_size=15), cuts=CUTS)
def test_lines_only(lines, cuts):
    p = connected(OnlyLines())
    for piece in pieces(b"".join(line + b"\r\n" for line in lines), cuts):
        p.dataReceived(piece)
    assert p.got == lines
