"""What errors say, how they are related, and what the system's errors become."""

from __future__ import annotations

import copy
import errno
import inspect
import os
import pickle
import re
import signal
import socket

import pytest

from plait import errors

MADE = [
    (errors.BindError("eth7", "is gone"), "An error occurred binding to an interface: eth7 is gone."),
    (errors.CannotListenError("", 80, OSError("taken")), "Couldn't listen on any:80: taken."),
    (errors.CannotListenError("::1", 80, OSError("taken")), "Couldn't listen on ::1:80: taken."),
    (errors.MessageLengthError(70000, "bytes"), "Message is too long to send: 70000 bytes."),
    (errors.DNSLookupError(), "DNS lookup failed."),
    (errors.DNSLookupError("no such name"), "DNS lookup failed: no such name."),
    (errors.ConnectError(), "An error occurred while connecting."),
    (errors.ConnectError(5, "odd"), "An error occurred while connecting: 5: odd."),
    (errors.ConnectBindError(99), "Couldn't bind: 99."),
    (errors.UnknownHostError(string="who?"), "Hostname couldn't be looked up: who?."),
    (errors.NoRouteError(), "No route to host."),
    (errors.ConnectionRefusedError(111, "no"), "Connection was refused by other side: 111: no."),
    (errors.TCPTimedOutError(), "TCP connection timed out."),
    (errors.BadFileError(), "File used for UNIX socket is no good."),
    (errors.ServiceNameUnknownError(), "Service name given as port is unknown."),
    (errors.UserError(), "User aborted connection."),
    (errors.TimeoutError(), "User timeout caused connection failure."),
    (errors.SSLError(), "An SSL error occurred."),
    (errors.ConnectionClosed(), "Connection was closed."),
    (errors.ConnectionLost(), "Connection to the other side was lost in a non-clean fashion."),
    (
        errors.ConnectionAborted("by us"),
        "Connection was aborted locally using ITCPTransport.abortConnection: by us.",
    ),
    (errors.ConnectionDone("at", "last"), "Connection was closed cleanly: at last."),
    (
        errors.FileDescriptorOverrun(),
        "sendFileDescriptor was called more often than there were bytes to carry the descriptors.",
    ),
    (errors.AlreadyCalled(), "Tried to cancel an already-called event."),
    (errors.AlreadyCancelled("x"), "Tried to cancel an already-cancelled event: x."),
    (errors.ProcessDone(0), "A process has ended without apparent errors: process finished with exit code 0."),
    (
        errors.ProcessTerminated(3, status=768),
        "A process has ended with a probable error condition: process ended with exit code 3.",
    ),
    (
        errors.ProcessTerminated(signal=signal.SIGKILL.value, status=9),
        "A process has ended with a probable error condition: process ended by signal 9.",
    ),
    (errors.NotConnectingError(), "The Connector was not connecting when it was asked to stop connecting."),
    (
        errors.NotListeningError("it", "slept"),
        "The Port was not listening when it was asked to stop listening: it slept.",
    ),
    (errors.InvalidAddressError("name", "not an address"), "('name', 'not an address')"),
    (errors.ConnectingCancelledError("there"), "there"),
]

made = pytest.mark.parametrize(("error", "text"), MADE, ids=[type(error).__name__ for error, _ in MADE])


@made
def test_an_error_is_one_sentence(error: Exception, text: str) -> None:
    assert str(error) == text


@made
def test_an_error_can_be_copied_and_sent_to_another_process(error: Exception, text: str) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert str(twin) == text
        theirs, ours = dict(vars(twin)), dict(vars(error))
        assert str(theirs.pop("socketError", "")) == str(ours.pop("socketError", ""))
        assert theirs == ours


def test_an_error_of_a_users_own_can_be_copied_whatever_it_is_made_of() -> None:
    error = Shut("the shop", closed=True)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), twin.args, twin.closed, twin.osError) == (Shut, ("the shop",), True, None)


class Shut(errors.ConnectError):
    def __init__(self, where: str, *, closed: bool) -> None:
        Exception.__init__(self, where)
        self.closed = closed


def test_the_tree_in_the_docstring_is_true() -> None:
    """Each line names a class under the one that is drawn above it, or a root."""
    stack: list[str] = []
    seen = 0
    for line in (errors.__doc__ or "").splitlines():
        drawn = re.match(r"    ((?:[│├└─ ]{4})*)([A-Z]\w+)(?: |$)", line)
        if drawn:
            depth = len(drawn[1]) // 4
            stack[depth:] = [drawn[2]]
            cls = getattr(errors, drawn[2])
            parent = getattr(errors, stack[-2]) if depth else None
            assert parent is None or issubclass(cls, parent), line
            seen += 1
    assert seen == 17


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("AlreadyCalled", ValueError),
        ("AlreadyCancelled", ValueError),
        ("DNSLookupError", OSError),
        ("FileDescriptorOverrun", errors.ConnectionLost),
        ("InvalidAddressError", ValueError),
        ("NotConnectingError", RuntimeError),
        ("NotListeningError", RuntimeError),
        ("PeerVerifyError", errors.VerifyError),
        ("ProcessDone", errors.ConnectionDone),
        ("ProcessTerminated", errors.ConnectionLost),
        ("ReactorAlreadyInstalledError", AssertionError),
        ("ReactorAlreadyRunning", RuntimeError),
        ("ReactorNotRestartable", RuntimeError),
        ("ReactorNotRunning", RuntimeError),
    ],
)
def test_an_error_is_caught_as_its_kind(name: str, base: type[Exception]) -> None:
    assert issubclass(getattr(errors, name), base)


def test_all_errors_are_named_in_the_table_of_contents_of_the_module() -> None:
    ours = {
        name for name, value in vars(errors).items() if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert set(errors.__all__) == {name for name in ours if not name.startswith("_")} | {
        "errnoMapping",
        "getConnectError",
    }


@pytest.mark.parametrize(
    ("number", "cls"),
    [
        (errno.ENETUNREACH, errors.NoRouteError),
        (errno.EHOSTUNREACH, errors.NoRouteError),
        (errno.ECONNREFUSED, errors.ConnectionRefusedError),
        (errno.ETIMEDOUT, errors.TCPTimedOutError),
        (errno.ENOENT, errors.BadFileError),
        (errno.ENOTSOCK, errors.BadFileError),
        (errno.EMFILE, errors.ConnectError),
    ],
)
def test_an_error_number_becomes_a_class(number: int, cls: type[errors.ConnectError]) -> None:
    from_system = errors.getConnectError(OSError(number, "as the loop words it"))
    assert type(from_system) is cls
    assert (from_system.osError, from_system.args) == (number, (os.strerror(number),))

    from_pair = errors.getConnectError((number, "as we word it"))
    assert type(from_pair) is cls
    assert (from_pair.osError, from_pair.args) == (number, ("as we word it",))


def test_a_resolvers_error_is_an_unknown_host() -> None:
    error = errors.getConnectError(socket.gaierror(socket.EAI_NONAME, "no such name"))
    assert type(error) is errors.UnknownHostError
    assert (error.osError, str(error)) == (
        socket.EAI_NONAME,
        f"Hostname couldn't be looked up: {int(socket.EAI_NONAME)}: no such name.",
    )


def test_what_is_not_understood_is_kept() -> None:
    strange = KeyError("x")
    error = errors.getConnectError(strange)
    assert type(error) is errors.ConnectError
    assert (error.osError, error.args) == (None, (strange,))
    assert errors.getConnectError(OSError("words only")).osError is None

    known = errors.UserError()
    assert errors.getConnectError(known) is known


def test_an_ended_process_says_how() -> None:
    done, failed, killed = (
        errors.ProcessDone(0),
        errors.ProcessTerminated(3, None, 768),
        errors.ProcessTerminated(signal=15),
    )
    assert (done.exitCode, done.signal, done.status) == (0, None, 0)
    assert (failed.exitCode, failed.signal, failed.status) == (3, None, 768)
    assert (killed.exitCode, killed.signal, killed.status) == (None, 15, None)
