"""Command lines, described by classes."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy import usage


class Well(usage.Options):
    optFlags = [["verbose", "v", "Say more."], ["dry-run"]]
    optParameters = [
        ["port", "p", 80, "Where to listen.", usage.portCoerce],
        ["name", None, None, "A name."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def opt_count_me(self) -> None:
        """Count this."""
        self.log.append("counted")

    opt_c = opt_count_me

    def opt_with(self, value: str) -> None:
        """Take a value."""
        self.log.append(value)

    def parseArgs(self, first: str, second: str = "none") -> None:
        self["args"] = (first, second)

    def postOptions(self) -> None:
        self.log.append("post")


class Deeper(Well):
    optFlags = [["deep", "d"]]
    synopsis = "[things]"


def parsed(line: str, make: type[Well] = Well) -> Well:
    options = make()
    options.parseOptions(line.split())
    return options


def test_what_is_not_said_is_the_default() -> None:
    options = parsed("one")
    assert dict(options) == {"verbose": 0, "dry-run": 0, "port": 80, "name": None, "args": ("one", "none")}
    assert options.defaults["port"] == 80
    assert options.opts is options
    assert {options: 1}[options] == 1


@pytest.mark.parametrize("line", ["-v -p 8080 --name=x one two", "--verbose --port=8080 --nam x one two"])
def test_letters_long_names_and_abbreviations(line: str) -> None:
    options = parsed(line)
    assert (options["verbose"], options["port"], options["name"]) == (1, 8080, "x")
    assert options["args"] == ("one", "two")


def test_methods_are_options() -> None:
    assert parsed("--count-me -c --with it --dry-run one").log == ["counted", "counted", "it", "post"]


def test_rows_of_base_classes_count() -> None:
    options = parsed("-d -v one", Deeper)
    assert options["deep"] == options["verbose"] == 1


@pytest.mark.parametrize(
    "line", ["", "a b c", "--unknown a", "--port a", "--port 65536 a", "--name", "--verbose=1 a", "--port=x a"]
)
def test_wrong_lines(line: str) -> None:
    with pytest.raises(usage.UsageError):
        parsed(line)


def test_a_type_error_of_the_program_is_not_a_wrong_line() -> None:
    class Faulty(usage.Options):
        def parseArgs(self, *args: str) -> None:
            raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        Faulty().parseOptions(["a"])


def test_a_method_with_two_arguments_is_refused() -> None:
    class Faulty(usage.Options):
        def opt_two(self, a: str, b: str) -> None: ...

    with pytest.raises(usage.UsageError, match="two"):
        Faulty()


class Main(usage.Options):
    optFlags = [["quiet", "q"]]
    subCommands = [["well", "w", Well, "Draw water."], ["deeper", None, Deeper, "Draw more."]]
    longdesc = "All about wells."


@pytest.mark.parametrize("command", ["well", "w"])
def test_commands(command: str) -> None:
    options = Main()
    options.parseOptions(["-q", command, "-v", "one"])
    assert options["quiet"] == 1
    assert options.subCommand == "well"
    assert isinstance(options.subOptions, Well)
    assert options.subOptions.parent is options
    assert options.subOptions["verbose"] == 1
    assert options.subOptions["args"] == ("one", "none")


def test_the_command_that_is_meant_when_none_is_named() -> None:
    class Simple(usage.Options): ...

    class Defaulting(usage.Options):
        subCommands = [["simple", None, Simple, ""]]
        defaultSubCommand = "simple"

    options = Defaulting()
    options.parseOptions([])
    assert isinstance(options.subOptions, Simple)


def test_an_unknown_command() -> None:
    with pytest.raises(usage.UsageError, match="spring"):
        Main().parseOptions(["spring"])


def test_the_line_of_the_program_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["prog", "-v", "one"])
    options = Well()
    options.parseOptions()
    assert options["verbose"] == 1
    assert options.getSynopsis() == "Usage: prog [options]"


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        parsed("--help")
    assert exit.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "-v, --verbose" in shown and "Say more." in shown
    assert "[default: 80]" in shown
    assert "-c, --count-me" in shown and "Count this." in shown
    assert "--with=" in shown


def test_help_of_commands() -> None:
    options = Main()
    assert "deeper" in str(options) and "Draw more." in str(options) and "All about wells." in str(options)
    options.parseOptions(["deeper", "one"])
    assert options.subOptions.getSynopsis() == f"{options.getSynopsis()} deeper [things]"
    assert "--deep" in options.getUsage()


def test_help_is_no_wider_than_told() -> None:
    class Wordy(usage.Options):
        optFlags = [["wordy", "w", "many words " * 30]]
        longdesc = "more words " * 30

    assert max(map(len, Wordy().getUsage(width=60).splitlines())) <= 60


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--version")
    assert "26.10.0" in capsys.readouterr().out
    assert usage.error is usage.UsageError


def test_completions_are_accepted() -> None:
    hints = usage.Completions(optActions={"file": usage.CompleteFiles("*.py"), "dir": usage.CompleteDirs()})
    assert hints.optActions["file"].globPattern == "*.py"


def test_one_method_under_several_names() -> None:
    class Named(usage.Options):
        seen = 0

        def opt_very_long(self, value: str) -> None:
            """Take a value."""
            self.seen += int(value)

        opt_short = opt_very_long
        opt_l = opt_very_long

    named = Named()
    named.parseOptions(["--very-long", "1", "--short=2", "-l", "4"])
    assert named.seen == 7
    assert {named.synonyms[name] for name in ("l", "short", "very-long")} == {"very-long"}
    assert str(named).count("Take a value.") == 1


def test_a_row_goes_before_a_method() -> None:
    class Both(usage.Options):
        optFlags = [["flag", "f", "A flag."]]

        def opt_flag(self) -> None:
            """Another."""

    both = Both()
    both.parseOptions(["--flag"])
    assert both["flag"] == 1 and "A flag." in str(both) and "Another." not in str(both)


def test_whether_a_method_is_a_flag() -> None:
    assert usage.flagFunction(lambda: None) and not usage.flagFunction(lambda value: None)
    with pytest.raises(usage.UsageError, match="Invalid Option function for --x"):
        usage.flagFunction(lambda a, b: None, "--x")
