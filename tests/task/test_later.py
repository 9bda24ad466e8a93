"""Calls that come later, and programs that are one asynchronous function."""

import subprocess
import sys

import pytest

from plait.deferred import CancelledError, Deferred
from plait.task import Clock, deferLater, react


def test_deferLater():
    clock, got = Clock(), []
    deferLater(clock, 3, lambda *a, **k: (a, k), 1, x=2).addCallback(got.append)
    deferLater(clock, 3).addCallback(got.append)
    clock.advance(3)
    assert got == [((1,), {"x": 2}), None]
    d = deferLater(clock, 3, pytest.fail)
    d.cancel()
    d.addErrback(lambda f: got.append(f.type))
    assert got[-1] is CancelledError and clock.getDelayedCalls() == []


@pytest.mark.parametrize(("outcome", "code"), [(None, 0), (SystemExit(7), 7), (KeyError("x"), 1)])
def test_react_exits_with_what_main_says(outcome, code, flushLoggedErrors):
    from plait import Reactor

    async def main(reactor, *argv):
        assert argv == ("a",)
        await deferLater(reactor, 0)
        if outcome is not None:
            raise outcome

    r = Reactor()
    with pytest.raises(SystemExit) as e:
        react(main, ["a"], _reactor=r)
    assert e.value.code == code
    assert len(flushLoggedErrors(KeyError)) == (1 if code == 1 else 0)
    r.loop.close()


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        ("return succeed(None)", 0, ""),
        ("raise SystemExit", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no such file')", 1, "no such file\n"),
        ("1 / 0", 1, "ZeroDivisionError: division by zero"),
        ("return fail(KeyError('k'))", 1, "KeyError: 'k'"),
        ("return deferLater(reactor, 0).addCallback(lambda _: {}['x'])", 1, "KeyError: 'x'"),
        ("reactor.callLater(0, reactor.stop); return Deferred()", 0, ""),
    ],
)
def test_react_as_a_program(body, code, told):
    program = (
        "import sys\nfrom plait.deferred import *\nfrom plait.task import *\n"
        f"def main(reactor, *argv):\n    {body}\nreact(main, sys.argv[1:])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == code and told in run.stderr
    assert bool(run.stderr) == bool(told)
    assert ("Traceback" in run.stderr) == ("Error" in told)


def test_react_tells_of_an_error_while_it_stops(flushLoggedErrors):
    from plait import Reactor

    def main(reactor):
        work = Deferred()
        reactor.addSystemEventTrigger("during", "shutdown", work.errback, KeyError("too late"))
        reactor.callLater(0, reactor.stop)
        return work

    r = Reactor()
    with pytest.raises(SystemExit) as e:
        react(main, _reactor=r)
    assert e.value.code == 1 and len(flushLoggedErrors(KeyError)) == 1
    r.loop.close()
