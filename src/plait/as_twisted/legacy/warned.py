"""What `twisted.internet.utils` has for warnings: leaving them out until a Deferred has fired."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from plait.deferred import Deferred

__all__ = ["runWithWarningsSuppressed", "suppressWarnings"]

Suppressed = tuple[tuple[Any, ...], dict[str, Any]]


def runWithWarningsSuppressed(
    suppressedWarnings: Iterable[Suppressed], f: Callable[..., Any], *a: Any, **kw: Any
) -> Any:
    """Call a function while some warnings are left out, and until the Deferred fires that it may return.

    Each entry is what `warnings.filterwarnings` is called with. Other filters that are set meanwhile are lost at the end.
    """
    block = warnings.catch_warnings()
    block.__enter__()
    try:
        for args, kwargs in suppressedWarnings:
            warnings.filterwarnings(*args, **kwargs)
        result = f(*a, **kw)
    except BaseException:
        block.__exit__(None, None, None)
        raise
    if isinstance(result, Deferred):

        def done(passed_on: Any) -> Any:
            block.__exit__(None, None, None)
            return passed_on

        return result.addBoth(done)
    block.__exit__(None, None, None)
    return result


def suppressWarnings(f: Callable[..., Any], *suppressedWarnings: Suppressed) -> Callable[..., Any]:
    """`f`, called while some warnings are left out, as `runWithWarningsSuppressed` does it."""

    @wraps(f)
    def quiet(*a: Any, **kw: Any) -> Any:
        return runWithWarningsSuppressed(suppressedWarnings, f, *a, **kw)

    return quiet
