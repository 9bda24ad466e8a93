"""The site of the documentation's page."""

from __future__ import annotations

import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "website" / "site.py"


def test_site() -> None:
    process = subprocess.Popen([sys.executable, str(EXAMPLE), "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()

        def get(path: str, data: bytes | None = None) -> bytes:
            with urllib.request.urlopen(urllib.parse.urljoin(url, path), data, timeout=30) as answer:
                body: bytes = answer.read()
            return body

        assert get("/") == b"<h1>Hello, world!</h1>"
        assert get("/?name=%3Cb%3E") == b"<h1>Hello, &lt;b&gt;!</h1>"
        assert get("/slow") == b"it has taken its time\n"
        assert get("/upload", b"x" * 100_000) == b"100000 bytes, thank you\n"
        assert b"site.py" in get("/files/") and get("/files/site.py") == EXAMPLE.read_bytes()
    finally:
        process.kill()
        process.communicate()
