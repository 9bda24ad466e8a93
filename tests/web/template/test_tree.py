"""Tags as data: calls, clones, slots."""

from __future__ import annotations

import pytest

from plait.web.template import CDATA, CharRef, Comment, Tag, renderer, slot, tags
from plait.web.template.element import UnexposedMethodError


def test_a_call_adds_and_returns_the_tag() -> None:
    tag = tags.p("a", class_="note")
    assert tag("b", id="x", render="method") is tag
    assert (tag.children, tag.attributes, tag.render) == (["a", "b"], {"class": "note", "id": "x"}, "method")
    with pytest.raises(TypeError, match='"render" attribute must be str, got 3'):
        tag(render=3)  # type: ignore[arg-type]


def test_a_clone_shares_nothing_that_changes() -> None:
    tag = tags.p(["a", tags.b("x")], slot("s"), title=tags.i("y")).fillSlots(s=tags.u("z"))
    clone = tag.clone()
    assert repr(clone) == repr(tag)
    inner = clone.children[0][1]  # type: ignore[index]
    inner("more")
    clone.attributes["title"]("more")  # type: ignore[operator]
    clone.fillSlots(s="other")
    assert repr(tag) == "Tag('p', attributes={'title': Tag('i', children=['y'])}, children=[" + (
        "['a', Tag('b', children=['x'])], slot('s')])"
    )
    assert repr(tag.slotData) == "{'s': Tag('u', children=['z'])}"


def test_a_shallow_clone_shares_the_children() -> None:
    inner = tags.b("x")
    tag = tags.p(inner)
    clone = tag.clone(deep=False)
    assert clone.children[0] is inner
    clone("y")
    clone.clear()
    assert tag.children == [inner]


def test_what_can_run_once_is_not_cloned_silently() -> None:
    with pytest.warns(DeprecationWarning, match="contains a generator"):
        tags.p(x for x in "ab").clone()

    async def later() -> str:
        return ""

    coroutine = later()
    with pytest.warns(DeprecationWarning, match="contains a coroutine"):
        tags.p(coroutine).clone()
    coroutine.close()


def test_the_vocabulary() -> None:
    assert tags.video.tagName == "video"
    assert tags.del_.tagName == "del"
    assert tags.transparent.tagName == ""
    assert tags.p is not tags.p
    for name in ("xmp", "plaintext", "nothing"):
        with pytest.raises(AttributeError, match="no element"):
            getattr(tags, name)


def test_reprs() -> None:
    assert [repr(node) for node in (CDATA("a"), Comment("b"), CharRef(3))] == [
        "CDATA('a')",
        "Comment('b')",
        "CharRef(3)",
    ]


def test_a_mark_is_asked_for() -> None:
    class Marked:
        @renderer
        def shown(self) -> str:
            return "shown"

        def hidden(self) -> str:
            return "hidden"

    assert renderer.get(Marked(), "shown")() == "shown"
    assert renderer.get(Marked(), "hidden", 3) == 3
    with pytest.raises(UnexposedMethodError):
        renderer.get(Marked(), "hidden")
    assert isinstance(tags.p, Tag)
