"""Tracebacks of frames that are gone."""

import traceback

from plait.tracebacks import standInTraceback


def test_the_standard_library_prints_it():
    tb = standInTraceback([("outer", "a.py", 3, None, None), ("inner", __file__, 1, {"x": "1"}, {})])
    summary = traceback.extract_tb(tb)
    assert [(f.filename, f.lineno, f.name) for f in summary] == [("a.py", 3, "outer"), (__file__, 1, "inner")]
    assert "Tracebacks of frames that are gone" in traceback.format_tb(tb)[1]
    inner = tb.tb_next.tb_frame
    assert inner.f_back is tb.tb_frame and tb.tb_frame.f_back is None
    assert inner.f_locals == {"x": "1"} and inner.f_globals == {} == inner.f_builtins
    assert [f.name for f in traceback.extract_stack(inner)] == ["outer", "inner"]


def test_no_frames_no_traceback():
    assert standInTraceback([]) is None
