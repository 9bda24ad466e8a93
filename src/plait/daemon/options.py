"""What ``plait run`` was asked to do, by the command line and the configuration file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plait.log import Rotation


@dataclass(frozen=True)
class Options:
    """What ``plait run`` was asked to do. `file` may be relative to the current folder, the others to `folder`."""

    file: str  # or what else is run, where `load` is given, which makes its service
    load: Callable[[], Any] | None = None
    foreground: bool = False
    log_file: str | None = None
    pid_file: str = "plait.pid"
    remove_stale: bool = False
    folder: str = "."
    user: str | None = None
    group: str | None = None
    umask: int | None = None
    drain: float = 10.0  # seconds that connections have for coming to their end
    start_timeout: float = 60.0  # seconds that services have for starting; 0: they are not waited for
    blocked_after: float = 1.0  # seconds that the loop may be blocked before the log says by what; 0: it is not watched
    metrics: str | None = None  # where to serve the page of metrics
    trace: bool = False  # make spans for OpenTelemetry
    engine: str | None = None
    root_folder: str | None = None
    effective_only: bool = False  # keep root's rights at hand
    logger: str | None = None
    syslog: bool = False
    log_prefix: str = "plait"
    log_rotation: Rotation | None = None
    log_format: str | None = None  # text or json; None: text, or what the place of the log knows better
    log_level: str = ""  # as `plait.log.parseLevels` reads it; "" for all
    journal: bool = False
    full_tracebacks: bool = False
    profile: str | None = None
    profiler: str = "cprofile"
    save_stats: bool = False
    debug: bool = False
    workers: int | None = None  # run the application in so many processes
    reload: tuple[str, ...] | None = None  # begin anew when a file of the program changes, or one of these
