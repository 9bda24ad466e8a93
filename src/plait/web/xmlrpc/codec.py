"""Calls and responses as XML, and back: the standard library's marshalling, behind a parser that is not so trusting.

XML-RPC has no use for document types, which is how a small document grows into gigabytes; and nobody nests values hundreds
deep. Both are refused before anything is built. How large a document may be is for whoever reads it from the network.
"""

from __future__ import annotations

import xmlrpc.client as xmlrpclib
from collections.abc import Sequence
from typing import Any
from xml.parsers import expat

__all__ = ["MAX_DEPTH", "Fault", "InvalidXMLRPC", "dump_response", "loads", "payloadTemplate"]

Fault = xmlrpclib.Fault

payloadTemplate = """<?xml version="1.0"?>
<methodCall>
<methodName>%s</methodName>
%s
</methodCall>
"""

# An array in an array is four elements deeper; this is a hundred of them. Python's own limit on recursion is met at about
# ten times that, by whatever is done with the value then.
MAX_DEPTH = 400


class InvalidXMLRPC(ValueError):
    """A document is not a call or response of XML-RPC, or one that nobody needs."""


def loads(data: bytes | str, useDateTime: bool = False) -> tuple[tuple[Any, ...], str | None]:
    """The values in a call or response, and the name of the method that is called (None in a response).

    :param useDateTime: make `datetime.datetime` of times, not `xmlrpc.client.DateTime`.
    :raises Fault: the response is one.
    :raises InvalidXMLRPC: it is not XML, has a document type, or is nested deeper than `MAX_DEPTH`.
    :raises ValueError: a value is not of its type, or any other error that `xmlrpc.client` raises.
    """
    target: Any = xmlrpclib.Unmarshaller(use_datetime=useDateTime)
    target.xml(None, None)  # what it is given is text, with no encoding any more
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise InvalidXMLRPC(f"The values are nested too deeply: more than {MAX_DEPTH} elements of XML.")
        target.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        target.end(tag)

    def refuse(*_: Any) -> None:
        raise InvalidXMLRPC("It has a document type, which XML-RPC does not use; leave it out.")

    # A str is decoded already, whatever its XML declaration says.
    parser = expat.ParserCreate("utf-8" if isinstance(data, str) else None)
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = target.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data.encode("utf-8") if isinstance(data, str) else data, True)
    except expat.ExpatError as error:
        raise InvalidXMLRPC(f"It is not well-formed XML: {error}.") from error
    try:
        return target.close(), target.getmethodname()
    except xmlrpclib.ResponseError:
        raise InvalidXMLRPC("It is XML, but neither a call nor a response.") from None


def dump_response(result: Any, allowNone: bool) -> bytes:
    """A response with one value, or a `Fault`.

    :raises TypeError: the value has a part that XML-RPC cannot carry, such as None without `allowNone`.
    :raises OverflowError: it has a number beyond 32 bits.
    """
    content: Sequence[Any] | Fault = result if isinstance(result, Fault) else (result,)
    text: str = xmlrpclib.dumps(content, methodresponse=True, allow_none=allowNone)  # type: ignore[arg-type]
    return text.encode("utf-8", "xmlcharrefreplace")
