"""What ``plait run`` does: which process runs the application, and how a mistake is told.

In the foreground that is the process of the command. In the background it is the daemon's own: the command that was typed makes
no reactor and loads no application, it waits for the word that the daemon serves. A process that another one has started in its
own place, or as one of its workers, has its word with that.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import NoReturn

from plait.daemon import watching
from plait.daemon.background import Link, run_in_background, run_linked
from plait.daemon.errors import StartError
from plait.daemon.options import Options
from plait.daemon.serving import Run
from plait.daemon.upgrade import Origin, take_up
from plait.daemon.worker import WorkerLink


def run(options: Options) -> int:
    """Run the application, in the foreground or as a daemon. Returns the status to exit with."""
    worker = WorkerLink.take_up(detach=not options.foreground)
    handed = take_up()
    origin = Origin.remember()
    if worker is not None:
        options = replace(options, pid_file="", workers=None)
        return run_linked(worker, lambda link: Run(options, origin, link).serve())
    if handed is not None and handed.link is not None:
        before = Link(handed.link, detach=not options.foreground)
        return run_linked(before, lambda link: Run(options, origin, link, handed).serve())
    if (files := options.reload) is not None:
        options = replace(options, drain=min(options.drain, watching.DRAIN))
        return watching.run_watched(lambda watch: Run(options, origin, watch=watch).serve(), files, origin)
    try:
        if options.foreground:
            return Run(options, origin).serve()
        return run_in_background(lambda link: Run(options, origin, link).serve())
    except StartError as error:
        print(f"plait: {error}", file=sys.stderr)
        return error.status


def refuse(error: StartError, reload: tuple[str, ...] | None) -> int:
    """Tell of an error that is known before there are options to run with. Returns the status to exit with."""
    handed = take_up()
    if handed is not None and handed.link is not None:
        Link(handed.link).failed(str(error))  # to the process that goes on in our place
    elif reload is not None:

        def fail(_: object) -> NoReturn:
            raise error

        return watching.run_watched(fail, reload, Origin.remember())
    else:
        print(f"plait: {error}", file=sys.stderr)
    return error.status
