"""An interface at run time: zope reads it right, and right and wrong classes are told apart."""

from __future__ import annotations

from typing import TypeVar

import pytest
import zope.interface
from zope.interface.exceptions import (
    BrokenImplementation,
    BrokenMethodImplementation,
    DoesNotImplement,
    Invalid,
)

from plait.interfaces import (
    Attribute,
    Interface,
    adapt,
    alsoProvides,
    directlyProvides,
    implementedBy,
    implementer,
    implements,
    providedBy,
    provides,
    verifyClass,
    verifyObject,
)

T = TypeVar("T")


class INamed(Interface):
    name: str
    age: int = Attribute("in years")

    @property
    def title(self) -> str:
        """What comes before the name."""


class IGreeter(INamed, Interface):
    def greet(self, whom: str, loudly: bool = False) -> str:
        """Say hello."""

    def tell(self, *args: object, **kwargs: object) -> None:
        """Say anything."""


@implementer(IGreeter)
class Butler:
    name = "James"
    age = 61
    title = "Mr"

    def greet(self, whom: str, loudly: bool = False) -> str:
        return f"Good evening, {whom}."

    def tell(self, *args: object, **kwargs: object) -> None: ...


def test_self_is_not_an_argument_of_the_caller() -> None:
    assert IGreeter["greet"].getSignatureString() == "(whom, loudly=False)"
    assert IGreeter["tell"].getSignatureString() == "(*args, **kwargs)"
    assert IGreeter["greet"].getDoc() == "Say hello."


def test_annotations_and_properties_are_attributes() -> None:
    assert set(INamed) == {"name", "age", "title"}
    assert INamed["age"].getDoc() == "in years"
    assert INamed["title"].getDoc() == "What comes before the name."


def test_a_right_class_is_right() -> None:
    assert verifyClass(IGreeter, Butler)
    assert verifyObject(IGreeter, Butler())
    assert provides(IGreeter, Butler())
    assert provides(INamed, Butler())
    assert provides(Interface, Butler())
    assert implements(INamed, Butler)
    assert not implements(INamed, int)
    assert list(providedBy(Butler())) == [IGreeter]
    assert IGreeter in implementedBy(Butler)


def test_an_undeclared_class_provides_nothing() -> None:
    class Undeclared:
        def greet(self, whom: str, loudly: bool = False) -> str:
            return ""

        def tell(self, *args: object, **kwargs: object) -> None: ...

    assert not provides(IGreeter, Undeclared())
    with pytest.raises(DoesNotImplement):
        verifyClass(IGreeter, Undeclared)


def test_a_missing_method_is_named() -> None:
    @implementer(IGreeter)
    class Mute:
        def tell(self, *args: object, **kwargs: object) -> None: ...

    with pytest.raises(BrokenImplementation, match="greet"):
        verifyClass(IGreeter, Mute)


@pytest.mark.parametrize(
    "greet",
    [
        lambda self: "",
        lambda self, whom: "",
        lambda self, whom, loudly, more: "",
    ],
    ids=["too few", "no optional", "too many"],
)
def test_a_wrong_signature_is_found(greet: object) -> None:
    wrong = implementer(IGreeter)(type("Wrong", (Butler,), {"greet": greet}))
    with pytest.raises(BrokenMethodImplementation, match="greet"):
        verifyClass(IGreeter, wrong)
    with pytest.raises(BrokenMethodImplementation, match="greet"):
        verifyObject(IGreeter, wrong())


def test_a_missing_attribute_is_found_in_an_object() -> None:
    @implementer(INamed)
    class Nobody:
        name = ""
        title = ""

    with pytest.raises(Invalid, match="age"):
        verifyObject(INamed, Nobody())


def test_interfaces_without_self_may_inherit_from_ours() -> None:
    class IOld(INamed):
        def rename(first: str, last: str = "") -> None:  # type: ignore[misc]
            "zope's own style."

    assert IOld["rename"].getSignatureString() == "(first, last='')"
    assert IOld.extends(INamed)  # type: ignore[attr-defined]


def test_ours_may_inherit_from_plain_zope_interfaces() -> None:
    class IPlain(zope.interface.Interface):  # type: ignore[misc]
        def there(x: int) -> None:  # type: ignore[misc]
            "Without self."

    class IBoth(IPlain, Interface):  # type: ignore[misc]
        def here(self, x: int) -> None:
            "With self."

    assert IBoth["here"].getSignatureString() == IBoth["there"].getSignatureString() == "(x)"


def test_an_object_may_provide_what_its_class_does_not() -> None:
    class Plain: ...

    one, other = Plain(), Plain()
    alsoProvides(one, INamed)
    directlyProvides(other, IGreeter)
    assert provides(INamed, one) and not provides(IGreeter, one)
    assert provides(IGreeter, other)
    assert not provides(INamed, Plain())


def test_calling_an_interface_adapts() -> None:
    butler = Butler()

    class House:
        def __conform__(self, interface: object) -> object:
            return butler if interface is IGreeter else None

    assert adapt(IGreeter, butler) is butler
    assert adapt(IGreeter, House()) is butler
    assert IGreeter(House()) is butler  # type: ignore[misc, call-arg]
    assert IGreeter(3, None) is None  # type: ignore[misc, call-arg]
    assert adapt(IGreeter, 3, "nobody") == "nobody"
    with pytest.raises(TypeError, match="IGreeter"):
        adapt(IGreeter, 3)


def test_generic_interfaces_are_plain_ones_at_run_time() -> None:
    class IBox(Interface[T]):  # type: ignore[misc]
        def get(self) -> T: ...

    assert list(IBox) == ["get"]
    assert IBox["get"].getSignatureString() == "()"


def test_names_lead_back_to_the_definition() -> None:
    assert IGreeter.__module__ == __name__
    assert IGreeter.__name__ == "IGreeter"
    assert IGreeter.__doc__ == ""
    assert (Interface.__doc__ or "").startswith("The root")
