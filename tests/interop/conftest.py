"""Ways to run a program with Plait in it, on each engine; and the databases, which are real ones."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from plait.deferred import ensureDeferred
from plait.engine import Reactor
from plait.engine.loops import new_loop
from plait.failure import Failure
from plait.testing.logged import LoggedErrors
from tests.certificates import make_certificate

T = TypeVar("T")
Program = Callable[[], Coroutine[Any, Any, Any]]
Run = Callable[[Program], Any]

# Long enough for a machine that is busy with other things. Nothing waits for it where all is well.
PATIENCE = 60.0


@pytest.fixture(params=["asyncio", "uvloop"])
def engine(request: pytest.FixtureRequest) -> str:
    """The kind of loop."""
    if request.param != "asyncio":
        pytest.importorskip(request.param, reason=f"the engine {request.param} is not installed here")
    return str(request.param)


@contextlib.contextmanager
def nothing_logged() -> Iterator[None]:
    """Whatever was logged as an error, and what a loop complained of, fails the test."""
    logged = LoggedErrors()
    logged.begin()
    try:
        yield
    finally:
        logged.end()
    assert [failure.getTraceback() for failure in logged.flush()] == []


def run_in_plait(main: Program, engine: str) -> Any:
    """Run ``main()`` in a Plait program: Plait drives the coroutine, from `Reactor.run`."""
    reactor = Reactor(engine=engine)
    results: list[Any] = []

    def done(result: Any) -> None:
        watch.cancel()
        results.append(result)
        reactor.stop()

    def too_long() -> None:
        results.append(Failure(AssertionError(f"no end after {PATIENCE} s")))
        reactor.crash()

    reactor.callWhenRunning(lambda: ensureDeferred(main()).addBoth(done))
    watch = reactor.callLater(PATIENCE, too_long)
    reactor.run(installSignalHandlers=False)
    assert asyncio.all_tasks(reactor.loop) == set()
    reactor.loop.close()
    (result,) = results
    if isinstance(result, Failure):
        result.raiseException()
    return result


def run_in_asyncio(main: Program, engine: str) -> Any:
    """Run ``main()`` as `asyncio.run` does, in a Task on a loop of the engine's kind."""
    complaints: list[dict[str, Any]] = []

    async def watched() -> Any:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with asyncio.timeout(PATIENCE):
            return await main()

    with asyncio.Runner(loop_factory=lambda: new_loop(engine)) as runner:
        result = runner.run(watched())
    assert complaints == []
    return result


@pytest.fixture
def plait(engine: str) -> Iterator[Run]:
    """``plait(main)`` runs a coroutine function in a Plait program, which must log no error."""
    with nothing_logged():
        yield lambda main: run_in_plait(main, engine)


@pytest.fixture
def in_asyncio(engine: str) -> Iterator[Run]:
    """``in_asyncio(main)`` runs a coroutine function in an asyncio program; Plait must log no error."""
    with nothing_logged():
        yield lambda main: run_in_asyncio(main, engine)


@pytest.fixture(params=["plait", "asyncio"])
def either(request: pytest.FixtureRequest, engine: str) -> Iterator[Run]:
    """Both in turn: what is tested is the same whoever drives."""
    run = run_in_plait if request.param == "plait" else run_in_asyncio
    with nothing_logged():
        yield lambda main: run(main, engine)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS for localhost: the server's context, and that of a client who trusts it."""
    key, certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    return server, ssl.create_default_context(cafile=certificate)


# -- servers


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextlib.contextmanager
def server(command: list[str], ready: str, **options: Any) -> Iterator[None]:
    """A server in the foreground, which says `ready` when it is."""
    lines: list[str] = []
    told = threading.Event()

    def read() -> None:
        for line in process.stdout or ():
            lines.append(line)
            if ready in line:
                told.set()
        told.set()

    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, **options
    ) as process:
        reader = threading.Thread(target=read)
        reader.start()
        try:
            assert told.wait(PATIENCE) and ready in (lines or [""])[-1] + "".join(lines), "".join(lines)
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)
            reader.join()


@pytest.fixture(scope="session")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis server."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed: NOT TESTED (.ci/peers installs it)")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with server([program, *options], "Ready to accept connections"):
        yield port


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[int]:
    """The port of a PostgreSQL server, whose user `postgres` needs no password."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(programs[-1]) if programs else None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: NOT TESTED (.ci/peers installs it)")
    # It refuses to run as root, and pytest's own folders are closed to others.
    options: dict[str, Any] = {"user": "nobody"} if os.getuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="plait-pg-", ignore_cleanup_errors=True) as folder:
        if options:
            shutil.chown(folder, "nobody")
        options["cwd"] = folder
        data = f"{folder}/data"
        made = subprocess.run(
            [initdb, "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C", "--encoding=UTF8"],
            check=False,
            capture_output=True,
            text=True,
            **options,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        port = free_port()
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "unix_socket_directories="]
        postgres = str(Path(initdb).with_name("postgres"))
        with server([postgres, "-D", data, "-p", str(port), *settings], "ready to accept connections", **options):
            yield port
