"""What can go wrong on a network, as exceptions.

::

    ConnectError                    a connection could not be made
    ├── ConnectBindError            the local address could not be bound
    ├── UnknownHostError            the name has no address
    ├── NoRouteError                the network has no way there
    ├── ConnectionRefusedError      nobody listens there
    ├── TCPTimedOutError            the operating system gave up
    ├── BadFileError                the UNIX socket's file is no good
    ├── ServiceNameUnknownError     a port given by name that nobody knows
    ├── UserError                   the program called the attempt off
    ├── TimeoutError                the program's own time limit passed
    └── SSLError                    the TLS handshake failed
    ConnectionClosed                a connection is no more
    ├── ConnectionLost              without a proper end
    │   └── ConnectionAborted       by our own abortConnection()
    └── ConnectionDone              in good order
    BindError
    └── CannotListenError           the port is taken, or not ours to take

`getErrorMessage` of a Failure and ``str()`` of these give one sentence that a person can act on.
"""

from __future__ import annotations

import errno
import os
import socket
import sys

__all__ = [
    "AlreadyCalled",
    "AlreadyCancelled",
    "AlreadyListened",
    "BadFileError",
    "BindError",
    "CannotListenError",
    "CertificateError",
    "ConnectBindError",
    "ConnectError",
    "ConnectInProgressError",
    "ConnectingCancelledError",
    "ConnectionAborted",
    "ConnectionClosed",
    "ConnectionDone",
    "ConnectionFdescWentAway",
    "ConnectionLost",
    "ConnectionRefusedError",
    "DNSLookupError",
    "FileDescriptorOverrun",
    "InvalidAddressError",
    "MessageLengthError",
    "MulticastJoinError",
    "NoProtocol",
    "NoRouteError",
    "NotConnectingError",
    "NotListeningError",
    "OptionError",
    "PeerVerifyError",
    "PotentialZombieWarning",
    "ProcessDone",
    "ProcessExitedAlready",
    "ProcessTerminated",
    "ReactorAlreadyInstalledError",
    "ReactorAlreadyRunning",
    "ReactorNotRestartable",
    "ReactorNotRunning",
    "SSLError",
    "ServiceNameUnknownError",
    "TCPTimedOutError",
    "TimeoutError",
    "UnknownEngineError",
    "UnknownHostError",
    "UnsupportedAddressFamily",
    "UnsupportedSocketType",
    "UserError",
    "VerifyError",
    "errnoMapping",
    "getConnectError",
]


class _Whole(Exception):
    """An error that is copied and pickled as it is, whatever its `__init__` takes: that is not run again."""

    def __reduce__(self) -> tuple[object, ...]:
        return _made_of, (type(self), *self.args), self.__dict__


def _made_of(cls: type[_Whole], *args: object) -> _Whole:
    return cls.__new__(cls, *args)


class _Described(_Whole):
    """An error whose text is `MESSAGE`, followed by what it was given."""

    MESSAGE = ""

    def __str__(self) -> str:
        details = " ".join(str(a) for a in self.args)
        return f"{self.MESSAGE}: {details}." if details else f"{self.MESSAGE}."


class BindError(_Described):
    """A port could not be bound."""

    MESSAGE = "An error occurred binding to an interface"


class CannotListenError(BindError):
    """A port is taken, or may not be taken by this user.

    Attributes: `interface` (str, empty for all), `port` (int, or the path of a UNIX socket), `socketError` (OSError).
    """

    def __init__(self, interface: object, port: object, socketError: BaseException) -> None:
        super().__init__(interface, port, socketError)
        self.interface = interface
        self.port = port
        self.socketError = socketError

    def __str__(self) -> str:
        return f"Couldn't listen on {self.interface or 'any'}:{self.port}: {self.socketError}."


class MulticastJoinError(Exception):
    """A multicast group could not be joined, or left."""


class MessageLengthError(_Described):
    """A datagram is too long to be sent."""

    MESSAGE = "Message is too long to send"


class DNSLookupError(OSError):
    """A name could not be resolved."""

    def __str__(self) -> str:
        details = " ".join(str(a) for a in self.args)
        return f"DNS lookup failed: {details}." if details else "DNS lookup failed."


class ConnectInProgressError(Exception):
    """A connection is being made already."""


class ConnectError(_Whole):
    """A connection could not be made. `osError` is the error number of the operating system, or None."""

    MESSAGE = "An error occurred while connecting"
    osError: object = None

    def __init__(self, osError: object = None, string: object = "") -> None:
        self.osError = osError
        super().__init__(string)

    def __str__(self) -> str:
        parts = [self.MESSAGE]
        if self.osError:
            parts.append(str(self.osError))
        if self.args and self.args[0]:
            parts.append(str(self.args[0]))
        return ": ".join(parts) + "."


class ConnectBindError(ConnectError):
    """The local address asked for could not be bound."""

    MESSAGE = "Couldn't bind"


class UnknownHostError(ConnectError):
    """The host's name has no address."""

    MESSAGE = "Hostname couldn't be looked up"


class NoRouteError(ConnectError):
    """The network has no way to that host."""

    MESSAGE = "No route to host"


class ConnectionRefusedError(ConnectError):
    """Nobody listens at that address."""

    MESSAGE = "Connection was refused by other side"


class TCPTimedOutError(ConnectError):
    """The operating system gave up waiting for an answer."""

    MESSAGE = "TCP connection timed out"


class BadFileError(ConnectError):
    """The file of a UNIX socket does not exist or is no socket."""

    MESSAGE = "File used for UNIX socket is no good"


class ServiceNameUnknownError(ConnectError):
    """A port was given by a name that this system does not know."""

    MESSAGE = "Service name given as port is unknown"


class UserError(ConnectError):
    """The program itself stopped the attempt (`IConnector.stopConnecting`)."""

    MESSAGE = "User aborted connection"


class TimeoutError(UserError):
    """The time limit that the program gave has passed."""

    MESSAGE = "User timeout caused connection failure"


class SSLError(ConnectError):
    """The TLS handshake failed."""

    MESSAGE = "An SSL error occurred"


class VerifyError(Exception):
    """Something that was to be verified did not stand up."""


class PeerVerifyError(VerifyError):
    """The peer's certificate does not stand up."""


class CertificateError(Exception):
    """A certificate is not as it must be."""


errnoMapping: dict[int, type[ConnectError]] = {
    errno.ENETUNREACH: NoRouteError,
    errno.EHOSTUNREACH: NoRouteError,
    errno.ECONNREFUSED: ConnectionRefusedError,
    errno.ETIMEDOUT: TCPTimedOutError,
    errno.ENOENT: BadFileError,
    errno.ENOTSOCK: BadFileError,
}
"""What each error number of the operating system means to somebody who connects."""

if sys.platform == "win32":
    errnoMapping[errno.WSAENETUNREACH] = NoRouteError
    errnoMapping[errno.WSAEHOSTUNREACH] = NoRouteError
    errnoMapping[errno.WSAECONNREFUSED] = ConnectionRefusedError
    errnoMapping[errno.WSAETIMEDOUT] = TCPTimedOutError


def getConnectError(e: BaseException | tuple[int, str]) -> ConnectError:
    """The `ConnectError` that says what the error `e` of the operating system (or of a resolver) means.

    `e` may also be the pair of a number and a text. Anything else becomes a plain `ConnectError` that holds it.
    """
    if isinstance(e, ConnectError):
        return e
    args = e if isinstance(e, tuple) else e.args
    if len(args) != 2:
        return ConnectError(string=e)
    number, text = args
    if isinstance(e, socket.gaierror):
        return UnknownHostError(number, text)
    if isinstance(e, OSError) and isinstance(number, int):
        # asyncio words its own errors ("[Errno 111] Connect call failed …"); the system's text is the same on every loop
        text = os.strerror(number)
    return errnoMapping.get(number, ConnectError)(number, text)


class ConnectionClosed(_Described):
    """A connection is no more, whatever the reason."""

    MESSAGE = "Connection was closed"


class ConnectionLost(ConnectionClosed):
    """A connection ended without a proper end: reset, timed out, cut."""

    MESSAGE = "Connection to the other side was lost in a non-clean fashion"


class ConnectionAborted(ConnectionLost):
    """We ended the connection at once with `abortConnection()`."""

    MESSAGE = "Connection was aborted locally using ITCPTransport.abortConnection"


class ConnectionDone(ConnectionClosed):
    """A connection was closed in good order, by either side."""

    MESSAGE = "Connection was closed cleanly"


class FileDescriptorOverrun(ConnectionLost):
    """Too many file descriptors were to be sent over a UNIX socket for the bytes that they travel with."""

    MESSAGE = "sendFileDescriptor was called more often than there were bytes to carry the descriptors"


class ConnectionFdescWentAway(ConnectionLost):
    """The connection's file descriptor was closed behind the engine's back."""

    MESSAGE = "Uh"  # what Twisted says


class AlreadyCalled(ValueError):
    """A timed call has been made already, so it can no longer be changed."""

    def __str__(self) -> str:
        return _one_line("Tried to cancel an already-called event", self.args)


class AlreadyCancelled(ValueError):
    """A timed call has been cancelled already."""

    def __str__(self) -> str:
        return _one_line("Tried to cancel an already-cancelled event", self.args)


def _one_line(text: str, args: tuple[object, ...]) -> str:
    details = " ".join(str(a) for a in args)
    return f"{text}: {details}." if details else f"{text}."


class PotentialZombieWarning(Warning):
    """Kept for programs that filter it; Plait always reaps its children."""


class ProcessDone(ConnectionDone):
    """A process ended well. `exitCode` is 0, `signal` None, `status` what the system said."""

    MESSAGE = "A process has ended without apparent errors"

    def __init__(self, status: int | None) -> None:
        super().__init__("process finished with exit code 0")
        self.exitCode = 0
        self.signal: int | None = None
        self.status = status

    def __str__(self) -> str:
        return f"{self.MESSAGE}: {self.args[0]}."


class ProcessTerminated(ConnectionLost):
    """A process ended badly: with an exit code other than 0, or by a signal."""

    MESSAGE = "A process has ended with a probable error condition"

    def __init__(self, exitCode: int | None = None, signal: int | None = None, status: int | None = None) -> None:
        self.exitCode = exitCode
        self.signal = signal
        self.status = status
        text = "process ended"
        if exitCode is not None:
            text += f" with exit code {exitCode}"
        if signal is not None:
            text += f" by signal {signal}"
        super().__init__(text)


class ProcessExitedAlready(Exception):
    """The process that was to be signalled is gone."""


class NotConnectingError(RuntimeError):
    """A connector that is not connecting was told to stop connecting."""

    def __str__(self) -> str:
        return _one_line("The Connector was not connecting when it was asked to stop connecting", self.args)


class AlreadyListened(Exception):
    """An endpoint that can listen only once, on a descriptor that it was given, was asked to do so again."""


class NotListeningError(RuntimeError):
    """A port that is not listening was told to stop listening."""

    def __str__(self) -> str:
        return _one_line("The Port was not listening when it was asked to stop listening", self.args)


class ReactorNotRunning(RuntimeError):
    """A reactor that is not running was told to stop."""


class ReactorNotRestartable(RuntimeError):
    """Kept for programs that catch it; Plait's reactor can be run again."""


class ReactorAlreadyRunning(RuntimeError):
    """A reactor that runs was told to run."""


class ReactorAlreadyInstalledError(AssertionError):
    """A second reactor was to be installed in the place of the first."""


class OptionError(ValueError):
    """An option of a service cannot be used as it was given; the message tells the user in one line why, and what to do."""


class UnknownEngineError(ValueError):
    """An event loop was asked for that is not known or not installed."""


class ConnectingCancelledError(Exception):
    """A connection attempt was cancelled. `address` is where it was to go."""

    def __init__(self, address: object) -> None:
        super().__init__(address)
        self.address = address


class NoProtocol(Exception):
    """A factory built no protocol for a connection that was made."""


class UnsupportedAddressFamily(Exception):
    """A socket of an address family that cannot be used here."""


class UnsupportedSocketType(Exception):
    """A socket of a type that cannot be used here."""


class InvalidAddressError(ValueError):
    """An address has not the form that it must have. `address` is the value, `message` says what is wrong."""

    def __init__(self, address: object, message: str) -> None:
        super().__init__(address, message)
        self.address = address
        self.message = message
