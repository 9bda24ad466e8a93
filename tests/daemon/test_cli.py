"""The command line of ``plait run``: what may be typed, and the one line that answers what may not."""

from __future__ import annotations

import pytest

from plait.cli import main, make_parser


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
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said


def test_options_in_short_and_in_one_word() -> None:
    options = make_parser().parse_args(["run", "-noy", "app.py", "-u", "nobody", "-g", "5", "--umask", "022"])
    assert (options.nodaemon, options.python, options.uid, options.gid) == (True, "app.py", "nobody", "5")
    assert options.umask == 0o22
