"""The command line of ``plait test``: what may be typed, and what each option means."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

_DESCRIPTION = """\
Run tests. A NAME is a module, a package, a class or a method, with dots; or the path of a file or of a folder. Without a
name, the tests of the current folder are run: all files test_*.py in it and in its folders.
"""

# What cannot be done in several processes at a time, or makes no sense there.
_ALONE = ("debug", "profile", "coverage")

# The status of a command that was typed wrongly, or could not be done.
_USAGE_ERROR = 2


def add_command(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``test`` to the commands of ``plait``."""
    test = commands.add_parser("test", help="run tests", description=_DESCRIPTION, allow_abbrev=False)
    test.add_argument("names", metavar="NAME", nargs="*", help="what to run")

    which = test.add_argument_group("which tests, and in which order")
    which.add_argument(
        "-o", "--order", metavar="ORDER", help="the order within modules and packages (see --help-orders)"
    )
    which.add_argument("--help-orders", action="store_true", help="list the orders")
    which.add_argument(
        "-z",
        "--random",
        metavar="SEED",
        type=_seed,
        help="shuffle with this number; 0 chooses one and prints it",
    )
    which.add_argument(
        "--recurse", action=argparse.BooleanOptionalAction, default=True, help="go into packages and folders (default)"
    )
    which.add_argument("-N", dest="recurse", action="store_false", help=argparse.SUPPRESS)
    which.add_argument(
        "--testmodule",
        metavar="FILE",
        action="append",
        default=[],
        help="run what FILE names as its tests in its first two lines: -*- test-case-name: NAME -*-",
    )
    which.add_argument(
        "--without-module", metavar="NAMES", action="append", default=[], help="let the import of these modules fail"
    )

    how = test.add_argument_group("how they run")
    how.add_argument(
        "-j", "--jobs", metavar="N", type=_jobs, default=1, help="run in N processes; auto: one for each CPU"
    )
    how.add_argument("-u", "--until-failure", action="store_true", help="run again and again until something fails")
    how.add_argument("-x", "--exitfirst", action="store_true", help="end after the first failure or error")
    how.add_argument("-n", "--dry-run", action="store_true", help="do all but run the tests")
    how.add_argument("--force-gc", action="store_true", help="collect garbage before and after each test")
    how.add_argument("--unclean-warnings", action="store_true", help="warn of what tests leave in the reactor")
    how.add_argument(
        "--temp-directory", metavar="FOLDER", help="the folder that tests run in, made anew (default: _plait_test)"
    )
    how.add_argument("-b", "--debug", action="store_true", help="run in a debugger, which looks at each error")
    how.add_argument("--debugger", metavar="NAME", help="a debugger other than pdb")
    how.add_argument("--nopm", action="store_true", help="with --debug, do not look at errors")
    how.add_argument("--profile", action="store_true", help="write profile.data in the working folder")
    how.add_argument("--coverage", action="store_true", help="measure which lines run")

    what = test.add_argument_group("what is told")
    what.add_argument("--reporter", metavar="NAME", default="tree", help="how it is told (see --help-reporters)")
    what.add_argument("--help-reporters", action="store_true", help="list the reporters")
    what.add_argument("--junit-xml", metavar="FILE", help="write a report for a server, too")
    what.add_argument("-e", "--rterrors", action="store_true", help="print tracebacks at once, too")
    what.add_argument(
        "--tbformat", choices=["default", "brief", "verbose"], default="default", help="how tracebacks look"
    )
    what.add_argument("--suppress-warnings", action="store_true", help="do not show warnings")
    what.add_argument(
        "-l",
        "--logfile",
        metavar="FILE",
        default="test.log",
        help="what tests log goes there; relative to the working folder, '-' is standard output (default: test.log)",
    )
    test.set_defaults(execute=execute)


def _seed(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a seed: a whole number, 0 to have one chosen")
    return int(text)


def _jobs(text: str) -> int:
    if text == "auto":
        return count_cpus()
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes: 1 or more, or auto")
    return int(text)


def count_cpus() -> int:
    """How many CPUs this process may use; 1 if nobody knows."""
    if hasattr(os, "process_cpu_count"):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or os.cpu_count() or 1
    return os.cpu_count() or 1


def execute(options: argparse.Namespace) -> int:
    """Do what ``plait test`` with these options says. Returns the status to exit with."""
    from plait.testing.runner import command, order, testmodule  # load the rest of Plait: not for --help

    if options.help_orders:
        return _print_choices((name, text) for name, (text, _) in order.ORDERS.items())
    if options.help_reporters:
        return _print_choices((name, text) for name, (text, _) in command.REPORTERS.items())
    try:
        _check(options, command, order)
        names = list(options.names)
        for file in options.testmodule:
            names.extend(testmodule.getTestModules(file))
        if options.testmodule and not names:
            raise command.UsageError(f"{', '.join(options.testmodule)} name no tests")
        settings = command.Settings(
            names=names,
            reporter=options.reporter,
            jobs=options.jobs,
            untilFailure=options.until_failure,
            order=options.order or "alphabetical",
            random=order.choose_seed() if options.random == 0 else options.random,
            exitFirst=options.exitfirst,
            debug=options.debug,
            debugger=options.debugger,
            postMortem=not options.nopm,
            dryRun=options.dry_run,
            forceGC=options.force_gc,
            profile=options.profile,
            coverage=options.coverage,
            logfile=options.logfile,
            folder=options.temp_directory,
            realTimeErrors=options.rterrors,
            uncleanWarnings=options.unclean_warnings,
            suppressWarnings=options.suppress_warnings,
            recurse=options.recurse,
            withoutModules=[name for each in options.without_module for name in each.split(",")],
            tbformat=options.tbformat,
            junit=options.junit_xml,
        )
        return command.execute(settings)
    except command.UsageError as error:
        problem = str(error)
    except OSError as error:
        problem = f"{error.filename}: {error.strerror}"
    print(f"plait test: {problem}", file=sys.stderr)
    return _USAGE_ERROR


def _print_choices(choices: Any) -> int:
    for name, text in choices:
        print(f"  {name:<14}{text}")
    return 0


def _check(options: argparse.Namespace, command: Any, order: Any) -> None:
    """UsageError for what there is not, and for what does not go together."""
    if options.reporter not in command.REPORTERS:
        raise command.UsageError(f"there is no reporter {options.reporter!r} (see plait test --help-reporters)")
    if options.order is not None and options.order not in order.ORDERS:
        raise command.UsageError(f"there is no order {options.order!r} (see plait test --help-orders)")
    if options.order is not None and options.random is not None:
        raise command.UsageError("--order and --random do not go together")
    for name in _ALONE:
        if options.jobs > 1 and getattr(options, name):
            raise command.UsageError(f"--{name} and --jobs do not go together")
