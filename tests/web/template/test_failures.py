"""Failures as HTML."""

from __future__ import annotations

import pytest

from plait.failure import Failure
from plait.web.template import FlattenerError
from plait.web.template.failures import formatFailure


def test_a_failure_with_its_source() -> None:
    secret = "swordfish-" + "x" * 3
    try:
        raise ValueError(f"<b>näh</b>{len(secret)}")
    except ValueError:
        page = formatFailure(Failure(captureVars=True)).decode("ascii")
    assert "builtins.ValueError" in page
    assert "&lt;b&gt;n&#228;h&lt;/b&gt;13" in page
    assert "test_failures.py" in page
    assert "test_a_failure_with_its_source" in page
    marked = page.partition('class="snippetHighlightLine"')[2].partition("</div>")[0]
    assert "raise ValueError(f&quot;" in marked or 'raise ValueError(f"' in marked
    assert "swordfish-xxx" not in page, "variables are nobody's business"


def test_what_is_no_failure() -> None:
    with pytest.raises(FlattenerError):
        formatFailure(object())  # type: ignore[arg-type]
