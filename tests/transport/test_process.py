"""Child processes, on each engine: real ones, with pipes and with terminals."""

import asyncio
import os
import signal
import sys
import threading
import warnings

import pytest

from plait import Deferred
from plait.as_twisted.legacy.warned import runWithWarningsSuppressed, suppressWarnings
from plait.engine import Reactor, getProcessOutput, getProcessOutputAndValue, getProcessValue
from plait.errors import ProcessDone, ProcessExitedAlready, ProcessTerminated
from plait.log import capturedLogs
from plait.protocol import ProcessProtocol
from plait.transport.address import ProcessAddress
from plait.transport.process import reapAllProcesses, reapProcessHandlers


@pytest.fixture(params=["pidfd", "thread"])
def waits(request, monkeypatch):
    if request.param == "thread":
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    elif not hasattr(os, "pidfd_open"):
        pytest.skip("no pidfd here")


class Noting(ProcessProtocol):
    """Notes what happens, and stops the reactor when the process has ended."""

    left = 1

    def __init__(self, reactor):
        self.reactor = reactor
        self.events = []
        self.data = {}

    def connectionMade(self):
        self.events.append("made")

    def childDataReceived(self, childFD, data):
        self.data[childFD] = self.data.get(childFD, b"") + data

    def childConnectionLost(self, childFD):
        self.events.append(childFD)

    def processExited(self, reason):
        self.events.append("exited")
        self.reason = reason.value

    def processEnded(self, reason):
        self.events.append("ended")
        assert reason.value is self.reason
        self.reactor.stop()


def python(reactor, code, protocol=None, **kw):
    protocol = protocol or Noting(reactor)
    reactor.spawnProcess(protocol, sys.executable, [sys.executable, "-c", code], **kw)
    return protocol


def test_all_its_events_in_order(reactor, waits):
    p = python(reactor, "import sys; print(sys.stdin.read().upper()); print('bad', file=sys.stderr); sys.exit(3)")
    assert p.events == ["made"] and p.transport.pid in reapProcessHandlers
    p.transport.write(b"hello ")
    p.transport.writeSequence([b"wor", b"ld"])
    p.transport.closeStdin()
    pid = p.transport.pid
    reactor.run()
    assert p.data == {1: b"HELLO WORLD\n", 2: b"bad\n"}
    assert p.events[0] == "made" and p.events[-1] == "ended" and set(p.events[1:-1]) == {0, 1, 2, "exited"}
    assert isinstance(p.reason, ProcessTerminated)
    assert (p.reason.exitCode, p.reason.signal, os.WEXITSTATUS(p.reason.status)) == (3, None, 3)
    assert p.transport.pid is None and pid not in reapProcessHandlers
    with pytest.raises(ProcessExitedAlready):
        p.transport.signalProcess("TERM")
    with pytest.raises(ChildProcessError):  # no zombie
        os.waitpid(pid, os.WNOHANG)
    p.transport.write(b"nobody is there")
    assert p.transport.getHost() == p.transport.getPeer() == ProcessAddress()


def test_a_good_end(reactor, waits):
    p = python(reactor, "")
    reactor.run()
    assert isinstance(p.reason, ProcessDone) and p.reason.exitCode == 0


@pytest.mark.parametrize("sig", ["TERM", "KILL", signal.SIGHUP])
def test_signals(reactor, sig):
    class Signals(Noting):
        def childDataReceived(self, childFD, data):
            self.transport.signalProcess(sig)

    p = python(reactor, "print('ready', flush=True); input()", Signals(reactor))
    reactor.run()
    number = sig if isinstance(sig, int) else getattr(signal, f"SIG{sig}")
    assert (p.reason.exitCode, p.reason.signal) == (None, number)


def test_an_unknown_signal_is_one_clear_error(reactor):
    p = python(reactor, "input()")
    with pytest.raises(ValueError, match="there is no signal 'NONSENSE'"):
        p.transport.signalProcess("NONSENSE")
    p.transport.signalProcess("KILL")
    reactor.run()


def test_more_than_a_pipe_holds_goes_both_ways(reactor):
    data = os.urandom(1 << 20)
    p = python(reactor, "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)")
    p.transport.write(data)
    p.transport.closeStdin()
    reactor.run()
    assert p.data[1] == data


def test_many_children_at_once(reactor, waits):
    ended = []

    class One(Noting):
        def processEnded(self, reason):
            ended.append(reason.value.exitCode)
            if len(ended) == 20:
                self.reactor.stop()

    for code in range(20):
        reactor.spawnProcess(One(reactor), "/bin/sh", ["sh", "-c", f"exit {code}"])
    reactor.run()
    assert sorted(ended) == list(range(20))


def test_descriptors_by_number(reactor, tmp_path):
    read, write = os.pipe()
    os.set_inheritable(write, True)  # and yet it does not leak
    code = (
        "import os; os.write(7, os.read(4, 9) + b'!'); os.write(5, b'to the pipe');"
        "print(sorted(n for n in range(64) if os.path.exists(f'/proc/self/fd/{n}')))"
    )
    p = python(reactor, code, childFDs={1: "r", 4: "w", 5: write, 7: "r"})
    os.close(write)
    p.transport.writeToChild(4, b"from here")
    with pytest.raises(KeyError):
        p.transport.writeToChild(7, b"x")
    with pytest.raises(KeyError):
        p.transport.writeToChild(0, b"x")
    reactor.run()
    assert p.data[7] == b"from here!"
    assert os.read(read, 100) == b"to the pipe" and os.read(read, 1) == b""
    os.close(read)
    assert eval(p.data[1]) == [0, 1, 2, 4, 5, 7]
    assert sorted(p.events[1:-1], key=str) == [1, 4, 7, "exited"]


def test_descriptors_that_change_places(reactor):
    pipes = [*os.pipe(), *os.pipe()]
    code = "import os; os.write(%d, b'first'); os.write(%d, b'second')"
    # each is to be where the other is in us
    p = python(reactor, code % (pipes[3], pipes[1]), childFDs={pipes[1]: pipes[3], pipes[3]: pipes[1]})
    reactor.run()
    assert os.read(pipes[0], 99) == b"first" and os.read(pipes[2], 99) == b"second"
    assert isinstance(p.reason, ProcessDone)
    for fd in pipes:
        os.close(fd)


def test_no_descriptor_of_ours_is_left_open(reactor):
    def one():
        protocol = python(reactor, "")
        reactor.run()
        return protocol

    one()
    before = set(os.listdir("/proc/self/fd"))
    one()
    reactor.spawnProcess(Noting(reactor), "/no/such/program", ["x"])
    reactor.run()
    assert set(os.listdir("/proc/self/fd")) <= before


def test_environment_and_directory(reactor, tmp_path, monkeypatch):
    monkeypatch.setenv("INHERITED", "yes")
    code = "import os; print(os.getcwd(), os.environ.get('INHERITED'), os.environ.get('GIVEN'))"
    p = python(reactor, code, path=str(tmp_path).encode(), env={b"GIVEN": "\xe4"})
    reactor.run()
    assert p.data[1].decode() == f"{tmp_path} None \xe4\n"
    p = python(reactor, code, env=None)
    reactor.run()
    assert p.data[1].decode() == f"{os.getcwd()} yes None\n"
    p = python(reactor, code)  # an empty one, unless it is said
    reactor.run()
    assert p.data[1].decode() == f"{os.getcwd()} None None\n"


@pytest.mark.skipif(os.getuid() != 0, reason="needs the superuser's rights")
def test_another_user(reactor):
    p = Noting(reactor)
    reactor.spawnProcess(p, "/bin/sh", ["sh", "-c", "id -u; id -g; id -G"], uid=65534, gid=12345)
    reactor.run()
    uid, gid, groups = p.data[1].split(b"\n")[:3]
    assert (uid, gid) == (b"65534", b"12345") and b"0" not in groups.split()


@pytest.mark.parametrize("kw", [{}, {"usePTY": True}])
def test_a_program_that_is_not_there(reactor, kw):
    p = Noting(reactor)
    reactor.spawnProcess(p, "/no/such/program", ["program"], **kw)
    reactor.run()
    assert p.reason.exitCode == 1
    assert b"cannot run '/no/such/program'" in p.data[1 if kw else 2]


@pytest.mark.parametrize(
    "kw, error, match",
    [
        ({"args": ["a\0b"]}, TypeError, "an argument holds a NUL"),
        ({"args": [1]}, TypeError, "an argument must be text or bytes, not 1"),
        ({"env": {"A": "a\0"}}, TypeError, "a value in env holds a NUL"),
        ({"childFDs": {0: "x"}}, ValueError, "childFDs has 0: 'x'"),
        ({"childFDs": {-1: "r"}}, ValueError, "childFDs has -1"),
        ({"usePTY": True, "childFDs": {}}, ValueError, "childFDs cannot be used with usePTY"),
    ],
)
def test_what_is_wrong_is_refused(reactor, kw, error, match):
    p = Noting(reactor)
    with pytest.raises(error, match=match):
        reactor.spawnProcess(p, "/bin/true", **kw)
    assert p.events == []


def test_ignored_signals_are_not_ignored_in_the_child(reactor):
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        p = python(reactor, "import os, signal; os.kill(os.getpid(), signal.SIGUSR1)")
    finally:
        signal.signal(signal.SIGUSR1, before)
    reactor.run()
    assert p.reason.signal == signal.SIGUSR1


def test_a_terminal(reactor):
    class Types(Noting):
        def childDataReceived(self, childFD, data):
            super().childDataReceived(childFD, data)
            if self.data[1] == b"ready\r\n":
                self.transport.write(b"typed\n")

    code = "import os; assert os.isatty(2); t = open('/dev/tty'); print('ready', flush=True); print(t.readline())"
    p = python(reactor, code, Types(reactor), usePTY=True)
    p.transport.closeStdin()  # changes nothing
    reactor.run()
    assert isinstance(p.reason, ProcessDone) and p.data == {1: b"ready\r\ntyped\r\ntyped\r\n\r\n"}
    assert p.events == ["made", "exited", "ended"]


def test_a_terminal_that_is_hung_up(reactor):
    class HangsUp(Noting):
        def childDataReceived(self, childFD, data):
            self.transport.loseConnection()

    p = python(reactor, "print('ready', flush=True); input()", HangsUp(reactor), usePTY=True)
    reactor.run()
    assert p.reason.signal == signal.SIGHUP


def test_a_terminal_that_is_there(reactor):
    import pty

    master, slave = pty.openpty()
    p = python(reactor, "print('hello')", usePTY=(master, slave, os.ttyname(slave)))
    os.close(slave)
    reactor.run()
    assert p.data == {1: b"hello\r\n"}
    with pytest.raises(OSError):
        os.fstat(master)


def test_reading_can_be_paused(reactor):
    p = python(reactor, "print('hello')")
    p.transport.pauseProducing()

    def exited(reason):
        assert p.data == {}
        p.reason = reason.value
        p.transport.resumeProducing()

    p.processExited = exited
    reactor.run()
    assert p.data == {1: b"hello\n"}


@pytest.mark.parametrize("streaming", [True, False])
def test_a_producer_writes_no_faster_than_the_child_reads(reactor, streaming):
    code = "import sys; sys.stdin.buffer.read(1); sys.stdout.write('go'); sys.stdout.flush(); print(len(sys.stdin.buffer.read()))"
    calls = []

    class Producer:
        sent = 0

        def pauseProducing(self):
            calls.append("pause")
            self.paused = True

        def resumeProducing(self):
            calls.append("resume")
            self.paused = False
            while not self.paused and self.sent < 100:
                self.sent += 1
                self.paused = not streaming
                p.transport.write(bytes(10_000))
            if self.sent == 100:
                p.transport.unregisterProducer()
                p.transport.closeStdin()

        def stopProducing(self):
            calls.append("stop")

    p = python(reactor, code)
    producer = Producer()
    p.transport.registerProducer(producer, streaming)
    with pytest.raises(RuntimeError, match="never unregistered"):
        p.transport.registerProducer(Producer(), streaming)
    if streaming:
        producer.resumeProducing()
    reactor.run()
    assert p.data[1] == b"go999999\n" and "stop" not in calls
    assert ("pause" in calls) is streaming
    p.transport.registerProducer(producer, streaming)
    assert calls[-1] == "stop"


def test_the_child_closes_its_input(reactor):
    class Sees(Noting):
        def childConnectionLost(self, childFD):
            super().childConnectionLost(childFD)
            if childFD == 0:
                self.transport.signalProcess("KILL")

    p = python(reactor, "import os, signal; os.close(0); signal.pause()", Sees(reactor))
    reactor.run()
    assert p.events[1] == 0 and p.reason.signal == signal.SIGKILL


def test_a_mistake_in_the_protocol_is_logged_and_the_rest_goes_on(reactor):
    class Fails(Noting):
        def childDataReceived(self, childFD, data):
            raise ZeroDivisionError

        def processEnded(self, reason):
            super().processEnded(reason)
            raise ZeroDivisionError

    p = python(reactor, "print('hello')", Fails(reactor))
    reactor.run()
    assert p.events[-1] == "ended"


def test_the_reactor_does_not_wait_for_a_child_at_its_end_but_it_is_reaped(reactor):
    class Stops(Noting):
        def childDataReceived(self, childFD, data):
            self.reactor.stop()

    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
    p = python(reactor, code, Stops(reactor))
    pid = p.transport.pid
    reactor.run()
    assert p.transport.pid == pid and {0, 1, 2} <= set(p.events) and "exited" not in p.events
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGKILL)
    for thread in threading.enumerate():
        if thread.name == f"plait: waits for process {pid}":
            thread.join(30)
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    assert pid not in reapProcessHandlers


def test_it_may_have_ended_before_the_reactor_runs(reactor):
    p = python(reactor, "", childFDs={})
    os.waitid(os.P_PID, p.transport.pid, os.WEXITED | os.WNOWAIT)
    reapAllProcesses()
    assert p.events == ["made", "exited"] or p.events == ["made", "exited", "ended"]
    assert p.transport.pid is None


def test_somebody_else_has_reaped_it(reactor):
    p = python(reactor, "")
    os.waitpid(p.transport.pid, 0)
    reactor.run()
    assert isinstance(p.reason, ProcessTerminated) and (p.reason.exitCode, p.reason.signal) == (None, None)


# -- hooks that are coroutines


def test_a_hook_may_take_its_time(reactor):
    waiting = []

    class Slow(Noting):
        async def outReceived(self, data):
            d = Deferred()
            waiting.append((data, d))
            self.reactor.callLater(0, d.callback, None)
            await d
            super().childDataReceived(1, data)

        def childDataReceived(self, childFD, data):
            return ProcessProtocol.childDataReceived(self, childFD, data)

        async def processExited(self, reason):
            super().processExited(reason)

    p = python(reactor, "print('x' * 200_000)", Slow(reactor))
    reactor.run()
    assert p.data == {1: b"x" * 200_000 + b"\n"}
    assert len(waiting) > 1 and p.events[-1] == "ended"


def test_a_coroutine_that_fails_is_logged_and_its_pipe_closed(reactor):
    class Fails(Noting):
        async def childDataReceived(self, childFD, data):
            raise ZeroDivisionError

    with capturedLogs() as logs:
        p = python(reactor, "import sys; print('x', flush=True); sys.stdin.read()", Fails(reactor))
        p.childConnectionLost = lambda childFD: childFD == 1 and p.transport.closeStdin()
        reactor.run()
    assert [event["log_failure"].type for event in logs if "log_failure" in event] == [ZeroDivisionError]


# -- what goes wrong


def test_a_child_that_ignores_sigterm_is_killed(reactor):
    class Stubborn(Noting):
        def childDataReceived(self, childFD, data):
            super().childDataReceived(childFD, data)
            self.transport.signalProcess("TERM" if data == b"ready\n" else "KILL")

    code = (
        "import os, signal\nsignal.signal(signal.SIGTERM, lambda *_: os.write(1, b'no\\n'))\nos.write(1, b'ready\\n')"
        "\nwhile True: signal.pause()"
    )
    p = python(reactor, code, Stubborn(reactor))
    reactor.run()
    assert p.data[1] == b"ready\nno\n" and p.reason.signal == signal.SIGKILL


def test_a_child_that_closes_its_output_and_lives(reactor):
    class Sees(Noting):
        def childConnectionLost(self, childFD):
            super().childConnectionLost(childFD)
            if childFD == 1:
                assert "exited" not in self.events
                self.transport.closeStdin()

    p = python(reactor, "import os, sys; os.close(1); sys.stdin.read(); os.write(2, b'alive')", Sees(reactor))
    reactor.run()
    assert p.events[:2] == ["made", 1] and p.data == {2: b"alive"} and p.reason.exitCode in (0, 120)


def test_a_grandchild_that_holds_the_pipe(reactor):
    """The process has ended, and what its own child writes still comes, until that ends or we close."""

    class Sees(Noting):
        def processExited(self, reason):
            super().processExited(reason)
            assert 1 in self.transport.pipes
            self.transport.closeStdin()  # it is this that the grandchild waits for

    p = Sees(reactor)
    reactor.spawnProcess(p, "/bin/sh", ["sh", "-c", "exec 3<&0; (cat <&3; echo late) & exit 0"])
    reactor.run()
    assert p.data[1] == b"late\n" and p.events.index("exited") < p.events.index(1) < p.events.index("ended")


def test_we_need_not_wait_for_a_grandchild(reactor):
    class Leaves(Noting):
        def processExited(self, reason):
            super().processExited(reason)
            self.transport.loseConnection()

    read, write = os.pipe()
    reactor.spawnProcess(
        p := Leaves(reactor), "/bin/sh", ["sh", "-c", "cat <&3 & exit 0"], childFDs={0: "w", 1: "r", 2: "r", 3: read}
    )
    reactor.run()
    os.close(read)
    os.close(write)  # that ends it
    assert p.events[-1] == "ended"


def test_a_child_that_stops_reading_holds_the_producer_up(reactor):
    """100 MB for a child that reads nothing at first: what waits in us stays small."""
    most = 0

    class Producer:
        left = 100

        def resumeProducing(self):
            nonlocal most
            self.paused = False
            while self.left and not self.paused:
                self.left -= 1
                p.transport.write(bytes(1_000_000))
                most = max(most, len(p.transport.pipes[0]._buffer))
            if not self.left:
                p.transport.unregisterProducer()
                p.transport.closeStdin()

        def pauseProducing(self):
            self.paused = True

        def stopProducing(self):
            pass

    class Reads(Noting):
        def childDataReceived(self, childFD, data):
            super().childDataReceived(childFD, data)
            if data == b"ready\n":
                assert producer.paused
                self.transport.signalProcess("USR1")

    code = (
        "import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); print('ready', flush=True)\n"
        "signal.sigwait([signal.SIGUSR1]); n = 0\n"
        "while piece := sys.stdin.buffer.read(1 << 20): n += len(piece)\nprint(n)"
    )
    p = python(reactor, code, Reads(reactor))
    producer = Producer()
    p.transport.registerProducer(producer, True)
    producer.resumeProducing()
    reactor.run()
    assert p.data[1] == b"ready\n100000000\n" and most <= 1_100_000


def test_nothing_is_left_where_no_process_can_be_made(reactor, monkeypatch):
    def fails(*args, **kw):
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("subprocess.Popen", fails)
    reactor.seconds()
    before = os.listdir("/proc/self/fd")
    for kw in ({}, {"usePTY": True}, {"childFDs": {0: 0, 5: "r"}}):
        with pytest.raises(BlockingIOError):
            reactor.spawnProcess(Noting(reactor), "/bin/true", ["true"], **kw)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_two_hundred_children(reactor):
    ended = []

    class One(Noting):
        def processEnded(self, reason):
            ended.append(self.data[1])
            if len(ended) == 200:
                self.reactor.stop()

    for n in range(200):
        reactor.spawnProcess(One(reactor), "/bin/echo", ["echo", str(n)])
    reactor.run()
    assert sorted(ended) == sorted(b"%d\n" % n for n in range(200))


def test_two_reactors_in_one_process(reactor):
    """Each is told of its own child, in its own thread."""
    other = Reactor(engine="asyncio")
    seen = {}

    class Where(Noting):
        def processEnded(self, reason):
            seen[self.reactor] = threading.get_ident()
            super().processEnded(reason)

    def run_other():
        python(other, "", Where(other))
        other.run(installSignalHandlers=False)
        other.loop.close()

    thread = threading.Thread(target=run_other)
    thread.start()
    python(reactor, "", Where(reactor))
    reactor.run()
    thread.join(30)
    assert seen == {reactor: threading.get_ident(), other: thread.ident}


def test_in_a_loop_that_runs_already():
    async def main():
        from plait import reactor

        return await getProcessOutput("/bin/echo", ["hello"], reactor=reactor)

    assert asyncio.run(main()) == b"hello\n"


def test_a_fork_in_the_program_disturbs_nobody(reactor):
    """A signal for the program's own fork is not one for us, though it has our descriptors."""

    class Forks(Noting):
        def childDataReceived(self, childFD, data):
            read, write = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
                    os.write(write, b"!")
                    signal.pause()
                finally:
                    os._exit(1)
            os.read(read, 1)
            os.kill(pid, signal.SIGTERM)
            self.forked = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.close(read)
            os.close(write)
            self.reactor.callLater(0, self.transport.closeStdin)

    with capturedLogs() as logs:
        p = python(reactor, "print('ready', flush=True); input()", Forks(reactor))
        reactor.run()
    assert p.forked == 7 and p.events[-1] == "ended"
    assert not [event for event in logs if "signal" in event]  # nor was it that which stopped us


# -- run to the end


def run(reactor, deferred):
    """The result of a Deferred, in a reactor that runs for it."""
    results = []
    deferred.addBoth(results.append)
    # it may have fired already, and what does not run cannot be stopped
    reactor.callWhenRunning(deferred.addCallback, lambda _: reactor.stop())
    reactor.run()
    return results[0]


def test_output(reactor):
    assert run(reactor, getProcessOutput("/bin/sh", ["-c", "echo hello"], reactor=reactor)) == b"hello\n"
    both = getProcessOutput("/bin/sh", ["-c", "echo hello; echo bad >&2"], reactor=reactor, errortoo=True)
    assert sorted(run(reactor, both).splitlines()) == [b"bad", b"hello"]


def test_errors_in_the_output(reactor):
    failure = run(reactor, getProcessOutput("/bin/sh", ["-c", "echo bad >&2; exit 4"], reactor=reactor))
    assert isinstance(failure.value, OSError) and "bad" in str(failure.value)
    assert run(reactor, failure.value.processEnded).value.exitCode == 4


def test_value(reactor):
    assert run(reactor, getProcessValue("/bin/sh", ["-c", "echo noise; exit 5"], reactor=reactor)) == 5
    assert run(reactor, getProcessValue("/bin/sh", ["-c", "kill -9 $$"], reactor=reactor)) is None


def test_output_and_value(reactor, tmp_path):
    code = 'cat; echo "$A $PWD" >&2; exit 6'
    d = getProcessOutputAndValue(
        "/bin/sh", ["-c", code], {"A": "a"}, str(tmp_path), reactor=reactor, stdinBytes=b"input"
    )
    assert run(reactor, d) == (b"input", f"a {tmp_path}\n".encode(), 6)
    failure = run(reactor, getProcessOutputAndValue("/bin/sh", ["-c", "echo x; kill -9 $$"], reactor=reactor))
    assert failure.value == (b"x\n", b"", 9)


def test_warnings_are_left_out_until_the_deferred_fires():
    d = Deferred()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert suppressWarnings(lambda: warnings.warn("foo", stacklevel=1) or 7, (("ignore", "foo"), {}))() == 7
        runWithWarningsSuppressed([(("ignore", "foo"), {})], lambda: d)
        warnings.warn("foo", stacklevel=1)
        assert seen == []
        d.callback(None)
        warnings.warn("foo", stacklevel=1)
        with pytest.raises(ZeroDivisionError):
            runWithWarningsSuppressed([(("ignore", "foo"), {})], lambda: 1 / 0)
        warnings.warn("foo", stacklevel=1)
    assert len(seen) == 2
