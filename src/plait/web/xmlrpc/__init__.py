"""XML-RPC over HTTP (http://xmlrpc.com/spec.md): a resource that is called, and a proxy that calls.

Chapters: `codec` (values and XML), `server`, `client`.
"""

from __future__ import annotations

from xmlrpc.client import Binary, DateTime

from plait.web.xmlrpc.client import Proxy, QueryFactory, QueryProtocol
from plait.web.xmlrpc.codec import Fault, InvalidXMLRPC, payloadTemplate
from plait.web.xmlrpc.server import (
    XMLRPC,
    Handler,
    NoSuchFunction,
    XMLRPCIntrospection,
    addIntrospection,
    withRequest,
)

Boolean = bool

__all__ = [
    "XMLRPC",
    "Binary",
    "Boolean",
    "DateTime",
    "Fault",
    "Handler",
    "InvalidXMLRPC",
    "NoSuchFunction",
    "Proxy",
    "QueryFactory",
    "QueryProtocol",
    "XMLRPCIntrospection",
    "addIntrospection",
    "payloadTemplate",
    "withRequest",
]
