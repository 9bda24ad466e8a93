"""Values as XML, and documents that are refused."""

from __future__ import annotations

import xmlrpc.client
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plait.web.xmlrpc.codec import MAX_DEPTH, Fault, InvalidXMLRPC, dump_response, loads

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
SIMPLE = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.floats(allow_nan=False, allow_infinity=False), TEXT
)
VALUES = st.recursive(
    SIMPLE, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXT, inner, max_size=4)), max_leaves=8
)


@given(VALUES)
def test_a_value_comes_back(value: Any) -> None:
    assert loads(dump_response(value, allowNone=True)) == ((value,), None)


def test_times() -> None:
    when = datetime(2020, 2, 29, 1, 2, 3)
    assert loads(dump_response(when, False), useDateTime=True) == ((when,), None)
    ((value,), _) = loads(dump_response(when, False))
    assert isinstance(value, xmlrpc.client.DateTime)


def test_a_str_is_decoded_already() -> None:
    source = '<?xml version="1.0" encoding="latin-1"?><params><param><value>ä</value></param></params>'
    text = source.replace("<params>", "<methodResponse><params>") + "</methodResponse>"
    assert loads(text)[0] == ("ä",)
    assert loads(text.encode("latin-1"))[0] == ("ä",)


def test_a_fault_is_raised() -> None:
    with pytest.raises(Fault) as caught:
        loads(dump_response(Fault(3, "no"), False))
    assert (caught.value.faultCode, caught.value.faultString) == (3, "no")


BOMB = """<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<methodCall><methodName>x</methodName><params><param><value>&b;</value></param></params></methodCall>"""
OUTSIDE = BOMB.replace('"aaaaaaaaaa"', 'SYSTEM "file:///etc/passwd"')


@pytest.mark.parametrize("source", [BOMB, OUTSIDE, "<!DOCTYPE methodCall><methodCall/>"])
def test_a_document_type_is_refused(source: str) -> None:
    with pytest.raises(InvalidXMLRPC, match="document type"):
        loads(source)


def nested(arrays: int) -> str:
    value = "<value><array><data>" * arrays + "</data></array></value>" * arrays
    return f"<methodResponse><params><param>{value}</param></params></methodResponse>"


def test_depth_has_an_end() -> None:
    deepest = (MAX_DEPTH - 3) // 3
    ((value,), _) = loads(nested(deepest))
    for _ in range(deepest - 1):
        (value,) = value
    assert value == []
    with pytest.raises(InvalidXMLRPC, match="nested too deeply"):
        loads(nested(deepest + 1))


@pytest.mark.parametrize("source", ["", "foo", "<a>", b"\xff", "<methodCall></a>"])
def test_what_is_not_xml(source: str | bytes) -> None:
    with pytest.raises(InvalidXMLRPC, match="not well-formed XML"):
        loads(source)


@given(st.binary())
@example(b"<A></A>")
def test_any_bytes_are_a_value_or_an_error(data: bytes) -> None:
    with pytest.raises(InvalidXMLRPC):
        loads(data)


@pytest.mark.parametrize("value", [None, object(), 2**31, {1: "x"}])
def test_what_cannot_be_carried(value: Any) -> None:
    with pytest.raises((TypeError, OverflowError)):
        dump_response(value, allowNone=False)
