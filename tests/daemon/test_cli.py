"""The command line of ``plait run``: what may be typed, and the one line that answers what may not."""

from __future__ import annotations

import pytest

from plait.cli import main, make_parser
from plait.daemon.log_options import to_size


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "-y", "a.py", "--frobnicate"], "--frobnicate"),
        (["run", "-y"], "expected one argument"),
        (["run", "--logfil", "x"], "unknown option --logfil: did you mean --logfile?"),
        (["run", "-y", "a.py", "--umask", "9"], "'9' is not an octal number"),
        (["run", "-y", "a.py", "--umask", "7777"], "'7777' is not an octal number"),
        (["run", "-y", "a.py", "--stale-pidfile", "ask"], "refuse"),
        (["run", "-y", "a.py", "--pid", "x"], "--pid"),
        (["run", "-y", "a.py", "--drain-timeout", "soon"], "'soon' is no number of seconds"),
        (["run", "-y", "a.py", "--drain-timeout", "-1"], "'-1' is no number of seconds"),
        (["run", "-y", "a.py", "--log-max-size", "ten"], "'ten' is no size"),
        (["run", "-y", "a.py", "--log-max-size", "10"], "it has to be 1KB or more"),
        (["run", "-y", "a.py", "--log-keep", "0"], "'0' is no number of files"),
        (["run", "-y", "a.py", "--log-level", "loud"], "loud"),
        (["run", "-y", "a.py", "--log-level", "=info"], "(such as info, or info,shop=debug)"),
        (["run", "-y", "a.py", "--log-format", "xml"], "xml"),
        (["run", "-y", "a.py", "--log-rotate", "weekly"], "weekly"),
    ],
)
def test_a_wrong_command_line_is_answered_by_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("plait") and message in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run"], "-y FILE"),
        (["run", "-y", "a.py", "b.py"], "b.py"),
        (["run", "-y", "a.py", "-l", "-"], "add -n"),
        (["run", "-y", "a.py", "--euid"], "add --uid"),
        (["run", "-y", "a.py", "--syslog", "-l", "x.log"], "leave out one"),
        (["run", "-y", "a.py", "--syslog", "--logger", "a.b"], "--logger takes the place"),
        (["run", "-y", "a.py", "--log-keep", "3"], "add --log-max-size or --log-rotate"),
        (["run", "-y", "a.py", "--log-compress"], "add --log-max-size or --log-rotate"),
        (["run", "-n", "-y", "a.py", "--log-rotate", "daily"], "name one with --logfile"),
        (["run", "-y", "a.py", "--syslog", "--log-max-size", "1MB"], "name one with --logfile"),
        (["run", "-y", "a.py", "--journal", "-l", "x.log"], "leave out one"),
        (["run", "-y", "a.py", "--journal", "--log-format", "json"], "--log-format is for a log file"),
        (["run", "-y", "a.py", "--log-max-size", "1MB", "--chroot", "/srv"], "from inside --chroot"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1KB", 1000),
        ("10MB", 10_000_000),
        ("512KiB", 524_288),
        ("1.5g", 1_500_000_000),
        ("2000", 2000),
        ("4 mib", 4 << 20),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert to_size(text) == size


def test_options_in_short_and_in_one_word() -> None:
    options = make_parser().parse_args(["run", "-noy", "app.py", "-u", "nobody", "-g", "5", "--umask", "022"])
    assert (options.nodaemon, options.python, options.uid, options.gid) == (True, "app.py", "nobody", "5")
    assert options.umask == 0o22
