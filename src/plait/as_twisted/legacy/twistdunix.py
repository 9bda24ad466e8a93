"""What `twistd` does on Unix: in the background, with a pid file, as another user."""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import Any

from plait import log as logging
from plait.as_twisted.legacy import app, apprunner, syslog
from plait.as_twisted.legacy.accounts import gidFromString, switchUID, uidFromString
from plait.as_twisted.legacy.logfile import LogFile
from plait.current import getReactor
from plait.interfaces import IReactorDaemonize, adapt, provides
from plait.log.legacy import err, msg
from plait.service import IProcess, IService

try:
    import pwd
except ImportError:  # Windows has none
    pwd = None  # type: ignore[assignment]

__all__ = ["ServerOptions", "UnixAppLogger", "UnixApplicationRunner", "checkPID", "shedPrivileges"]

# Bytes of an error that the process in the background tells the one that waits for it.
_LONGEST_WORD = 100


def _mask(text: str) -> int:
    return int(text, 8)


class ServerOptions(apprunner.ServerOptions):
    """The options of `twistd` on Unix."""

    synopsis = "twistd [options]"
    optFlags = [
        ["nodaemon", "n", "Stay in the foreground."],
        ["originalname", None, "Accepted, and without effect: the process keeps its name."],
        ["syslog", None, "Log to the system's log."],
        ["euid", None, "Change the effective user only."],
    ]
    optParameters = [
        ["prefix", None, "twisted", "The program's name in the system's log."],
        ["pidfile", None, "twistd.pid", "The file for the number of the process."],
        ["chroot", None, None, "The folder that becomes the root folder."],
        ["uid", "u", None, "The user to become.", uidFromString],
        ["gid", "g", None, "The group to become.", gidFromString],
        ["umask", None, None, "The file creation mask, in octal.", _mask],
    ]


def checkPID(pidfile: str | None) -> None:
    """See that the file names no process that runs: SystemExit if it does, or is no pid file. One that is gone is removed."""
    if not pidfile or not os.path.exists(pidfile):
        return
    try:
        with open(pidfile) as file:
            pid = int(file.read())
    except ValueError:
        sys.exit(f"Pidfile {pidfile} contains non-numeric value")
    try:
        os.kill(pid, 0)
    except OSError as error:
        if error.errno != errno.ESRCH:
            sys.exit(f"Can't check status of PID {pid} from pidfile {pidfile}: {error.strerror}")
        msg(f"Removing stale pidfile {pidfile}")
        os.remove(pidfile)
        return
    if pid != os.getpid():
        sys.exit(f"Another twistd server is running, PID {pid}: stop it first, or name another file with --pidfile")


class UnixAppLogger(apprunner.AppLogger):
    """Logs to the system's log too; a file is rotated at SIGUSR1."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._syslog = options.get("syslog", False)
        self._prefix = options.get("prefix", "")
        self._nodaemon = options.get("nodaemon", False)

    def _getLogObserver(self) -> Any:
        if self._syslog:
            return syslog.SyslogObserver(self._prefix).emit
        if self._logfilename == "-" and not self._nodaemon:
            sys.exit("Daemons cannot log to stdout, exiting!")
        if self._logfilename == "-" or (self._nodaemon and not self._logfilename):
            return logging.textFileLogObserver(sys.stdout)
        file: Any = LogFile.fromFullPath(self._logfilename or "twistd.log")
        if not signal.getsignal(signal.SIGUSR1):

            def rotate(number: int, frame: object) -> None:
                getReactor().callFromThread(file.rotate)

            signal.signal(signal.SIGUSR1, rotate)
        return logging.textFileLogObserver(file)


def shedPrivileges(euid: Any, uid: int | None, gid: int | None) -> None:
    """Become another user and group. SystemExit with status 1 if that cannot be."""
    if uid is None and gid is None:
        return
    kind = "euid/egid" if euid else "uid/gid"
    try:
        switchUID(uid, gid, euid)
    except OSError as error:
        msg(f"failed to set {kind} {uid}/{gid} (are you root?): {error}; exiting.")
        sys.exit(1)
    msg(f"set {kind} {uid}/{gid}")


class UnixApplicationRunner(apprunner.ApplicationRunner):
    """Runs an application as a daemon, unless told otherwise."""

    loggerFactory = UnixAppLogger

    def preApplication(self) -> None:
        """See that no other one runs, and keep the streams for the debugger."""
        checkPID(self.config["pidfile"])
        self.config["nodaemon"] = self.config["nodaemon"] or self.config["debug"]
        self.oldstdout = sys.stdout
        self.oldstderr = sys.stderr

    def postApplication(self) -> None:
        """Start the application, tell the command that waits how that went, and run the reactor."""
        try:
            self.startApplication(self.application)
        except Exception as error:
            word = f"1 {type(error).__name__}: {error}".encode("ascii", "backslashreplace")
            self._tell(word[:_LONGEST_WORD])
            self.removePID(self.config["pidfile"])
            raise
        self._tell(b"0")
        self.startReactor(None, self.oldstdout, self.oldstderr)
        self.removePID(self.config["pidfile"])

    def _tell(self, word: bytes) -> None:
        pipe = self.config.get("statusPipe", None)
        if pipe is not None:
            _until_done(lambda: os.write(pipe, word))
            _until_done(lambda: os.close(pipe))

    def startApplication(self, application: Any) -> None:
        """Prepare the process, and start the services in their order of rights."""
        process: Any = adapt(IProcess, application)
        config = self.config
        self.setupEnvironment(
            config["chroot"], config["rundir"], config["nodaemon"], config["umask"], config["pidfile"]
        )
        adapt(IService, application).privilegedStartService()
        uid = process.uid if config["uid"] is None else config["uid"]
        gid = process.gid if config["gid"] is None else config["gid"]
        if uid is not None and gid is None:
            gid = pwd.getpwuid(uid).pw_gid
        self.shedPrivileges(config["euid"], uid, gid)
        app.startApplication(application, not config["no_save"])

    def setupEnvironment(
        self, chroot: str | None, rundir: str, nodaemon: Any, umask: int | None, pidfile: str | None
    ) -> None:
        """Root folder, folder, mask, background and pid file, in this order."""
        if chroot is not None:
            os.chroot(chroot)
            if rundir == ".":
                rundir = "/"
        os.chdir(rundir)
        if umask is None and not nodaemon:
            umask = 0o077
        if umask is not None:
            os.umask(umask)
        if not nodaemon:
            self.daemonize(getReactor())
        if pidfile:
            with open(pidfile, "w") as file:
                file.write(str(os.getpid()))

    def daemonize(self, reactor: Any) -> None:
        """Go on in a process without a terminal. This one waits for its word, and ends."""
        tells = provides(IReactorDaemonize, reactor)
        if tells:
            reactor.beforeDaemonize()
        news, pipe = os.pipe()
        if os.fork():
            status = self._wait(news)
            os.close(news)
            os._exit(status)
        os.setsid()
        if os.fork():
            os._exit(0)
        nowhere = os.open("/dev/null", os.O_RDWR)
        for standard in (0, 1, 2):
            try:
                os.dup2(nowhere, standard)
            except OSError as error:
                if error.errno != errno.EBADF:
                    raise
        os.close(nowhere)
        self.config["statusPipe"] = pipe
        if tells:
            reactor.afterDaemonize()

    def _wait(self, news: int) -> int:
        word: bytes = _until_done(lambda: os.read(news, _LONGEST_WORD))
        if word == b"0":
            return 0
        if sys.__stderr__ is not None:
            sys.__stderr__.write(
                f"An error has occurred: {word[2:]!r}\nPlease look at log file for more information.\n"
            )
            sys.__stderr__.flush()
        return 1

    def shedPrivileges(self, euid: Any, uid: int | None, gid: int | None) -> None:
        """See the function of that name."""
        shedPrivileges(euid, uid, gid)

    def removePID(self, pidfile: str | None) -> None:
        """Remove the pid file; that it cannot be is logged."""
        if not pidfile:
            return
        try:
            os.unlink(pidfile)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM):
                msg("Warning: No permission to delete pid file")
            else:
                err(error, "Failed to unlink PID file:")


def _until_done(call: Any) -> Any:
    """Call until no signal has come in between."""
    while True:
        try:
            return call()
        except OSError as error:
            if errno.EINTR not in error.args[:1]:
                raise
