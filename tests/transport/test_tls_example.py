"""The program of the page on TLS, as a person runs it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "examples" / "tls" / "starttls_server.py"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command to make a certificate")
def test_a_server_that_goes_under_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-keyout", key, "-out", certificate, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
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
