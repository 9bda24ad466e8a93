"""The service of the documentation's page."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "website" / "api.py"


def test_api() -> None:
    process = subprocess.Popen([sys.executable, str(EXAMPLE), "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()

        def ask(method: str, path: str, value: Any = None, **headers: str) -> Any:
            data = None if value is None else json.dumps(value).encode()
            kind = {"Content-Type": "application/json"} | {
                name.replace("_", "-"): text for name, text in headers.items()
            }
            request = urllib.request.Request(urllib.parse.urljoin(url, path), data, kind, method=method)
            return urllib.request.urlopen(request, timeout=30)

        def refused(method: str, path: str, value: Any = None) -> tuple[int, str]:
            try:
                ask(method, path, value)
            except urllib.error.HTTPError as error:
                return error.code, json.load(error)["error"]
            raise AssertionError("it was not refused")

        def event(stream: Any) -> str:
            lines = [stream.readline()]
            while lines[-1] != b"\n":
                lines.append(stream.readline())
            return b"".join(lines).decode()

        with ask("POST", "/notes", {"text": "milk"}) as answer:
            assert (answer.status, answer.headers["Location"], json.load(answer)) == (
                201,
                "/notes/1",
                {"id": 1, "text": "milk"},
            )
        with ask("GET", "/changes") as stream:
            assert event(stream) == 'event: added\nid: 1\ndata: {"id":1,"text":"milk"}\n\n'
            with ask("POST", "/notes", {"text": "bread"}):
                pass
            assert event(stream) == 'event: added\nid: 2\ndata: {"id":2,"text":"bread"}\n\n'
        with ask("DELETE", "/notes/1") as answer:
            assert answer.status == 204
        with ask("GET", "/changes", last_event_id="2") as stream:
            assert event(stream) == 'event: removed\nid: 3\ndata: {"id":1,"text":"milk"}\n\n'
        with ask("GET", "/notes") as answer:
            assert json.load(answer) == [{"id": 2, "text": "bread"}]
        assert refused("GET", "/notes/1") == (404, "there is no note 1")
        assert refused("POST", "/notes", ["milk"]) == (422, 'a note is {"text": "..."}')
        assert refused("PUT", "/notes") == (405, "this path takes GET, HEAD, OPTIONS, POST")
    finally:
        process.kill()
        process.communicate()
