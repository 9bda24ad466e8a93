"""The options of ``plait run`` that say how the log is written, and when its file is put aside."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plait.log import Rotation

# A file that is smaller is put aside all the time.
_SMALLEST = 1000

# So many files that were put aside are kept, if nobody says how many.
KEEP = 10

_PERIODS = {"daily": "day", "hourly": "hour"}
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]i?)?b?", re.IGNORECASE | re.ASCII)


def to_size(text: str) -> int:
    """Bytes, for argparse: ``10MB``, ``512KiB``, ``1.5G``."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[(found[2] or "").lower()]) if found else 0
    if size < _SMALLEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: it has to be 1KB or more, such as 500KB, 10MB or 1GiB")
    return size


def to_keep(text: str) -> int | None:
    """How many files, for argparse; None for all."""
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= len(text) <= 9 or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of files: it has to be 1 or more, or 'all'")
    return int(text)


def to_levels(text: str) -> str:
    """The levels, for argparse, as they were typed."""
    from plait.log import parseLevels

    try:
        parseLevels(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error} (such as info, or info,shop=debug)") from None
    return text


def add_to(run: argparse.ArgumentParser) -> None:
    """Add them to the parser of ``plait run``."""
    run.add_argument(
        "--log-max-size", type=to_size, metavar="SIZE", help="put the log file aside before it is larger: 10MB, 512KiB"
    )
    run.add_argument("--log-rotate", choices=list(_PERIODS), help="put the log file aside every day, or every hour")
    run.add_argument(
        "--log-keep",
        type=to_keep,
        metavar="N",
        default=KEEP,
        help=f"keep N log files that were put aside, or 'all' (default: {KEEP})",
    )
    run.add_argument(
        "--log-compress", action="store_true", help="compress log files that were put aside, but the newest"
    )
    run.add_argument(
        "--log-format", choices=["text", "json"], help="lines for people (default), in colour on a terminal; or JSON"
    )
    run.add_argument(
        "--log-level",
        type=to_levels,
        metavar="LEVELS",
        default="",
        help="log what is at least of this level: debug, info, warn, error, critical; for parts: info,shop=debug",
    )
    run.add_argument(
        "--full-tracebacks", action="store_true", help="show each frame of a traceback in the log, Plait's own too"
    )
    run.add_argument(
        "--journal", action="store_true", help="log to systemd's journal, with all values, under the name of --prefix"
    )


def mistakes(options: argparse.Namespace) -> Iterator[tuple[bool, str]]:
    """What does not go together: whether it is so, and what to say then."""
    rotated = options.log_max_size is not None or options.log_rotate is not None
    to_file = not (options.syslog or options.journal or options.logger)
    kept = options.log_keep != KEEP or options.log_compress
    yield (
        bool(options.journal and (options.syslog or options.logfile is not None or options.logger)),
        "--journal takes the place of --logfile, --syslog and --logger: leave out one",
    )
    yield (
        kept and not rotated,
        "--log-keep and --log-compress are for files that were put aside: add --log-max-size or --log-rotate",
    )
    yield (
        rotated and (not to_file or options.logfile == "-" or (options.logfile is None and options.nodaemon)),
        "--log-max-size and --log-rotate are for a log file: name one with --logfile",
    )
    yield rotated and options.chroot is not None, "a log file cannot be put aside from inside --chroot: leave out one"
    yield (
        options.log_format is not None and not to_file,
        "--log-format is for a log file or standard output: leave it out",
    )


def rotation(options: argparse.Namespace) -> Rotation | None:
    """When the log file is put aside; None if it never is."""
    if options.log_max_size is None and options.log_rotate is None:
        return None
    from plait.log import Rotation

    every = _PERIODS.get(options.log_rotate)
    return Rotation(options.log_max_size, every, options.log_keep, options.log_compress)  # type: ignore[arg-type]
