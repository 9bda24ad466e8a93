"""Elements: a template, and the Python that fills it.

A method marked with `renderer` is called for each tag of the template with its name in ``t:render``::

    class Greeting(Element):
        loader = XMLString('<p xmlns:t="..." t:render="greet"/>')

        @renderer
        def greet(self, request, tag):
            return tag("Hello, ", tags.em("world"))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from plait.interfaces import implementer
from plait.web.template.errors import MissingRenderMethod, MissingTemplateLoader
from plait.web.template.interfaces import IRenderable, ITemplateLoader
from plait.web.template.tree import Flattenable, Tag

__all__ = ["Element", "Expose", "UnexposedMethodError", "renderer"]

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_MISSING: Any = object()


class UnexposedMethodError(Exception):
    """A method was asked for that is not there, or not marked."""


class Expose:
    """A mark on methods which a template, or whoever else asks by name, may call. Only what is marked can be reached."""

    def __call__(self, f: F, /, *funcObjs: Callable[..., Any]) -> F:
        """Mark `f` and the others; a decorator."""
        for function in (f, *funcObjs):
            marks = function.__dict__.setdefault("exposedThrough", [])
            marks.append(self)
        return f

    def get(self, instance: object, methodName: str, default: Any = _MISSING) -> Any:
        """The marked method `methodName` of `instance`, or `default`.

        :raises UnexposedMethodError: there is none, and no default was given.
        """
        method = getattr(instance, methodName, None)
        if any(mark is self for mark in getattr(method, "exposedThrough", ())):
            return method
        if default is _MISSING:
            raise UnexposedMethodError(self, methodName)
        return default


renderer = Expose()


@implementer(IRenderable)
class Element:
    """A piece of a document that a template and the methods of a class make together.

    :cvar loader: the template, of the class or of one instance.
    """

    loader: ITemplateLoader | None = None

    def __init__(self, loader: ITemplateLoader | None = None) -> None:
        if loader is not None:
            self.loader = loader

    def lookupRenderMethod(self, name: str) -> Callable[[Any, Tag], Flattenable]:
        """The method for ``t:render="name"``: one of this class that is marked with `renderer`.

        :raises MissingRenderMethod: there is none.
        """
        method: Callable[[Any, Tag], Flattenable] | None = renderer.get(self, name, None)
        if method is None:
            raise MissingRenderMethod(self, name)
        return method

    def render(self, request: Any) -> Flattenable:
        """What stands in this element's place: its template.

        :param request: the request that is answered, or None.
        :raises MissingTemplateLoader: it has no template.
        """
        if self.loader is None:
            raise MissingTemplateLoader(self)
        return self.loader.load()
