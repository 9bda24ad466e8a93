"""Templates from where they are kept: XML in a string or a file, or tags made in Python.

A template is XML, read by expat. The elements and the one attribute of the namespace
``http://twistedmatrix.com/ns/twisted.web.template/0.1`` direct it, usually with the prefix ``t``: ``t:render="name"``,
``<t:slot name="..." default="..."/>``, ``<t:attr name="...">`` and ``<t:transparent>``.

A document type may name entities and files to be read for them. Templates have no use for that, and it is how a small file
grows into gigabytes or reads another: whoever declares an entity is refused, and nothing outside the template is ever read.
"""

from __future__ import annotations

import os
import warnings
from html.entities import html5
from typing import IO, Any
from xml.parsers import expat

from plait.interfaces import implementer
from plait.web.template.errors import InvalidTemplate
from plait.web.template.interfaces import ITemplateLoader
from plait.web.template.tree import CDATA, Comment, Flattenable, Tag, slot

__all__ = ["TEMPLATE_NAMESPACE", "TagLoader", "XMLFile", "XMLString"]

TEMPLATE_NAMESPACE = "http://twistedmatrix.com/ns/twisted.web.template/0.1"

# Between the namespace and the name, as expat hands them over. No name or URI of XML can have it.
_SEPARATOR = "\x1f"


class _Builder:
    """Makes tags of what expat reports."""

    def __init__(self, filename: str | None, encoding: str | None = None) -> None:
        self._filename = filename
        self.document: list[Flattenable] = []
        self._open: list[list[Flattenable]] = [self.document]
        self._tags: list[Tag] = []
        self._declared: list[tuple[str | None, str]] = []
        self._text: list[str] = []
        self._in_cdata = False
        parser = self._parser = expat.ParserCreate(encoding, _SEPARATOR)
        parser.namespace_prefixes = True
        parser.ordered_attributes = True
        parser.StartNamespaceDeclHandler = lambda prefix, uri: self._declared.append((prefix, uri))
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.CommentHandler = self._comment
        parser.StartCdataSectionHandler = self._start_cdata
        parser.EndCdataSectionHandler = self._end_cdata
        parser.EntityDeclHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._named_entity

    def parse(self, source: bytes) -> list[Flattenable]:
        try:
            self._parser.Parse(source, True)
        except expat.ExpatError as error:
            raise InvalidTemplate(f"{self._filename or 'The template'} is not well-formed XML: {error}") from error
        return self.document

    def _wrong(self, what: str) -> InvalidTemplate:
        where = f"{self._filename or 'the template'}, line {self._parser.CurrentLineNumber}"
        return InvalidTemplate(f"In {where}: {what}")

    def _refuse_entity(self, name: str, *_: Any) -> None:
        raise self._wrong(f"the entity {name!r} is declared. Templates cannot declare entities; write the text itself.")

    def _named_entity(self, name: str, is_parameter: bool) -> None:
        # Reported only where the document type is one whose declarations were not read; then HTML's names are meant.
        if is_parameter:
            return
        if f"{name};" not in html5:
            raise self._wrong(f"HTML has no entity {name!r}.")
        self._text.append(html5[f"{name};"])

    def _flush(self) -> None:
        if self._text:
            text = "".join(self._text)
            self._text.clear()
            self._open[-1].append(CDATA(text) if self._in_cdata else text)

    def _comment(self, text: str) -> None:
        self._flush()
        self._open[-1].append(Comment(text))

    def _start_cdata(self) -> None:
        self._flush()
        self._in_cdata = True

    def _end_cdata(self) -> None:
        self._flush()
        self._in_cdata = False

    def _start(self, name: str, pairs: list[str]) -> None:
        self._flush()
        attributes: dict[bytes | str, Flattenable] = {}
        render = None
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            namespace, written = _split(key)
            if namespace != TEMPLATE_NAMESPACE:
                attributes[written] = value
            elif written.rpartition(":")[2] == "render":
                render = value
            else:
                raise self._wrong(f"the attribute {written!r} means nothing; t:render is the only one.")
        for prefix, uri in self._declared:
            if uri != TEMPLATE_NAMESPACE:
                attributes["xmlns" if prefix is None else f"xmlns:{prefix}"] = uri or ""
        self._declared.clear()
        namespace, written = _split(name)
        if namespace == TEMPLATE_NAMESPACE:
            self._directive(written.rpartition(":")[2], attributes, render)
        else:
            self._push(self._tag(written, attributes, render))

    def _directive(self, name: str, attributes: dict[bytes | str, Flattenable], render: str | None) -> None:
        if name == "slot":
            if not isinstance(slot_name := attributes.get("name"), str):
                raise self._wrong("t:slot has no name.")
            # What stands in a slot's element is of no use: a default is given as an attribute.
            line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber
            self._open[-1].append(slot(slot_name, attributes.get("default"), self._filename, line, column))
            self._open.append([])
        elif name == "attr":
            if not isinstance(attribute_name := attributes.get("name"), str):
                raise self._wrong("t:attr has no name.")
            if not self._tags:
                raise self._wrong("t:attr stands outside of the element whose attribute it is.")
            value = self._tag("", {}, render)
            self._tags[-1].attributes[attribute_name] = value
            self._push(value, shown=False)
            return
        else:
            self._push(self._tag("", attributes, render))
            return
        self._tags.append(Tag(""))

    def _tag(self, name: str, attributes: dict[bytes | str, Flattenable], render: str | None) -> Tag:
        line, column = self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber
        return Tag(name, attributes, None, render, self._filename, line, column)

    def _push(self, tag: Tag, shown: bool = True) -> None:
        if shown:
            self._open[-1].append(tag)
        self._open.append(tag.children)
        self._tags.append(tag)

    def _end(self, name: str) -> None:
        self._flush()
        self._open.pop()
        self._tags.pop()


def _split(name: str) -> tuple[str | None, str]:
    """The namespace and the name as it was written, of what expat reports: the URI, the name and the prefix."""
    parts = name.split(_SEPARATOR)
    if len(parts) == 1:
        return None, name
    return parts[0], parts[1] if len(parts) == 2 else f"{parts[2]}:{parts[1]}"


def _parse(source: str | bytes, filename: str | None = None) -> list[Flattenable]:
    if isinstance(source, bytes):
        return _Builder(filename).parse(source)
    # a str is decoded already, whatever its XML declaration says
    return _Builder(filename, "utf-8").parse(source.encode("utf-8"))


@implementer(ITemplateLoader)
class XMLString:
    """A template in a str, or in bytes in the encoding that its XML declaration names (else UTF-8).

    :raises InvalidTemplate: at once, where it cannot be a template.
    """

    def __init__(self, s: str | bytes) -> None:
        self._document = _parse(s)

    def load(self) -> list[Flattenable]:
        """The document; the same tags each time."""
        return self._document


@implementer(ITemplateLoader)
class XMLFile:
    """A template in a file, named by a path object; read when it is first used."""

    def __init__(self, path: os.PathLike[str] | str | IO[Any]) -> None:
        if not isinstance(path, os.PathLike):
            warnings.warn(
                "Passing filenames or file objects to XMLFile is deprecated since Twisted 12.1.  Pass a FilePath instead.",
                DeprecationWarning,
                stacklevel=2,
            )
        self._path = path
        self._document: list[Flattenable] | None = None

    def __repr__(self) -> str:
        return f"<XMLFile of {self._path!r}>"

    def load(self) -> list[Flattenable]:
        """The document; the same tags each time.

        :raises InvalidTemplate: the file is not a template.
        :raises OSError: the file cannot be read.
        """
        if self._document is None:
            if isinstance(self._path, (str, os.PathLike)):
                name: str | None = os.fspath(self._path)
                with open(self._path, "rb") as file:
                    source: str | bytes = file.read()
            else:
                name = getattr(self._path, "name", None)
                source = self._path.read()
            self._document = _parse(source, name)
        return self._document


@implementer(ITemplateLoader)
class TagLoader:
    """A template made in Python, of tags or of whatever else can stand in a document."""

    def __init__(self, tag: Flattenable) -> None:
        self._tag = tag

    def load(self) -> list[Flattenable]:
        """What it was given, as a list of one."""
        return [self._tag]
