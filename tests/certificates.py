"""A certificate for the tests of TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def make_certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """The PEM files of a new key, and of its certificate, signed by itself, for `names`; else for localhost and 127.0.0.1.

    Skips the test where there is no ``openssl``.
    """
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is needed to make a certificate: install it to have TLS tested")
    alternatives = ",".join(f"DNS:{name}" for name in names or ["localhost"]) + ("" if names else ",IP:127.0.0.1")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", f"/CN={names[0] if names else 'localhost'}", "-addext", f"subjectAltName={alternatives}"]
        + ["-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return key, certificate
