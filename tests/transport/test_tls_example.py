"""The programs of the page on TLS, as a person runs them."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.certificates import make_certificate

PROGRAMS = Path(__file__).parents[2] / "examples" / "tls"


def test_a_server_that_goes_under_tls(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    program = [sys.executable, PROGRAMS / "starttls_server.py", key, certificate]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
                plain.sendall(b"SECRET\r\n")
                assert plain.recv(100) == b"530 say STARTTLS first\r\n"
                # a line that somebody has put in before the handshake is not answered after it
                plain.sendall(b"STARTTLS\r\nSECRET\r\n")
                assert plain.recv(100) == b"220 go ahead\r\n"
                context = ssl.create_default_context(cafile=str(certificate))
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    assert server.stdout.readline() == "A client is under TLS.\n"
                    secure.sendall(b"SECRET\r\n")
                    assert secure.recv(100) == b"200 plaits are made of three strands\r\n"
                    secure.sendall(b"QUIT\r\n")
                    assert secure.recv(100) == b""
        finally:
            server.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        number: int = sock.getsockname()[1]
        return number


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP on this platform, so no reloading")
def test_a_server_of_several_names_and_its_client(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    trusted = {}
    for name in ("a.example", "b.example"):
        (folder / name).mkdir(parents=True)
        key, certificate = make_certificate(folder / name, name)
        key.rename(folder / name / "privkey.pem")
        trusted[name] = certificate.rename(folder / name / "fullchain.pem")
    port = free_port()
    text = (PROGRAMS / "names_app.py").read_text(encoding="utf-8")
    assert "SSLServer(4433," in text
    (tmp_path / "names_app.py").write_text(text.replace("SSLServer(4433,", f"SSLServer({port},"), encoding="utf-8")
    command = [sys.executable, "-m", "plait", "run", "-n", "-y", "names_app.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            wait_for(server, f"starting on {port}")
            for name in trusted:
                assert client(port, name, trusted[name]) == (
                    f"the certificate is for {name}\nwe speak b'shout' for the first time\nb'THREE STRANDS'\n"
                    f"the certificate is for {name}\nwe speak b'shout' and resume\nb'THREE STRANDS'\n"
                )
            (folder / "a.example" / "privkey.pem").write_text("half written")
            os.kill(server.pid, signal.SIGHUP)
            line = wait_for(server, "there is no private key in")
            assert line.rstrip().endswith("privkey.pem; a.example keeps the certificate that was there")
            wait_for(server, "Reloaded.")
            assert "a.example" in client(port, "a.example", trusted["a.example"])
        finally:
            server.kill()


def wait_for(server: subprocess.Popen[str], words: str) -> str:
    """The line of the log with these words in it."""
    assert server.stdout is not None
    for line in server.stdout:
        if words in line:
            return line
    raise AssertionError(f"the server has ended without {words!r}")


def client(port: int, name: str, trusted: Path) -> str:
    program = [sys.executable, PROGRAMS / "client.py", str(port), name, trusted]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout
