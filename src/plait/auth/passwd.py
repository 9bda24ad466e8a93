"""``plait passwd``: the users in a file, and their passwords."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

# What it ends with if it could not be done, besides 0 and the 2 of a command that was typed wrongly.
FAILED = 1


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``passwd`` to the commands of ``plait``."""
    parser = commands.add_parser(
        "passwd",
        help="add, change or delete a user in a file of passwords",
        description="Add a user to a file of passwords, or change the password; the file is made if there is none. The password "
        "is asked for at the terminal, or read from standard input, one line; it is never an argument, which others could see. "
        "A service reads the file by the checker file:FILE. Statuses: 0; 1, it could not be done; 2, the command line is wrong.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the file; its mode is 0600 afterwards")
    parser.add_argument("user", metavar="USER", nargs="?", help="who; without, with --list, all")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--delete", action="store_true", help="take the user out of the file")
    what.add_argument("--list", action="store_true", help="list the users; the hashes are not shown")
    what.add_argument(
        "--scheme",
        choices=["argon2id", "bcrypt", "scrypt"],
        help="how to hash (default: argon2id if the extra auth is installed, else scrypt)",
    )
    parser.set_defaults(execute=execute, parser=parser)


def execute(options: argparse.Namespace) -> int:
    """Do what ``plait passwd`` says. Returns the status to exit with."""
    if options.list == bool(options.user):
        options.parser.error("--list takes no user" if options.list else "the name of the user is missing")
    from plait.auth.files import PasswordFileError, readUsers, removeUser
    from plait.auth.passwords import PasswordError

    try:
        if options.list:
            for user in readUsers(options.file):
                print("".join(character if character.isprintable() else "?" for character in user))
        elif options.delete:
            if not removeUser(options.file, options.user):
                return _fail(f"there is no user {options.user!r} in {options.file}")
        else:
            _set(options)
    except PasswordFileError as error:
        return _fail(f"{options.file}: {error}")
    except PasswordError as error:
        return _fail(str(error))
    except UnicodeError:
        return _fail("the password is not in the encoding of this terminal")
    except OSError as error:
        return _fail(f"{options.file}: {error.strerror or error}")
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return _fail("interrupted; nothing was changed")
    return 0


def _set(options: argparse.Namespace) -> None:
    from plait.auth.files import checkName, setHash
    from plait.auth.passwords import hashPassword

    checkName(options.user)  # before the password is asked for
    folder = os.path.dirname(os.path.realpath(options.file))
    if not os.path.isdir(folder):
        raise FileNotFoundError(0, f"there is no folder {folder}")
    new = setHash(options.file, options.user, hashPassword(_read_password(options.user), options.scheme))
    print(f"{'added' if new else 'changed'} {options.user}", file=sys.stderr)


def _read_password(user: str) -> str:
    from plait.auth.passwords import PasswordError

    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line:
            raise PasswordError("no password on standard input: write it there, as one line")
        return line.removesuffix("\n").removesuffix("\r")
    import getpass

    try:
        password = getpass.getpass(f"Password for {user}: ")
        again = getpass.getpass("Once more: ")
    except EOFError:
        raise PasswordError("no password was given") from None
    if password != again:
        raise PasswordError("the two passwords are not the same; nothing was changed")
    return password


def _fail(message: str) -> int:
    print(f"plait passwd: {message}", file=sys.stderr)
    return FAILED
