"""What the tests of endpoints share: each engine, a certificate, and protocols that note what happens."""

import asyncio
import shutil
import ssl
import subprocess

import pytest

from plait.engine.loops import new_loop


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    """Runs an async function to its end on a new loop of each engine."""

    def run(main):
        with asyncio.Runner(loop_factory=lambda: new_loop(request.param)) as runner:
            return runner.run(asyncio.wait_for(main(), 30))

    return run


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The paths of a key and of a certificate for localhost that it has signed itself."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    return key, cert


@pytest.fixture
def trust(certificate):
    """A context that trusts the certificate."""
    return ssl.create_default_context(cafile=certificate[1])
