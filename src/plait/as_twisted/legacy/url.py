"""What `twisted.python.url` is: the ``URL`` of hyperlink, which was made of it."""

from __future__ import annotations

try:
    from hyperlink import URL
except ImportError as error:
    raise ImportError("twisted.python.url is the package hyperlink: pip install plait[legacy]") from error

__all__ = ["URL"]
