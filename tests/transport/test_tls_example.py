"""The program of the page on TLS, as a person runs it."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
from pathlib import Path

from tests.certificates import make_certificate

PROGRAM = Path(__file__).parents[2] / "examples" / "tls" / "starttls_server.py"


def test_a_server_that_goes_under_tls(tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    with subprocess.Popen([sys.executable, PROGRAM, key, certificate], stdout=subprocess.PIPE, text=True) as server:
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
