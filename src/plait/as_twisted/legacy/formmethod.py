"""What `twisted.python.formmethod` is: what a form asks for, as arguments that make values of what was filled in."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Sequence
from typing import Any

__all__ = [
    "Argument",
    "Boolean",
    "CheckGroup",
    "Choice",
    "Date",
    "File",
    "Flags",
    "Float",
    "FormException",
    "FormMethod",
    "Hidden",
    "InputError",
    "Integer",
    "IntegerRange",
    "MethodSignature",
    "Password",
    "PresentationHint",
    "RadioGroup",
    "String",
    "Submit",
    "Text",
    "VerifiedPassword",
    "positiveInt",
]


class FormException(Exception):
    """What was filled in is wrong, as a whole (``args``), or in some arguments (``descriptions``, by their names)."""

    def __init__(self, *args: object, **kwargs: str) -> None:
        super().__init__(*args)
        self.descriptions = kwargs


class InputError(FormException):
    """What was filled in for one argument is wrong; the text is for the user."""


class Argument:
    """Something that a form asks for: its name, what stands there at first, texts, hints, and whether it may be empty."""

    defaultDefault: Any = None
    """What stands there at first where nothing was said."""

    def __init__(
        self,
        name: str,
        default: Any = None,
        shortDesc: str | None = None,
        longDesc: str | None = None,
        hints: dict[str, Any] | None = None,
        allowNone: bool = True,
    ) -> None:
        self.name = name
        self.allowNone = allowNone
        self.default = self.defaultDefault if default is None else default
        self.shortDesc = shortDesc
        self.longDesc = longDesc
        self.hints = hints or {}

    def addHints(self, **kwargs: Any) -> None:
        """Add hints on how it is shown."""
        self.hints.update(kwargs)

    def getHint(self, name: str, default: Any = None) -> Any:
        """A hint, or the default."""
        return self.hints.get(name, default)

    def getShortDescription(self) -> str:
        """The short text, or else the name."""
        return self.shortDesc or self.name.capitalize()

    def getLongDescription(self) -> str:
        """The long text, which may be empty."""
        return self.longDesc or ""

    def coerce(self, val: Any) -> Any:
        """The value of what was filled in. Raises `InputError` where there is none."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it makes of what was filled in")

    def _empty(self, why: str) -> None:
        if not self.allowNone:
            raise InputError(why)


class String(Argument):
    """A line of text, with a least and a greatest length."""

    defaultDefault = ""

    def __init__(self, name: str, *args: Any, min: int = 0, max: int | None = None, **kw: Any) -> None:
        super().__init__(name, *args, **kw)
        self.min = min
        self.max = max

    def coerce(self, val: Any) -> Any:
        """The text."""
        text = str(val)
        if len(text) < self.min:
            raise InputError(f"Value must be at least {self.min} characters long")
        if self.max is not None and len(text) > self.max:
            raise InputError(f"Value must be at most {self.max} characters long")
        return text


class Text(String):
    """Text of several lines."""


class Password(String):
    """A text that is not shown."""


class VerifiedPassword(Password):
    """A text that is not shown, and filled in twice."""

    def coerce(self, vals: Any) -> Any:
        """The text, of the two."""
        if len(vals) != 2 or vals[0] != vals[1]:
            raise InputError("Please enter the same password twice.")
        return super().coerce(vals[0])


class Hidden(String):
    """A text that the user does not see."""


class _Number(Argument):
    """A number."""

    _make: Callable[[Any], Any]
    _wanted = ""

    def coerce(self, val: Any) -> Any:
        """The number; None for nothing, where that may be."""
        if not str(val).strip():
            self._empty(f"{self._wanted} is needed here.")
            return None
        try:
            return type(self)._make(val)
        except ValueError:
            raise InputError(f"{val} is not valid, please enter {self._wanted.lower()}.") from None


class Integer(_Number):
    """A whole number."""

    _make = int
    _wanted = "A whole number, e.g. 3,"


class IntegerRange(Integer):
    """A whole number from ``min`` to ``max``."""

    def __init__(self, name: str, min: int, max: int, *args: Any, **kw: Any) -> None:
        super().__init__(name, *args, **kw)
        self.min = min
        self.max = max

    def coerce(self, val: Any) -> Any:
        """The number, if it is one of those."""
        number = super().coerce(val)
        if number is not None and not self.min <= number <= self.max:
            raise InputError(f"Value {number} is out of range, it should be {self.min} to {self.max}.")
        return number


class Float(_Number):
    """A number with a fraction."""

    _make = float
    _wanted = "A number, e.g. 3.5,"


class Choice(Argument):
    """One of some choices, each a word, its value, and a text for the user."""

    def __init__(self, name: str, choices: Iterable[tuple[str, Any, str]] = (), *args: Any, **kw: Any) -> None:
        self.choices = list(choices)
        super().__init__(name, *args, **kw)

    def coerce(self, inIdent: Any) -> Any:
        """The value of a word."""
        for word, value, _text in self.choices:
            if str(word) == inIdent:
                return value
        raise InputError(f"Invalid Choice: {inIdent}")


class Flags(Argument):
    """Some of some choices, each a word, its value, and a text for the user."""

    def __init__(self, name: str, flags: Iterable[tuple[str, Any, str]] = (), *args: Any, **kw: Any) -> None:
        self.flags = list(flags)
        super().__init__(name, *args, **kw)

    def coerce(self, inFlagKeys: Iterable[Any]) -> list[Any]:
        """The values of the words."""
        values = {str(word): value for word, value, _text in self.flags}
        chosen = []
        for word in inFlagKeys:
            if word not in values:
                raise InputError(f"Invalid Flag: {word}")
            chosen.append(values[word])
        return chosen


class CheckGroup(Flags):
    """`Flags`, shown as boxes to tick."""


class RadioGroup(Choice):
    """A `Choice`, shown with all its words."""


class Boolean(Argument):
    """Yes or no."""

    def coerce(self, inVal: Any) -> int:
        """1, or 0 for nothing and for the words that say no."""
        return 0 if not inVal or str(inVal).strip().lower() in ("", "no", "off", "false", "0", "none") else 1


class File(Argument):
    """A file that is sent along."""

    def __init__(self, name: str, allowNone: bool = True, shortDesc: str | None = None, **kw: Any) -> None:
        super().__init__(name, None, shortDesc, allowNone=allowNone, **kw)

    def coerce(self, file: Any) -> Any:
        """The file; None for none, where that may be."""
        if not file:
            self._empty("Please send a file.")
            return None
        return file


def positiveInt(x: Any) -> int:
    """A whole number above 0. Raises `ValueError` for another one."""
    number = int(x)
    if number <= 0:
        raise ValueError(f"{number} is not above 0")
    return number


class Date(Argument):
    """A day, as year, month and day."""

    def __init__(self, name: str, allowNone: bool = True, shortDesc: str | None = None, **kw: Any) -> None:
        super().__init__(name, None, shortDesc, allowNone=allowNone, **kw)

    def coerce(self, args: Sequence[str]) -> tuple[int, int, int] | None:
        """The day, in numbers; None for three empty words, where that may be."""
        if tuple(args) == ("", "", ""):
            self._empty("Please enter a date.")
            return None
        try:
            year, month, day = map(positiveInt, args)
            # a table of the months, since `datetime.date` knows no year after 9999
            if day > calendar.monthrange(year, month)[1]:
                raise ValueError(day)
        except (TypeError, ValueError):
            raise InputError("Invalid date") from None
        return year, month, day


class Submit(Choice):
    """A button that sends the form."""

    def __init__(self, name: str, choices: Any = (("Submit", "submit", "Submit form"),), **kw: Any) -> None:
        super().__init__(name, choices, **kw)


class PresentationHint:
    """Something that is shown in a form and asks for nothing."""


class MethodSignature:
    """The arguments of a form, in their order."""

    def __init__(self, *sigList: Any) -> None:
        self.methodSignature = sigList

    def getArgument(self, name: str) -> Any:
        """The argument with a name, or None."""
        return next((argument for argument in self.methodSignature if getattr(argument, "name", None) == name), None)

    def method(self, callable: Callable[..., Any], takesRequest: bool = False) -> FormMethod:
        """A form with these arguments that calls a function."""
        return FormMethod(self, callable, takesRequest)


class FormMethod:
    """A function that is called with what a form makes of what was filled in."""

    def __init__(self, signature: MethodSignature, callable: Callable[..., Any], takesRequest: bool = False) -> None:
        self.signature = signature
        self.callable = callable
        self.takesRequest = takesRequest

    def getArgs(self) -> tuple[Any, ...]:
        """The arguments of the form."""
        return tuple(self.signature.methodSignature)

    def call(self, *args: Any, **kw: Any) -> Any:
        """Call the function."""
        return self.callable(*args, **kw)
