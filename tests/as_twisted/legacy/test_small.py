"""The smallest modules: descriptors, messages over sockets, users, zones, folders, HTML, arguments of Windows."""

from __future__ import annotations

import errno
import io
import os
import socket
import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from plait.as_twisted.legacy import appdirs, fakepwd, fdesc, htmlizer, sendmsg, timezones, win32


def test_a_pipe_that_does_not_wait() -> None:
    reading, writing = os.pipe()
    for end in (reading, writing):
        fdesc.setNonBlocking(end)
    assert not os.get_blocking(reading)
    seen: list[bytes] = []
    assert fdesc.readFromFD(reading, seen.append) is None and seen == []
    assert fdesc.writeToFD(writing, b"rope") == 4
    assert fdesc.readFromFD(reading, seen.append) is None and seen == [b"rope"]
    while (written := fdesc.writeToFD(writing, b"x" * 65536)) != 0:
        assert isinstance(written, int)
    os.close(writing)
    while fdesc.readFromFD(reading, seen.append) is None:
        pass
    assert fdesc.readFromFD(reading, seen.append) is fdesc.CONNECTION_DONE
    fdesc.setBlocking(reading)
    assert os.get_blocking(reading)
    os.close(reading)
    assert fdesc.readFromFD(reading, seen.append) is fdesc.CONNECTION_LOST
    assert fdesc.writeToFD(writing, b"x") is fdesc.CONNECTION_LOST


def test_whether_a_new_program_has_it() -> None:
    reading, writing = os.pipe()
    fdesc._unsetCloseOnExec(reading)
    assert os.get_inheritable(reading)
    fdesc._setCloseOnExec(reading)
    assert not os.get_inheritable(reading)
    os.close(reading)
    os.close(writing)


def test_an_open_file_over_a_socket() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    reading, writing = os.pipe()
    with one, other:
        sent = sendmsg.sendmsg(one, b"hi", [(socket.SOL_SOCKET, sendmsg.SCM_RIGHTS, writing.to_bytes(4, "little"))])
        message = sendmsg.recvmsg(other)
        assert (sent, message.data) == (2, b"hi")
        received = int.from_bytes(message.ancillary[0][2], "little")
        os.write(received, b"through")
        assert os.read(reading, 100) == b"through"
        assert sendmsg.getSocketFamily(one) == socket.AF_UNIX
    for descriptor in (reading, writing, received):
        os.close(descriptor)


def test_users() -> None:
    users = fakepwd.UserDatabase()
    users.addUser("ann", "x", 7, 8, "Ann", "/home/ann", "/bin/sh")
    assert users.getpwnam("ann") == users.getpwuid(7) == users.getpwall()[0]
    assert users.getpwuid(7).pw_dir == "/home/ann" and users.getpwuid(7)[3] == 8
    for missing in (lambda: users.getpwnam("bob"), lambda: users.getpwuid(9)):
        with pytest.raises(KeyError):
            missing()
    with pytest.raises(TypeError):
        users.getpwnam(b"ann")  # type: ignore[arg-type]
    shadows = fakepwd.ShadowDatabase()
    shadows.addUser("ann", "hash", 1, 2, 3, 4, 5, 6, 7)
    assert shadows.getspnam("ann").sp_pwdp == "hash" and len(shadows.getspall()[0]) == 9
    with pytest.raises(KeyError):
        shadows.getspnam("bob")


def test_time_zones() -> None:
    west = timezones.FixedOffsetTimeZone.fromSignHoursMinutes("-", 3, 30)
    moment = datetime(2030, 1, 2, 12, tzinfo=west)
    assert moment.isoformat() == "2030-01-02T12:00:00-03:30" and west.dst(None) == timedelta(0)
    assert west.tzname(None) == "-03:30" and west != timezones.UTC == timezones.FixedOffsetTimeZone(timedelta(0))
    assert timezones.FixedOffsetTimeZone(timedelta(minutes=-210)).tzname(None) == "UTC-0330"
    local = timezones.FixedOffsetTimeZone.fromLocalTimeStamp(1_000_000_000)
    assert local.utcoffset(None).total_seconds() == time.localtime(1_000_000_000).tm_gmtoff
    with pytest.raises(ValueError, match="sign"):
        timezones.FixedOffsetTimeZone.fromSignHoursMinutes("*", 1, 0)


def test_the_folder_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appdirs, "sys", SimpleNamespace(platform="linux", _getframe=appdirs.sys._getframe))
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert appdirs.getDataDirectory("rope") == "/data/rope"
    assert appdirs.getDataDirectory() == f"/data/{__name__}"
    appdirs.sys.platform = "win32"
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    assert appdirs.getDataDirectory("rope") == "/local/rope/rope"


@pytest.mark.parametrize("writer", [htmlizer.HTMLWriter, htmlizer.SmallerHTMLWriter])
def test_a_program_as_html(writer: type[htmlizer.HTMLWriter]) -> None:
    out = io.BytesIO()
    htmlizer.filter(io.BytesIO(b"def tie(x):\n    return x < 'a&'\n"), out, writer)
    html = out.getvalue().decode()
    assert '<span class="py-src-keyword">def</span> <span class="py-src-identifier">tie</span>' in html
    assert '<span class="py-src-variable">x</span> ' in html
    assert "&lt;" in html and "'a&amp;'" in html and " < " not in html
    assert html.startswith("<pre>") and html.endswith("</pre>\n")
    assert ("py-src-op" in html) is (writer is htmlizer.HTMLWriter)


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "hi"', r'"say \"hi\""'),
        ("a\\b", "a\\b"),
        ("a b\\", '"a b\\\\"'),
        (r"a\"b", r'"a\\\"b"'),
    ],
)
def test_an_argument_of_windows(argument: str, quoted: str) -> None:
    assert win32.cmdLineQuote(argument) == quoted
    assert win32.quoteArguments([argument, "x"]) == f"{quoted} x"


def test_the_text_of_an_error() -> None:
    assert win32._ErrorFormatter(None, None, {1: "one"}).formatError(1) == "one"
    assert win32._ErrorFormatter(None, None, {1: "one"}).formatError(errno.EPIPE) == os.strerror(errno.EPIPE)
    assert win32._ErrorFormatter(None, lambda code: f"no {code}", {1: "one"}).formatError(1) == "no 1"
    assert win32._ErrorFormatter(lambda code: OSError(code, "win"), None, None).formatError(1) == "win"
