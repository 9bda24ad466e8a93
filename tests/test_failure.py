"""Failure: an exception as a value."""

import io
import pickle
import traceback

import pytest

from plait.failure import Failure, NoCurrentExceptionError


def made(capture=False):
    def deep():
        secret = "a variable"  # noqa: F841
        raise ValueError("what was wrong")

    try:
        deep()
    except ValueError:
        return Failure(captureVars=capture)


def test_it_takes_the_current_exception_or_a_given_one():
    f = made()
    assert (f.type, str(f.value)) == (ValueError, "what was wrong")
    error = KeyError("k")
    assert Failure(error).value is error
    with pytest.raises(NoCurrentExceptionError, match="except block"):
        Failure()


def test_a_failure_of_a_failure_is_the_same_error():
    f = made()
    assert Failure(f).value is f.value and Failure(f).frames == f.frames


def test_check_and_trap():
    f = made()
    assert f.check(KeyError, ValueError) is ValueError
    assert f.check(Exception) is Exception
    assert f.check("builtins.ValueError") == "builtins.ValueError"
    assert f.check(KeyError) is None
    assert f.trap(ValueError) is ValueError
    with pytest.raises(ValueError, match="what was wrong"):
        f.trap(KeyError)


def test_frames_and_texts():
    f = made()
    assert [frame.name for frame in f.frames] == ["made", "deep"]
    text = f.getTraceback()
    assert text.startswith("Traceback (most recent call last):\n")
    assert 'raise ValueError("what was wrong")' in text
    assert text.endswith("\nbuiltins.ValueError: what was wrong\n")
    brief = f.getBriefTraceback()
    assert brief.startswith("Traceback: <class 'ValueError'>: what was wrong\n") and ":deep\n" in brief
    assert f.getErrorMessage() == "what was wrong"
    assert "ValueError: what was wrong" in repr(f) and "ValueError: what was wrong" in str(f)
    with pytest.raises(ValueError, match="'default', 'brief' or 'verbose'"):
        f.getTraceback(detail="loud")


def test_captured_variables_are_shown_in_detail():
    out = io.StringIO()
    made(capture=True).printDetailedTraceback(out)
    text = out.getvalue()
    assert "secret : 'a variable'" in text and "( Globals )" in text
    first, second = Failure(KeyError()), Failure(KeyError())
    assert second.count == first.count - 1 or second.count == first.count + 1
    text = second.getTraceback(detail="verbose")
    assert text.startswith(f"*--- Failure #{second.count} ---\n") and "captureVars=True" in text
    out = io.StringIO()
    made().printTraceback(out)
    assert "a variable" not in out.getvalue().replace('secret = "a variable"', "")


def test_cleaning_lets_the_frames_go_and_keeps_what_is_printed():
    f = made()
    before = f.getTraceback()
    live = traceback.extract_tb(f.getTracebackObject())
    f.cleanFailure()
    assert f.tb is None and f.value.__traceback__ is None
    assert f.getTraceback() == before
    rested = f.getTracebackObject()
    assert traceback.extract_tb(rested) == live
    assert "what was wrong" in "".join(traceback.format_tb(rested))
    assert Failure(ValueError("never raised")).getTracebackObject() is None


def test_a_rested_failure_tells_elsewhere_where_it_was_raised_and_prints_as_before():
    f = made()
    f.cleanFailure()
    before = f.getTraceback()

    def generator():
        try:
            yield
        except ValueError:
            later.append(Failure())

    later = []
    g = generator()
    next(g)
    with pytest.raises(StopIteration):
        f.throwExceptionIntoGenerator(g)
    assert f.getTraceback() == before
    text = later[0].getTraceback()
    assert "in generator" in text and "First raised here" in text and "in deep" in text


def test_the_cause_is_printed_too():
    try:
        try:
            raise KeyError("first")
        except KeyError as e:
            raise ValueError("second") from e
    except ValueError:
        text = Failure().getTraceback()
    assert text.index("first") < text.index("direct cause") < text.index("second")


def test_pickling():
    f = pickle.loads(pickle.dumps(made()))
    assert f.type is ValueError and f.check(ValueError)
    assert [frame.name for frame in f.frames] == ["made", "deep"]
    assert (made().pickled, f.pickled) == (0, 1)
    assert "(pickled)" in f.getTraceback(detail="verbose")


def test_frames_parents_and_stack_may_be_set():
    f = made()
    assert f.stack == ()
    f.frames, f.parents, f.stack = f.frames[1:], ["remote.Error"], [1]
    for same in (Failure(f), pickle.loads(pickle.dumps(f))):
        assert [frame.name for frame in same.frames] == ["deep"]
        assert same.check("remote.Error") and same.parents == ["remote.Error"]


def test_raising_again_and_into_generators():
    f = made()
    with pytest.raises(ValueError) as e:
        f.raiseException()
    assert e.value is f.value

    def generator():
        try:
            yield "waiting"
        except ValueError as e:
            yield e

    g = generator()
    next(g)
    assert f.throwExceptionIntoGenerator(g) is f.value


def test_a_hostile_exception_cannot_break_the_text():
    class Hostile(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    f = Failure(Hostile())
    assert "__str__ raised RuntimeError" in f.getErrorMessage()
    assert "Hostile" in f.getTraceback()
