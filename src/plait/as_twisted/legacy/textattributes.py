"""What `twisted.python._textattributes` is: text whose parts are bold, coloured and so on, as a tree.

Terminals and chats each have a set of attributes (`CharacterAttributesMixin`), used as ``A.bold["loud", A.fg.red["red"]]``,
and a formatting state, which knows how its attributes are written. `flatten` makes the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

__all__ = ["CharacterAttributesMixin", "DefaultFormattingState", "flatten"]


class DefaultFormattingState:
    """A formatting state without attributes: all of them are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefaultFormattingState) or NotImplemented

    def __hash__(self) -> int:
        return hash(DefaultFormattingState)

    def copy(self) -> Self:
        """Another one."""
        return type(self)()

    def _withAttribute(self, name: str, value: Any) -> Self:
        """Another one in which an attribute has a value: here it has no effect."""
        return self.copy()

    def toVT102(self) -> str:
        """What tells a terminal the attributes: nothing."""
        return ""


class _FormattingStateMixin(DefaultFormattingState):
    """A formatting state whose attributes are attributes of the object.

    ``_subtracting`` says that one has just been taken away, so that those that stay must be written anew.
    """

    _subtracting: bool

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Self:
        """Another one with the same attributes."""
        other = super().copy()
        vars(other).update(vars(self))
        return other

    def _withAttribute(self, name: str, value: Any) -> Self:
        """Another one in which an attribute has a value."""
        other = self.copy()
        if getattr(self, name) != value:
            other._subtracting = not value
            setattr(other, name, value)
        return other


class _Attribute:
    """A part of a text: what is put into its brackets has the attribute."""

    def __init__(self) -> None:
        self.children: list[Any] = []

    def __getitem__(self, item: Any) -> Self:
        self.children.extend(item if isinstance(item, list | tuple) else [item])
        return self

    def _state(self, attrs: Any) -> Any:
        """The formatting state inside, from the one outside."""
        return attrs

    def serialize(self, write: Callable[[str], object], attrs: Any = None, attributeRenderer: str = "toVT102") -> None:
        """Write the text, and before each piece what the state's method of that name says."""
        state = self._state(DefaultFormattingState() if attrs is None else attrs)
        for child in self.children:
            if isinstance(child, _Attribute):
                child.serialize(write, state.copy(), attributeRenderer)
            else:
                write(getattr(state, attributeRenderer)())
                write(child)


class _NormalAttr(_Attribute):
    """Text without attributes, whatever is around it."""

    def _state(self, attrs: Any) -> Any:
        return type(attrs)()


class _OtherAttr(_Attribute):
    """Text with an attribute; ``-`` before it takes the attribute away."""

    def __init__(self, attrname: str, attrvalue: Any) -> None:
        super().__init__()
        self.attrname = attrname
        self.attrvalue = attrvalue

    def __neg__(self) -> _OtherAttr:
        other = _OtherAttr(self.attrname, not self.attrvalue)
        other.children.extend(self.children)
        return other

    def _state(self, attrs: Any) -> Any:
        return attrs._withAttribute(self.attrname, self.attrvalue)


class _ColorAttr(_Attribute):
    """Text in a colour, or on one: the ground is ``"foreground"`` or ``"background"``."""

    def __init__(self, color: Any, ground: str) -> None:
        super().__init__()
        self.color = color
        self.ground = ground

    def _state(self, attrs: Any) -> Any:
        return attrs._withAttribute(self.ground, self.color)


class _ForegroundColorAttr(_ColorAttr):
    """Text in a colour."""

    def __init__(self, color: Any) -> None:
        super().__init__(color, "foreground")


class _BackgroundColorAttr(_ColorAttr):
    """Text on a colour."""

    def __init__(self, color: Any) -> None:
        super().__init__(color, "background")


class _ColorAttribute:
    """The colours of a ground, each an attribute by its name."""

    def __init__(self, ground: Callable[[Any], _ColorAttr], attrs: Mapping[str, Any]) -> None:
        self.ground = ground
        self.attrs = attrs

    def __getattr__(self, name: str) -> _ColorAttr:
        try:
            return self.ground(self.attrs[name])
        except KeyError:
            raise AttributeError(name) from None


class CharacterAttributesMixin:
    """The attributes of a kind of text: ``normal``, and those named in ``attrs``, each made anew when it is asked for."""

    attrs: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name == "normal":
            return _NormalAttr()
        if name in self.attrs:
            return _OtherAttr(name, True)
        raise AttributeError(name)


def flatten(output: Any, attrs: Any, attributeRenderer: str = "toVT102") -> str:
    """The text of a tree; ``attrs`` is the formatting state at its beginning."""
    pieces: list[str] = []
    output.serialize(pieces.append, attrs, attributeRenderer)
    return "".join(pieces)
