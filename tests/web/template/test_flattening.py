"""Documents as bytes: what is escaped where, what is waited for, what an error says."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.deferred import CancelledError, Deferred, fail, succeed
from plait.failure import Failure
from plait.web.template import (
    CDATA,
    CharRef,
    Comment,
    Element,
    FlattenerError,
    Tag,
    TagLoader,
    flatten,
    flattenString,
    renderer,
    slot,
    tags,
)
from plait.web.template.errors import UnfilledSlot, UnsupportedType
from plait.web.template.flattening import BUFFER_SIZE
from tests.web.template.helpers import flat

# What XML 1.0 can hold at all (section 2.2), but for the carriage return, which it reads as a line feed.
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
# What HTML reads as it is written, but for NUL and the carriage return.
HTML_TEXT = st.text(st.one_of(st.sampled_from("-!<>&\"'/abc ]["), st.characters(exclude_categories=["Cs", "Cc"])))


class Reader(HTMLParser):
    """What a reader of HTML makes of a document."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self.text = ""
        self.started: list[tuple[str, Any]] = []
        self.comments: list[str] = []
        self.feed(document.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.started.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@given(HTML_TEXT, HTML_TEXT)
def test_html_gives_back_text_and_attribute(text: str, value: str) -> None:
    read = Reader(flat(tags.p(text, title=value)))
    assert read.started == [("p", [("title", value)])]
    assert read.text == text


@given(XML_TEXT, XML_TEXT, XML_TEXT)
def test_xml_gives_back_text_attribute_and_cdata(text: str, value: str, data: str) -> None:
    root = ElementTree.fromstring(flat(Tag("r")(Tag("a")(text, v=value), Tag("b")(CDATA(data)))))
    assert (root[0].text or "", root[0].get("v"), root[1].text or "") == (text, value, data)


@given(HTML_TEXT)
def test_no_comment_ends_early(data: str) -> None:
    written = flat([Comment(data), tags.p("after")])
    assert Reader(written).started == [("p", [])]
    inside = written.decode().removesuffix("--><p>after</p>").removeprefix("<!--")
    assert "-->" not in inside
    assert "--!>" not in inside
    assert not inside.startswith((">", "->"))
    assert not inside.endswith("-")


@given(XML_TEXT, XML_TEXT)
def test_a_tag_in_an_attribute_can_be_read_out_of_it(text: str, value: str) -> None:
    inner = Tag("b")(text, title=value)
    outer = ElementTree.fromstring(flat(Tag("a")(v=inner)))
    assert (outer.get("v") or "").encode() == flat(inner)


def test_script_cannot_be_left() -> None:
    assert flat(tags.script("</script><b>")) == b"<script>&lt;/script&gt;&lt;b&gt;</script>"


def test_a_character_reference_in_an_attribute_stays_one() -> None:
    written = flat(Tag("a")(CharRef(9731), title=[CharRef(9731), "&"]))
    assert written == b'<a title="&#9731;&amp;">&#9731;</a>'
    assert flat(Tag("a")(title=Tag("b")(CharRef(9731)))) == b'<a title="&lt;b&gt;&amp;#9731;&lt;/b&gt;"></a>'


@pytest.mark.parametrize("name", ["a b", "a>", "a/", 'a="x', "", "a\0", "a\n", "\u2603"])
def test_names_cannot_leave_their_place(name: str) -> None:
    if name:
        with pytest.raises(FlattenerError):
            flat(Tag(name))
    with pytest.raises(FlattenerError):
        flat(Tag("a", {name: "x"}))


def test_elements_without_end_tags() -> None:
    assert flat([tags.br, tags.img(src="x"), tags.p, tags.transparent("y")]) == b'<br /><img src="x" /><p></p>y'


def test_slots_take_the_nearest_filling() -> None:
    inner = tags.i(slot("a"), slot("b"), slot("c", "default")).fillSlots(a="inner")
    assert flat(tags.p(inner).fillSlots(a="outer", b="<")) == b"<p><i>inner&lt;default</i></p>"


def test_an_unfilled_slot_is_an_error() -> None:
    with pytest.raises(FlattenerError) as caught:
        flat(tags.p(slot("empty")))
    assert isinstance(caught.value.args[0], UnfilledSlot)
    assert str(caught.value).startswith("Exception while flattening:\n  Tag <p>\n  slot('empty')\n")


@pytest.mark.parametrize("thing", [None, 3, object()])
def test_what_has_no_form(thing: Any) -> None:
    with pytest.raises(FlattenerError, match="cannot stand in a document") as caught:
        flat(tags.p(thing))
    assert isinstance(caught.value.__cause__, UnsupportedType)


def test_a_generator_goes_on_when_its_last_part_is_written() -> None:
    output: list[bytes] = []
    seen: list[int] = []

    def parts() -> Iterator[Any]:
        for _ in range(3):
            seen.append(len(output))
            yield "x" * BUFFER_SIZE

    flatten(None, tags.p(parts()), output.append)
    assert seen == [0, 1, 2]


def test_a_deferred_is_waited_for_in_its_place() -> None:
    output: list[bytes] = []
    later: Deferred[Any] = Deferred()
    done = flatten(None, tags.p("before", later, "after", title=succeed("<")), output.append)
    assert b"".join(output) == b'<p title="&lt;">before'
    assert not done.called
    later.callback(tags.b("now"))
    assert b"".join(output) == b'<p title="&lt;">before<b>now</b>after</p>'
    assert done.called


def test_a_deferred_can_stand_twice() -> None:
    shared = succeed("x")
    assert flat([shared, shared]) == b"xx"
    assert flat(shared) == b"x"


def test_a_coroutine() -> None:
    async def later() -> Any:
        return tags.b(await succeed("x"))

    assert flat(tags.p(later())) == b"<p><b>x</b></p>"


def test_neither_depth_nor_number_is_limited() -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = tags.b(succeed(deep))
    assert flat(deep) == b"<b>" * 5000 + b"x" + b"</b>" * 5000
    assert flat([succeed("x") for _ in range(5000)]) == b"x" * 5000


def test_a_failure_shows_where_it_was() -> None:
    problem: Deferred[Any] = fail(RuntimeError("broken"))
    with pytest.raises(FlattenerError) as caught:
        flat(tags.p(["x", tags.b(problem)]))
    said = str(caught.value)
    assert said.startswith("Exception while flattening:\n  Tag <p>\n  ['x', Tag('b'")
    assert said.endswith("RuntimeError: broken\n")
    assert repr(caught.value) == said
    problem.addErrback(lambda failure: failure.trap(RuntimeError))


def test_cancelling_cancels_what_is_waited_for() -> None:
    later: Deferred[Any] = Deferred()
    ended: list[Any] = []
    done = flattenString(None, tags.p(later))
    done.addErrback(ended.append)
    later.addErrback(lambda failure: failure.trap(CancelledError))
    done.cancel()
    (failure,) = ended
    assert isinstance(failure, Failure)
    assert isinstance(failure.value.args[0], CancelledError)


class Greeting(Element):
    @renderer
    def greet(self, request: Any, tag: Tag) -> Any:
        return tag("Hello")

    def hidden(self, request: Any, tag: Tag) -> Any:
        raise AssertionError("A template reached a method that is not marked.")


def test_render_methods() -> None:
    loader = TagLoader(tags.p(tags.b(render="greet"), title=tags.transparent(render="greet")))
    assert flat(Greeting(loader)) == b'<p title="Hello"><b>Hello</b></p>'
    assert flat(Greeting(loader)) == b'<p title="Hello"><b>Hello</b></p>', "the template was changed by rendering it"


def test_only_marked_methods_can_be_reached() -> None:
    for name in ("hidden", "nothing", "__init__"):
        with pytest.raises(FlattenerError, match=f"no render method named '{name}'"):
            flat(Greeting(TagLoader(tags.b(render=name))))


def test_a_render_method_without_an_element() -> None:
    with pytest.raises(FlattenerError, match="not contained in any IRenderable"):
        flat(tags.b(render="greet"))


def test_an_element_without_a_template() -> None:
    with pytest.raises(FlattenerError, match="had no loader"):
        flat(Greeting())
