"""HTML and XML made from templates and Python, escaped for wherever a value stands.

Chapters, in reading order: `interfaces`, `tree` (the nodes of a document), `vocabulary` (the elements of HTML), `errors`,
`element` (a template and its methods), `loading` (templates from XML), `escaping`, `flattening` (a document becomes bytes),
`failures` (what was raised, as HTML) and `rendering` (as the answer to a request).
"""

from __future__ import annotations

from plait.web.template.element import Element, renderer
from plait.web.template.errors import FlattenerError, InvalidTemplate
from plait.web.template.flattening import flatten, flattenString
from plait.web.template.interfaces import IRenderable, ITemplateLoader
from plait.web.template.loading import TEMPLATE_NAMESPACE, TagLoader, XMLFile, XMLString
from plait.web.template.rendering import renderElement
from plait.web.template.tree import CDATA, CharRef, Comment, Flattenable, Tag, slot, voidElements
from plait.web.template.vocabulary import VALID_HTML_TAG_NAMES, tags

__all__ = [
    "CDATA",
    "TEMPLATE_NAMESPACE",
    "VALID_HTML_TAG_NAMES",
    "CharRef",
    "Comment",
    "Element",
    "Flattenable",
    "FlattenerError",
    "IRenderable",
    "ITemplateLoader",
    "InvalidTemplate",
    "Tag",
    "TagLoader",
    "XMLFile",
    "XMLString",
    "flatten",
    "flattenString",
    "renderElement",
    "renderer",
    "slot",
    "tags",
    "voidElements",
]
