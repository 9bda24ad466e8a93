"""The elements of HTML, as `tags`: ``tags.p("text")``."""

from __future__ import annotations

from plait.web.template.tree import Tag

__all__ = ["VALID_HTML_TAG_NAMES", "TagFactory", "tags"]

# HTML's, with those of its older versions that pages still have. Not xmp and plaintext: no escaping makes their text safe.
_NAMES = """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo big blockquote body br button canvas
    caption center cite code col colgroup command data datalist dd del details dfn dialog dir div dl dt em embed fieldset
    figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins
    isindex kbd keygen label legend li link main map mark math menu menuitem meta meter nav noframes noscript object ol
    optgroup option output p param picture pre progress q rb rp rt rtc ruby s samp script search section select slot small
    source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr track
    tt u ul var video wbr
"""
VALID_HTML_TAG_NAMES = frozenset(_NAMES.split())


class TagFactory:
    """Makes an empty tag of the element that is named; ``transparent`` one of which only the children show."""

    def __getattr__(self, name: str) -> Tag:
        """:raises AttributeError: HTML has no such element."""
        if name == "transparent":
            return Tag("")
        # "del" is a word of Python's
        name = name.removesuffix("_")
        if name not in VALID_HTML_TAG_NAMES:
            raise AttributeError(f"HTML has no element {name!r}; make another with Tag({name!r}).")
        return Tag(name)


tags = TagFactory()
