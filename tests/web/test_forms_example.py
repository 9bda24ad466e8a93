"""The form of the documentation's page."""

from __future__ import annotations

import gzip
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "website" / "forms.py"

BODY = (
    b'--XX\r\nContent-Disposition: form-data; name="title"\r\n\r\nThe <sea>\r\n'
    b'--XX\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    + bytes(range(256)) * 1000
    + b"\r\n--XX--\r\n"
)


def test_forms() -> None:
    process = subprocess.Popen([sys.executable, str(EXAMPLE), "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        page = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(page, timeout=30) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert b"<form" in gzip.decompress(answer.read())
        sent = urllib.request.Request(url, BODY, {"Content-Type": "multipart/form-data; boundary=XX"})
        with urllib.request.urlopen(sent, timeout=30) as answer:
            assert answer.read() == b"<p>The &lt;sea&gt;: 256000 bytes</p>"
            assert answer.headers["Set-Cookie"] == "photos=256000; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax"
        broken = urllib.request.Request(url, BODY[:-9], {"Content-Type": "multipart/form-data; boundary=XX"})
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(broken, timeout=30)
    finally:
        process.kill()
        process.communicate()
