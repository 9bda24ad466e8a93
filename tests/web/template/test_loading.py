"""Templates from XML, and what is refused in them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from plait.web.template import Element, InvalidTemplate, Tag, TagLoader, XMLFile, XMLString, slot, tags
from tests.web.template.helpers import NS, flat


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello &amp; &lt;goodbye&gt;</p>",
        "<p><!-- a comment --><![CDATA[<raw> & data]]></p>",
        '<a:x b:y="1" xmlns:a="urn:a" xmlns:b="urn:b"><a:z></a:z></a:x>',
        '<svg xmlns="http://www.w3.org/2000/svg"><g xml:lang="de"></g></svg>',
        '<p class="a&quot;b">ä☃</p>',
        "<p>\n  lines\n</p>",
    ],
)
def test_comes_out_as_it_went_in(source: str) -> None:
    assert flat(XMLString(source).load()) == source.encode()
    assert flat(XMLString(source.encode()).load()) == source.encode()


def test_a_declared_encoding() -> None:
    source = '<?xml version="1.0" encoding="iso-8859-1"?><p>ä</p>'
    assert flat(XMLString(source).load()) == "<p>ä</p>".encode()
    assert flat(XMLString(source.encode("latin-1")).load()) == "<p>ä</p>".encode()


def test_slots_attributes_and_transparent_elements() -> None:
    source = f"""<a {NS}><t:attr name="href">/x/<t:slot name="id"/></t:attr><t:transparent>
<b><t:slot name="label" default="none"/></b></t:transparent></a>"""
    (link,) = XMLString(source).load()
    assert isinstance(link, Tag)
    assert flat(link.clone().fillSlots(id="1&2")) == b'<a href="/x/1&amp;2">\n<b>none</b></a>'


def test_html_names_where_the_document_type_is_html() -> None:
    source = '<!DOCTYPE html SYSTEM "about:legacy-compat"><p>&nbsp;&eacute;&amp;</p>'
    assert flat(XMLString(source).load()) == "<p>\u00a0é&amp;</p>".encode()
    with pytest.raises(InvalidTemplate, match="no entity 'nothing'"):
        XMLString(source.replace("nbsp", "nothing"))


def test_tags_know_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "page.xml"
    path.write_text(f'<p {NS}>\n <b/><t:slot name="s"/></p>')
    (paragraph,) = XMLFile(path).load()
    assert isinstance(paragraph, Tag)
    bold, place = paragraph.children[1:]
    assert isinstance(bold, Tag)
    assert isinstance(place, slot)
    assert (bold.filename, bold.lineNumber, bold.columnNumber) == (str(path), 2, 1)
    assert place.lineNumber == 2


BOMB = """<!DOCTYPE p [
  <!ENTITY a "aaaaaaaaaa">
  <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
]><p>&b;</p>"""
OUTSIDE = '<!DOCTYPE p [<!ENTITY f SYSTEM "file:///etc/passwd">]><p>&f;</p>'
PARAMETER = '<!DOCTYPE p [<!ENTITY % f SYSTEM "http://127.0.0.1/x.dtd"> %f;]><p/>'


@pytest.mark.parametrize("source", [BOMB, OUTSIDE, PARAMETER])
def test_entities_cannot_be_declared(source: str) -> None:
    with pytest.raises(InvalidTemplate, match=r"line [12]: the entity '[af]' is declared"):
        XMLString(source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("<p>", "not well-formed XML: no element found"),
        ("", "no element found"),
        ("<p>&nbsp;</p>", "undefined entity"),
        (f"<t:attr {NS} name='x'/>", "outside of the element"),
        (f"<p {NS}><t:attr/></p>", "t:attr has no name"),
        (f"<p {NS}><t:slot/></p>", "t:slot has no name"),
        (f'<p {NS} t:rendr="x"/>', "'t:rendr' means nothing"),
    ],
)
def test_what_is_no_template(source: str, said: str) -> None:
    with pytest.raises(InvalidTemplate, match=said):
        XMLString(source)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "page.xml"
    path.write_text("<p>first</p>")
    loader = XMLFile(path)
    assert repr(loader) == f"<XMLFile of {path!r}>"
    assert flat(Element(loader)) == b"<p>first</p>"
    path.write_text("<p>second</p>")
    assert flat(Element(loader)) == b"<p>first</p>"


def test_names_and_open_files_are_deprecated(tmp_path: Path) -> None:
    path = tmp_path / "page.xml"
    path.write_text("<p/>")
    for given in (str(path), io.StringIO("<p/>"), io.BytesIO(b"<p/>")):
        with pytest.warns(DeprecationWarning, match="Passing filenames or file objects"):
            assert flat(XMLFile(given).load()) == b"<p></p>"


def test_tags_as_a_template() -> None:
    tag = tags.p("x")
    assert TagLoader(tag).load() == [tag]
