"""``twisted.web.html``: bits of HTML as strings, from before there were templates."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from html import escape

from plait.log import Logger

__all__ = ["PRE", "UL", "escape", "linkList", "output"]

_log = Logger(namespace="twisted.web.html")


def _deprecated(name: str) -> None:
    warnings.warn(
        f"twisted.web.html.{name} was deprecated in Twisted 15.3.0; please use twisted.web.template instead",
        DeprecationWarning,
        stacklevel=3,
    )


def PRE(text: str) -> str:
    """`text`, escaped, as it is laid out."""
    _deprecated("PRE")
    return f"<pre>{escape(text)}</pre>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{item}</li>\n" for item in items) + "</ul>"


def UL(lst: Iterable[str]) -> str:
    """A list of pieces of HTML."""
    _deprecated("UL")
    return _list(lst)


def linkList(lst: Iterable[tuple[str, str]]) -> str:
    """A list of links: an address and a piece of HTML each."""
    _deprecated("linkList")
    return _list(f'<a href="{escape(address)}">{text}</a>' for address, text in lst)


def output(func: Callable[..., object], *args: object, **kwargs: object) -> object:
    """What `func` returns; where it raises, a line of HTML that says so, and the error in the log."""
    _deprecated("output")
    try:
        return func(*args, **kwargs)
    except Exception as error:
        _log.failure("Error calling {func!r}", func=func)
        return f"<pre>{escape(str(error) or type(error).__name__)}</pre>"
