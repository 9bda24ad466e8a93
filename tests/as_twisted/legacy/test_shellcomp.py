"""Command lines completed by zsh."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys

import pytest

from plait.as_twisted.legacy import shellcomp, usage


class Tie(usage.Options):
    optParameters = [["times", "t", 1, "How often."]]


class Rope(usage.Options):
    optFlags = [["long", "l", "A long rope."], ["short", "s", "A [short] rope."], ["loud", "v", "Say more."], ["odd"]]
    optParameters = [["colour", "c", None, "Its colour."], ["end", None, None, "Its end."]]
    subCommands = [["tie", "t", Tie, 'Tie a "knot".']]
    compData = usage.Completions(
        descriptions={"odd": "Something odd"},
        multiUse=["loud"],
        mutuallyExclusive=[["long", "short"]],
        optActions={"colour": lambda: usage.CompleteList(["red", "blue"], descr="which")},
        extraActions=[usage.CompleteDirs()],
    )

    def opt_cut(self, where: str) -> None:
        """Cut it

        at some place.
        """

    def opt_x(self) -> None:
        """One letter alone is not completed."""


class Thin(Rope):
    compData = usage.Completions(descriptions={"long": "Long and thin."})


def completed(*words: str, options: type[usage.Options] = Rope, at: int) -> str:
    """What the program prints when zsh asks, the cursor in that word."""
    out = io.BytesIO()
    asked = options()
    asked._shellCompFile = out
    with pytest.raises(SystemExit) as end:
        asked.parseOptions([*words, "--_shell-completion", f"zsh:{at}"])
    assert end.value.code == 0
    return out.getvalue().decode()


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/rope"])


def test_all_options() -> None:
    text = completed("", at=2)
    assert text.startswith('#compdef rope\n\n_arguments -s -A "-*" \\\n')
    for line in (
        "'*::subcmd:->subcmd'",
        "':argument 2:_directories'",
        "'(--colour)-c[Its colour.]:which:(red blue)'",
        "'(-c)--colour=[Its colour.]:which:(red blue)'",
        "'--cut=[Cut it]:cut:_files'",
        "'--end=[Its end.]:end:_files'",
        "'(--long --short -s)-l[A long rope.]'",
        "'(--short -l -s)--long[A long rope.]'",
        r"'(--long -l -s)--short[A \[short\] rope.]'",
        "'*-v[Say more.]'",
        "'*--loud[Say more.]'",
        "'--odd[Something odd]'",
    ):
        assert f"{line} \\\n" in text
    assert "-x[" not in text
    assert text.endswith('"tie:Tie a \\"knot\\"."\n)\n\n_describe "sub-command" _zsh_subcmds_array\n')


def test_no_commands_where_an_option_stands() -> None:
    assert "_describe" not in completed("--lo", at=2)
    assert "_describe" in completed("--loud", "", at=3)


@pytest.mark.parametrize("words", [("tie", ""), ("--loud", "t", ""), ("--colour", "red", "tie", "")])
def test_a_command(words: tuple[str, ...]) -> None:
    text = completed(*words, at=len(words) + 1)
    assert "'(-t)--times=[How often.]:times:_files'" in text and "_describe" not in text
    assert text.count("_arguments") == 2


@pytest.mark.parametrize("words", [("--none", "tie", ""), ("other", ""), ("--colour",)])
def test_a_line_that_is_not_whole(words: tuple[str, ...]) -> None:
    assert completed(*words, at=len(words) + 1).count("_arguments") == 1


def test_data_of_base_classes() -> None:
    text = completed("", options=Thin, at=2)
    assert "'--odd[Something odd]'" in text and "-l[Long and thin.]" in text and "_directories" in text


@pytest.mark.parametrize(
    "data",
    [
        usage.Completions(optActions={"none": None}),
        usage.Completions(mutuallyExclusive=[["long", "none"]]),
        usage.Completions(extraActions=[usage.Completer(repeat=True), usage.Completer()]),
    ],
)
def test_data_that_is_wrong(data: usage.Completions) -> None:
    wrong = type("Wrong", (Rope,), {"compData": data})
    with pytest.raises(ValueError, match=r"none|repeat"):
        wrong().parseOptions(["", "--_shell-completion", "zsh:2"])


@pytest.mark.parametrize(
    ("completer", "code"),
    [
        (usage.Completer(), ":name:"),
        (usage.CompleteFiles("*.py"), ':name (*.py):_files -g "*.py"'),
        (usage.CompleteDirs(repeat=True), "*:name:_directories"),
        (usage.CompleteMultiList("ab", "which"), ":which:_values -s , 'which' a b"),
        (usage.CompleteUsernames(), ":name:_users"),
        (usage.CompleteGroups(), ":group:_groups"),
        (usage.CompleteHostnames(), ":name:_hosts"),
        (usage.CompleteNetInterfaces(), ":name:_net_interfaces"),
    ],
)
def test_completers(completer: usage.Completer, code: str) -> None:
    assert completer._shellCode("name", "zsh") == code
    with pytest.raises(NotImplementedError, match="'fish'"):
        completer._shellCode("name", "fish")


def test_quotation_marks() -> None:
    assert shellcomp.escape("$a") == "'$a'"
    assert shellcomp.escape("it's `$\"\\") == '"it\'s \\`\\$\\"\\\\"'


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_it() -> None:
    for text in (completed("", at=2), completed("tie", "", at=3)):
        subprocess.run(["zsh", "-n"], input=text.encode(), check=True)
