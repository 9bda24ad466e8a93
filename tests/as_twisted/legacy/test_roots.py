"""Collections of named things."""

from __future__ import annotations

import pytest

from plait.as_twisted.legacy import roots


def test_a_collection() -> None:
    collection = roots.Collection()
    collection.putEntity("a", 1)
    assert collection.getStaticEntity("a") == 1 and collection.getDynamicEntity("a", None) is None
    assert collection.listEntities() == [("a", 1)] and collection.listNames() == collection.listStaticNames() == ["a"]
    collection.delEntity("a")
    assert collection.getStaticEntity("a") is None
    for ask in (collection.storeEntity, collection.removeEntity):
        with pytest.raises(roots.NotSupportedError):
            ask("a", None)


def test_one_that_does_not_take_everything() -> None:
    class Short(roots.Constrained):
        def nameConstraint(self, name: str) -> bool:
            return len(name) < 3

    numbers = roots.Homogenous()
    numbers.entityType = int
    numbers.putEntity("a", 1)
    Short().putEntity("ab", "x")
    for put in (lambda: Short().putEntity("abc", "x"), lambda: numbers.putEntity("b", "x")):
        with pytest.raises(roots.ConstraintViolation):
            put()
    assert numbers.listStaticEntities() == [("a", 1)]


def test_what_a_subclass_has_to_say() -> None:
    request = roots.Request()
    for ask in (lambda: request.write(b""), request.finish, lambda: roots.Entity().render(request)):
        with pytest.raises(NotImplementedError):
            ask()
