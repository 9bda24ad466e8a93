"""What the documentation shows does what it says."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# these have tests of their own
ELSEWHERE = {"classic", "logs", "plugin", "tls", "website"}

SHOWN = re.compile(
    r'^```python\n--8<-- "(?P<program>examples/\w+/[^"]+)"\n```\n\n```text\n(?P<output>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
"""A program that a page includes, followed by what it prints."""

PROGRAMS = [
    pytest.param(match["program"], match["output"], id=match["program"])
    for page in sorted(ROOT.glob("docs/*.md"))
    for match in SHOWN.finditer(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize(("program", "output"), PROGRAMS)
def test_a_program_prints_what_the_page_says(program: str, output: str) -> None:
    done = subprocess.run([sys.executable, ROOT / program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == (output, "", 0)


def test_each_of_these_programs_is_shown() -> None:
    there = {str(path.relative_to(ROOT)) for path in ROOT.glob("examples/*/*.py") if path.parent.name not in ELSEWHERE}
    assert there == {parameter.values[0] for parameter in PROGRAMS}


def programs_of_readme() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_first_program_of_the_readme_is_a_line_server_of_15_lines(tmp_path: Path) -> None:
    text = programs_of_readme()[0]
    assert len(text.splitlines()) == 15
    assert text.count("reactor.listenTCP(5001, ") == text.count("reactor.run()") == 1
    # On a free port of loopback, which it prints; all else is as it stands there.
    text = text.replace("reactor.listenTCP(5001, ", 'port = reactor.listenTCP(0, interface="127.0.0.1", factory=')
    text = text.replace("reactor.run()", "print(port.getHost().port, flush=True)\nreactor.run()")
    program = tmp_path / "server.py"
    program.write_text(text, encoding="utf-8")
    server = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.strip().isdigit(), server.communicate()
        with socket.create_connection(("127.0.0.1", int(line)), timeout=30) as client:
            client.sendall(b"hello\r\nquit\r\n")
            with client.makefile("rb") as answers:
                assert answers.read() == b"Say something, or quit.\r\nYou said: hello\r\n"
    finally:
        server.kill()
        server.communicate()


def test_the_second_program_of_the_readme_awaits_and_ends(tmp_path: Path) -> None:
    program = tmp_path / "main.py"
    program.write_text(programs_of_readme()[1], encoding="utf-8")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("The sum is 499999500000.\n", "", 0)


def test_links_of_the_pages_lead_to_files() -> None:
    dead = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []
