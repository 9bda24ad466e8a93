"""Checkers as strings: ``memory:bob:secret``, ``file:/etc/mail/users``, ``pam:mail``.

So an option, or a configuration file, says who may come in. A string is a kind, and what follows its first colon is for
that kind to read. A package adds kinds with entry points of the group ``plait.checkers``: the name is the kind, the object
provides `ICheckerFactory`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

from plait.auth.checkers import AllowAnonymousAccess, ChainChecker, MemoryChecker
from plait.auth.files import FileChecker, PasswordFileError, readUsers
from plait.auth.interfaces import IAnonymous, ICheckerFactory, IUsernameHashedPassword, IUsernamePassword
from plait.auth.system import PAMChecker, UNIXChecker
from plait.interfaces import implementer

__all__ = [
    "CheckerKind",
    "addCheckerOptions",
    "checkerFromString",
    "checkerFromStrings",
    "checkerKinds",
    "checkersHelp",
]


@implementer(ICheckerFactory)
@dataclass(frozen=True)
class CheckerKind:
    """A kind of checker, see `ICheckerFactory`."""

    authType: str
    argStringFormat: str
    authHelp: str
    credentialInterfaces: tuple[Any, ...]
    generateChecker: Callable[[str], Any] = field(repr=False)


def checkerFromString(description: str) -> Any:
    """The checker that a string describes.

    - ``anonymous``: lets those in who do not say who they are;
    - ``memory:USER:PASSWORD:USER:PASSWORD…``: for trying things out, as other users of the machine see a command line;
    - ``file:PATH``: a file that ``plait passwd`` writes;
    - ``unix``: the accounts of this machine, by its shadow file;
    - ``pam:SERVICE``: whoever PAM lets in; ``login`` if there is no name.

    :raises ValueError: if it describes none, or that cannot be had here; the message says why.
    """
    word, _, argument = description.partition(":")
    kinds = {kind.authType: kind for kind in checkerKinds()}
    if word not in kinds:
        raise ValueError(f"there is no kind of checker {word!r}; there are: {', '.join(kinds)}")
    return kinds[word].generateChecker(argument)


def checkerFromStrings(descriptions: Sequence[str]) -> ChainChecker:
    """The checkers that several strings describe, asked one after the other. ValueError, also if there are none."""
    if not descriptions:
        raise ValueError("nobody could log in: name a checker, such as file:PATH")
    return ChainChecker([checkerFromString(description) for description in descriptions])


def checkerKinds() -> list[Any]:
    """The kinds that there are: ours, then those of packages."""
    found = {kind.authType: kind for kind in KINDS}
    for entry in entry_points(group="plait.checkers"):
        if entry.name not in found:
            found[entry.name] = entry.load()
    return list(found.values())


def checkersHelp(*credentialInterfaces: Any) -> str:
    """What can be said in a string, for a person.

    :param credentialInterfaces: the kinds of credentials that a program has; checkers for none of them are left out.
    """
    lines = []
    for kind in checkerKinds():
        if not credentialInterfaces or _fits(kind.credentialInterfaces, credentialInterfaces):
            lines.append(f"  {kind.authType}:{kind.argStringFormat}" if kind.argStringFormat else f"  {kind.authType}")
            lines += [f"      {line.strip()}" for line in kind.authHelp.strip().splitlines()]
    return "\n".join(lines)


def _fits(offered: Iterable[Any], wanted: Iterable[Any]) -> bool:
    return any(one.isOrExtends(other) or other.isOrExtends(one) for one in offered for other in wanted)


def addCheckerOptions(parser: argparse.ArgumentParser, *credentialInterfaces: Any) -> None:
    """Add ``--auth CHECKER``, as often as one likes, and ``--help-auth`` to a parser. Its result has a list `auth`.

    :param credentialInterfaces: the kinds of credentials that the program has; a checker for none of them is refused.
    """

    def checker(description: str) -> Any:
        try:
            made = checkerFromString(description)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        if credentialInterfaces and not _fits(made.credentialInterfaces, credentialInterfaces):
            raise argparse.ArgumentTypeError(
                f"{description.partition(':')[0]} is of no use: it checks nothing that is sent here"
            )
        return made

    class Help(argparse.Action):
        def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
            print("Checkers, for --auth:\n" + checkersHelp(*credentialInterfaces))
            parser.exit()

    parser.add_argument(
        "--auth", action="append", default=[], type=checker, metavar="CHECKER", help="who may come in, see --help-auth"
    )
    parser.add_argument("--help-auth", action=Help, nargs=0, help="list what --auth takes, and exit")


# -- the kinds


def _nothing(make: Callable[[], Any], word: str) -> Callable[[str], Any]:
    def made(argument: str) -> Any:
        if argument:
            raise ValueError(f"{word} takes nothing behind it, and not {argument!r}")
        return make()

    return made


def _memory(argument: str) -> MemoryChecker:
    parts = argument.split(":") if argument else []
    if len(parts) % 2:
        raise ValueError("memory needs a password for each user: memory:USER:PASSWORD:USER:PASSWORD")
    return MemoryChecker(dict(zip(parts[::2], parts[1::2], strict=True)))


def _file(argument: str) -> FileChecker:
    if not argument:
        raise ValueError("file needs a path: file:PATH")
    path = os.path.abspath(argument)  # a daemon changes its folder
    try:
        readUsers(path)
    except OSError as error:
        raise ValueError(f"cannot read the password file {argument}: {error.strerror}") from None
    except PasswordFileError as error:
        raise ValueError(f"the password file {argument} is no good: {error}") from None
    return FileChecker(path)


def _pam(argument: str) -> PAMChecker:
    return PAMChecker(argument) if argument else PAMChecker()


KINDS: tuple[CheckerKind, ...] = (
    CheckerKind(
        "anonymous",
        "",
        "Lets those in who do not say who they are.",
        (IAnonymous,),
        _nothing(AllowAnonymousAccess, "anonymous"),
    ),
    CheckerKind(
        "memory",
        "USER:PASSWORD:USER:PASSWORD...",
        """Users and passwords in the string itself: for trying things out.
        Other users of the machine can see a command line.""",
        (IUsernamePassword, IUsernameHashedPassword),
        _memory,
    ),
    CheckerKind(
        "file",
        "PATH",
        "Users and hashes of passwords in a file that plait passwd writes.",
        (IUsernamePassword,),
        _file,
    ),
    CheckerKind(
        "unix",
        "",
        """The accounts of this machine, by its shadow file: takes root, and Python 3.12 or older.
        Prefer pam.""",
        (IUsernamePassword,),
        _nothing(UNIXChecker, "unix"),
    ),
    CheckerKind(
        "pam",
        "SERVICE",
        """Whoever PAM lets in, as the file SERVICE in /etc/pam.d says (default: login).
        Needs the extra: pip install 'plait[pam]'.""",
        (IUsernamePassword,),
        _pam,
    ),
)
"""The kinds that come with Plait."""
