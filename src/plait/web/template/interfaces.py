"""What templates promise each other: something that loads, something that renders."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plait.interfaces import Interface

if TYPE_CHECKING:
    from plait.web.template.tree import Flattenable, Tag

__all__ = ["IRenderable", "ITemplateLoader"]


class ITemplateLoader(Interface):
    """Loads a template; an `Element` has one as its `loader`."""

    def load(self) -> list[Flattenable]:
        """The nodes of the template. They are not changed by whoever renders them."""


class IRenderable(Interface):
    """An object that renders itself, and that has the methods which its template names."""

    def lookupRenderMethod(self, name: str) -> Callable[[Any, Tag], Flattenable]:
        """The method that a tag with ``t:render="name"`` is rendered by; it is called with the request and the tag.

        :raises MissingRenderMethod: there is none of that name.
        """

    def render(self, request: Any) -> Flattenable:
        """What to put in the object's place.

        :param request: the request that is answered, or None where there is none.
        """
