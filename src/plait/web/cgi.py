"""CGI: a resource that a program answers for, which is started anew for each request (RFC 3875).

What the program is told is in its environment, the body of the request is its standard input, and what it writes is the answer:
headers, an empty line, the body. What it writes to its error output goes to the log.

A program has the environment that section 4.1 says, and of ours only what `CGIScript.passes` names. The client's Proxy header
is not in it, for HTTP_PROXY is read as a setting by many programs; nor is Authorization (section 9.2), nor words of the query
as arguments (section 4.4), which programs take for options.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from plait.current import getReactor
from plait.errors import ProcessExitedAlready, ProcessTerminated
from plait.failure import Failure
from plait.log import Logger
from plait.protocol.processes import ProcessProtocol
from plait.web.headers import Headers, InvalidHeaderName
from plait.web.later import NOT_DONE_YET
from plait.web.pages import errorPage, forbidden, notFound
from plait.web.resource import Resource
from plait.web.upstream import HOP_BY_HOP, BodySender

__all__ = ["CGIDirectory", "CGIProcessProtocol", "CGIScript", "FilteredScript"]

_log = Logger("plait.web")

# Bytes of headers: more than programs write.
_MAX_HEAD = 65536

# What of the server's environment a program has need of, and what it should not learn is not in.
_PASSES = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LD_LIBRARY_PATH",
    "TZ",
    "TMPDIR",
    "SYSTEMROOT",
)

# Not the client's to say, or told in another variable (RFC 3875, section 4.1.18).
_NOT_TOLD = frozenset((b"proxy", b"authorization", b"proxy-authorization", b"content-type", b"content-length"))

# The server's own affair (section 6.3.4).
_NOT_TAKEN = HOP_BY_HOP | {b"server", b"date"}


class CGIDirectory(Resource):
    """A folder of programs: what is in it is run, and no list of it is shown.

    :param pathname: the folder.
    :param reactor: None is the default reactor.
    """

    script: Any = None
    """Makes the resource for a program, of its path; None is `CGIScript`."""

    def __init__(self, pathname: str | bytes | os.PathLike[str], reactor: Any = None) -> None:
        super().__init__()
        self.path = os.fsdecode(pathname)
        self.reactor = reactor

    def getChild(self, path: bytes, request: Any) -> Any:
        """The program of that name, or the folder. 403 for what cannot be run."""
        name = os.fsdecode(path)
        found = os.path.join(self.path, name)
        if name in ("", os.curdir, os.pardir) or {os.sep, os.altsep, "\0"} & set(name) or not os.path.exists(found):
            return notFound()
        if os.path.isdir(found):
            return type(self)(found, self.reactor)
        if self.script is None and not os.access(found, os.X_OK):
            return forbidden()
        return (self.script or CGIScript)(found, reactor=self.reactor)

    def render(self, request: Any) -> Any:
        """404: there is no list."""
        return notFound(message="There is no list of what is in this folder.").render(request)


class CGIScript(Resource):
    """A program; it answers for all that is below its path, too.

    Attributes that a subclass may set: `passes` (names of variables of our environment that it is to have; None for all),
    `maxProcesses` (how many may run at a time in all of this process; more requests are answered with 503. None for no limit).

    :param filename: the program, which is run in the folder it is in.
    :param registry: not used: the second argument of a processor of a `File`, see ``File.processors``.
    :param reactor: None is the default reactor.
    """

    isLeaf = True
    passes: Collection[str] | None = _PASSES
    maxProcesses: int | None = 100

    def __init__(self, filename: str | bytes | os.PathLike[str], registry: object = None, reactor: Any = None) -> None:
        super().__init__()
        self.filename = os.fsdecode(filename)
        self.reactor = reactor

    def render(self, request: Any) -> Any:
        """Start the program."""
        if self.maxProcesses is not None and CGIProcessProtocol.running >= self.maxProcesses:
            request.setHeader(b"retry-after", b"5")
            return errorPage(503, "Service Unavailable", "Too many programs run here. Try again.").render(request)
        env = self.environment(request)
        if any("\0" in value for value in env.values()):
            return errorPage(400, "Bad Request", "No program can be told this path.").render(request)
        self.runProcess(env, request)
        return NOT_DONE_YET

    def environment(self, request: Any) -> dict[str, str]:
        """What the program is told of a request; what it is not, is as bytes of the file system's encoding."""
        ours = os.environ
        env = {name: ours[name] for name in (ours if self.passes is None else self.passes) if name in ours}
        env.update(variables(request))
        env["SCRIPT_FILENAME"] = self.filename
        return env

    def runProcess(self, env: dict[str, str], request: Any, qargs: Sequence[str] = ()) -> None:
        """Start the program.

        :param env: its environment.
        :param qargs: its arguments.
        """
        self._spawn(self.filename, [self.filename, *qargs], env, request)

    def _spawn(self, executable: str, args: list[str], env: dict[str, str], request: Any) -> None:
        reactor = self.reactor or getReactor()
        folder = os.path.dirname(self.filename) or os.curdir
        reactor.spawnProcess(CGIProcessProtocol(request, reactor), executable, args, env, folder)


class FilteredScript(CGIScript):
    """A file that a program answers with, such as an interpreter.

    Attributes: `filter` (the program; its first argument is the file).
    """

    filter = "/usr/bin/cat"

    def runProcess(self, env: dict[str, str], request: Any, qargs: Sequence[str] = ()) -> None:
        """Start the program."""
        # php-cgi, for one, refuses to run without it
        env = {**env, "REDIRECT_STATUS": "200"}
        self._spawn(self.filter, [self.filter, os.path.abspath(self.filename), *qargs], env, request)


def variables(request: Any) -> dict[str, str]:
    """A request, as section 4.1 tells it."""
    uri = _text(request.uri)
    address = getattr(request.getClientAddress(), "host", None) or ""
    env = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "QUERY_STRING": uri.partition("?")[2],
        "REMOTE_ADDR": address,
        "REMOTE_HOST": address,
        "REQUEST_METHOD": _text(request.method),
        "REQUEST_URI": uri,
        "SCRIPT_NAME": "".join(f"/{_text(part)}" for part in request.prepath),
        "SERVER_NAME": _text(request.getRequestHostname()),
        "SERVER_PORT": str(getattr(request.getHost(), "port", "")),
        "SERVER_PROTOCOL": _text(request.clientproto),
        "SERVER_SOFTWARE": "Plait",
    }
    port = getattr(request.getClientAddress(), "port", None)
    if port is not None:
        env["REMOTE_PORT"] = str(port)
    if request.postpath:
        env["PATH_INFO"] = "".join(f"/{_text(part)}" for part in request.postpath)
    if getattr(request, "isSecure", bool)():
        env["HTTPS"] = "on"
    content = getattr(request, "content", None)
    if content is not None:
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        if size or request.getHeader(b"content-length") is not None:
            env["CONTENT_LENGTH"] = str(size)
    kind = request.getHeader(b"content-type")
    if kind is not None:
        env["CONTENT_TYPE"] = _text(kind)
    for name, values in request.requestHeaders.getAllRawHeaders():
        # an underscore could pass for a dash, and so for another header
        if name.lower() not in _NOT_TOLD and b"_" not in name:
            separator = b"; " if name.lower() == b"cookie" else b", "
            env["HTTP_" + _text(name).upper().replace("-", "_")] = _text(separator.join(values))
    return env


def _text(value: bytes | str) -> str:
    # so that the program gets the very bytes
    return os.fsdecode(value)


class CGIProcessProtocol(ProcessProtocol):
    """One run of a program.

    :param request: what it answers.
    :param reactor: None is the default reactor.
    """

    running: ClassVar[int] = 0
    """How many run."""

    patience = 5.0
    """Seconds for the program to end by itself when its client has gone."""

    transport: Any = None

    def __init__(self, request: Any, reactor: Any = None) -> None:
        self.request = request
        self._reactor = reactor
        self._head = b""
        self._head_size = 0
        self._has_status = False
        self._in_body = False
        self._over = False
        self._out_closed = False
        self._reason: Failure | None = None
        self._kill: Any = None
        request.notifyFinish().addErrback(self._client_gone)

    def connectionMade(self) -> None:
        """It runs: give it the body of the request."""
        CGIProcessProtocol.running += 1
        content = getattr(self.request, "content", None)
        if content is None:
            self.transport.closeStdin()
        else:
            BodySender().beginFileTransfer(content, self.transport).addBoth(lambda _: self.transport.closeStdin())

    def outReceived(self, data: bytes) -> None:
        """A piece of the answer."""
        if self._over:
            return
        if self._in_body:
            self.request.write(data)
            return
        self._head += data
        while True:
            line, end, rest = self._head.partition(b"\n")
            if not end:
                break
            self._head = rest
            line = line.removesuffix(b"\r")
            if not line:
                self._begin_body()
                return
            self._head_size += len(line)
            if self._head_size > _MAX_HEAD:
                break
            self._header(line)
        if self._head_size + len(self._head) > _MAX_HEAD:
            self._fail("The program's headers are too long.")
            self._end()

    def _begin_body(self) -> None:
        self._in_body = True
        self.request.registerProducer(self.transport, True)
        rest, self._head = self._head, b""
        if rest:
            self.request.write(rest)

    def _header(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip()
        request = self.request
        try:
            if not colon:
                raise ValueError("There is no colon in it.")
            if name == b"status":
                request.setResponseCode(*_status(value))
                self._has_status = True
                return
            if name in _NOT_TAKEN:
                return
            if name == b"content-type":
                request.responseHeaders.setRawHeaders(name, [value])
            else:
                request.responseHeaders.addRawHeader(name, value)
            if name == b"location" and not self._has_status:
                request.setResponseCode(302)
        except (ValueError, InvalidHeaderName):
            _log.warn("ignoring malformed CGI header: {line!r}", line=line)

    def errReceived(self, data: bytes) -> None:
        """What it has to say of itself."""
        for line in data.decode("utf-8", "backslashreplace").splitlines():
            if line.strip():
                _log.error("{line}", line=line)

    def outConnectionLost(self) -> None:
        """It will write nothing more."""
        self._out_closed = True
        if self._reason is not None:
            self._finish(self._reason)

    def processExited(self, reason: Failure) -> None:
        """It has ended. What it wrote may still come; a process that it has left behind is not waited for."""
        CGIProcessProtocol.running -= 1
        if self._kill is not None and self._kill.active():
            self._kill.cancel()
        self._reason = reason
        if self._out_closed:
            self._finish(reason)

    def processEnded(self, reason: Failure) -> None:
        """It has ended, and all is read."""
        self._finish(reason)

    def _finish(self, reason: Failure) -> None:
        if self._over:
            return
        if not self._in_body:
            self._fail(f"The program has ended before its headers had: {reason.value}")
        elif isinstance(reason.value, ProcessTerminated) and reason.value.signal is not None:
            # the client is not to take what there is for all
            self._over = True
            self.request.unregisterProducer()
            self.request.processingFailed(reason)
        else:
            self._over = True
            if reason.check(ProcessTerminated):
                _log.warn("The program that answered {request!r} {why}", request=self.request, why=str(reason.value))
            self.request.unregisterProducer()
            self.request.finish()

    def _fail(self, why: str) -> None:
        self._over = True
        _log.error("Cannot answer {request!r}: {why}", request=self.request, why=why)
        self.request.responseHeaders = Headers()  # what there is was for another body
        page = errorPage(500, "Internal Server Error", "The program that was to answer did not.")
        page.render(self.request)

    def _client_gone(self, _: Failure) -> None:
        self._over = True
        self._end()

    def _end(self) -> None:
        """Let the program end; it has a while to do so."""
        if self.transport is None or self._reason is not None:
            return
        self.transport.loseConnection()
        self._signal("TERM")
        self._kill = (self._reactor or getReactor()).callLater(self.patience, self._signal, "KILL")

    def _signal(self, name: str) -> None:
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            pass


def _status(value: bytes) -> tuple[int, bytes | None]:
    """The status and its phrase (section 6.3.3)."""
    number, _, phrase = value.partition(b" ")
    if not (number.isdigit() and len(number) == 3 and 200 <= int(number) < 600):
        raise ValueError("A status is a number of three digits.")
    return int(number), phrase.strip() or None
