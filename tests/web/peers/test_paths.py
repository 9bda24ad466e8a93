"""No path leads out of the folder that is served, however it is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plait.task import Clock
from plait.testing import StringTransport
from plait.web.site import Site
from plait.web.static import File
from tests.web.peers.conftest import WEB
from tests.web.peers.programs import Curl, Daemon, exchange

SECRET = b"nobody is to see this"

DOTS = [
    *(
        "..",
        ".",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "%25252e",
        "%c0%ae%c0%ae",
        "%e0%80%ae%e0%80%ae",
        "%f0%80%80%ae",
    ),
    *(
        "..%00",
        "%00..",
        "..%0a",
        "%20..",
        ".. ",
        "...",
        "....//",
        "..;",
        "..%3b",
        "%u002e%u002e",
        "..%c0%af",
        "\uff0e\uff0e",
    ),
]
SLASHES = [
    "/",
    "//",
    "%2f",
    "%2F",
    "%252f",
    "\\",
    "%5c",
    "%5C",
    "%255c",
    "%c0%af",
    "%e2%88%95",
    "\uff0f",
    "/./",
    "\0",
    "%00",
]
NAMES = [
    "secret.txt",
    "outside/secret.txt",
    "pub",
    "sub",
    "a.txt",
    "link",
    "inside",
    ".hidden",
    "etc/passwd",
    "",
    "~",
    "C:",
    "?",
    "#",
]


class Folder:
    """A folder that is served, `pub`, with a secret beside it and links to here and there."""

    def __init__(self, above: Path) -> None:
        self.pub = above / "pub"
        (self.pub / "sub").mkdir(parents=True)
        (above / "outside").mkdir()
        for secret in (above / "secret.txt", above / "outside" / "secret.txt", self.pub / ".hidden"):
            secret.write_bytes(SECRET)
        (self.pub / "a.txt").write_bytes(b"public")
        (self.pub / "sub" / "b.txt").write_bytes(b"public")
        os.symlink("sub", self.pub / "inside")
        os.symlink("nowhere", self.pub / "broken")

    def __call__(self, target: bytes, **options: bool) -> bytes:
        """The answer to a request for `target`."""
        site = Site(File(str(self.pub), hidden=False, **options), reactor=Clock())
        channel, transport = site.buildProtocol(None), StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        return transport.value()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("above"))


parts = st.one_of(st.sampled_from(DOTS), st.sampled_from(NAMES), st.text(max_size=3))
targets = st.lists(st.tuples(parts, st.sampled_from(SLASHES)), max_size=8).map(
    lambda pairs: ("/" + "".join(part + slash for part, slash in pairs)).encode("utf-8", "replace")
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(targets, st.sampled_from([b"", b"secret.txt", b"outside/secret.txt", b".hidden"]))
@example(b"/../", b"secret.txt")
@example(b"//", b"secret.txt")
@example(b"/sub/..%2f..%2f", b"secret.txt")
@example(b"/a.txt/../../", b"secret.txt")
@example(b"/inside/../../", b"secret.txt")
def test_nothing_outside_is_found(served: Folder, target: bytes, name: bytes) -> None:
    answer = served(target + name)
    assert SECRET not in answer and b"secret.txt" not in answer and not answer.startswith(b"HTTP/1.1 5")
    # nor where the path is that of the file, as the system has it
    assert SECRET not in served(target + os.fsencode(served.pub.parent) + b"/" + name)


def test_what_is_inside_is_found(served: Folder) -> None:
    """Else the test above could not fail."""
    for target in (b"/a.txt", b"/sub/b.txt", b"/%61.txt", b"/sub%2fb.txt"[:4] + b"/b.txt", b"/inside/b.txt"):
        assert served(target).endswith(b"\r\n\r\npublic"), target
    assert b"HTTP/1.1 200" in served(b"/sub/")
    assert served(b"/broken").startswith(b"HTTP/1.1 404")


def test_the_daemon(tmp_path: Path, curl: Curl, running: Callable[[Daemon], Daemon]) -> None:
    folder = Folder(tmp_path)
    daemon = running(Daemon(tmp_path, *WEB, "--path", "pub", "--listen", "tcp:0:interface=127.0.0.1"))
    for dots in DOTS:
        for slash in ("/", "%2f", "%5c", "\\"):
            target = f"/{dots}{slash}secret.txt".replace(" ", "%20").encode()
            answer = exchange(
                daemon.port, b"GET " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", end=False
            )
            assert SECRET not in answer and answer[9:12] in (b"400", b"404"), (target, answer)
    assert curl("--path-as-is", daemon.url("/sub/../../secret.txt")).status == 404
    # a link leads wherever it leads, as whoever made it could have made a copy: but no further
    os.symlink(tmp_path / "outside", folder.pub / "out")
    assert curl(daemon.url("/out/secret.txt")).body == SECRET
    assert curl("--path-as-is", daemon.url("/out/../secret.txt")).status == 404
    assert "Traceback" not in daemon.output()
