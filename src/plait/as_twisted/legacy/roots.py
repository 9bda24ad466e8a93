"""What `twisted.python.roots` is: collections of named things, some of which say what may be in them."""

from __future__ import annotations

from typing import Any

__all__ = ["Collection", "Constrained", "ConstraintViolation", "Entity", "Homogenous", "NotSupportedError", "Request"]


class NotSupportedError(NotImplementedError):
    """A thing cannot do what was asked for."""


class Request:
    """What is asked for, and where the answer is written."""

    wireProtocol = "(unspecified)"

    def write(self, data: bytes) -> None:
        """Write a part of the answer."""
        raise NotImplementedError(f"{type(self).__name__} does not say how an answer is written")

    def finish(self) -> None:
        """The answer is whole."""
        raise NotImplementedError(f"{type(self).__name__} does not say how an answer ends")


class Entity:
    """A thing that answers requests."""

    def render(self, request: Request) -> Any:
        """Answer a request."""
        raise NotSupportedError(f"{type(self).__name__} does not answer {type(request).__name__}")


class Collection:
    """Things by their names: those in `entities`, and others that a subclass finds when they are asked for."""

    def __init__(self, entities: dict[str, Any] | None = None) -> None:
        self.entities: dict[str, Any] = {} if entities is None else entities

    def getStaticEntity(self, name: str) -> Any:
        """The thing in `entities` with that name, or None."""
        return self.entities.get(name)

    def getDynamicEntity(self, name: str, request: Any) -> Any:
        """A thing that is not in `entities`, or None; a subclass may know some."""
        return None

    def delEntity(self, name: str) -> None:
        """Take the thing with that name out of `entities`. Raises `KeyError` where there is none."""
        del self.entities[name]

    def putEntity(self, name: str, entity: Any) -> None:
        """Put a thing into `entities`."""
        self.entities[name] = entity

    def storeEntity(self, name: str, request: Any) -> Any:
        """Keep something that comes with a request."""
        raise NotSupportedError(f"{type(self).__name__} does not keep what comes with a request")

    def removeEntity(self, name: str, request: Any) -> Any:
        """Remove something at a request."""
        raise NotSupportedError(f"{type(self).__name__} does not remove at a request")

    def listStaticEntities(self) -> list[tuple[str, Any]]:
        """The names and things in `entities`."""
        return list(self.entities.items())

    def listStaticNames(self) -> list[str]:
        """The names in `entities`."""
        return list(self.entities)

    def listEntities(self, request: Any = None) -> list[tuple[str, Any]]:
        """All names and things."""
        return self.listStaticEntities()

    def listNames(self, request: Any = None) -> list[str]:
        """All names."""
        return [name for name, _ in self.listEntities(request)]


class ConstraintViolation(Exception):
    """A thing, or its name, is not one that the collection takes."""


class Constrained(Collection):
    """A collection that does not take everything: a subclass says so by returning False or raising."""

    def nameConstraint(self, name: str) -> bool:
        """Is that name taken?"""
        return True

    def entityConstraint(self, entity: Any) -> bool:
        """Is that thing taken?"""
        return True

    def putEntity(self, name: str, entity: Any) -> None:
        """Put a thing into the collection. Raises `ConstraintViolation` where it is not taken."""
        if not self.nameConstraint(name):
            raise ConstraintViolation(f"the name {name!r} is not taken")
        if not self.entityConstraint(entity):
            raise ConstraintViolation(f"{entity!r} is not taken")
        super().putEntity(name, entity)


class Homogenous(Constrained):
    """A collection of things of one class, its `entityType`."""

    entityType: type[Any] = object

    def entityConstraint(self, entity: Any) -> bool:
        """Is it of the class?"""
        if not isinstance(entity, self.entityType):
            raise ConstraintViolation(f"{entity!r} is no {self.entityType.__name__}")
        return True

    def getNameType(self) -> str:
        """What a name is called."""
        return "Name"

    def getEntityType(self) -> str:
        """What a thing is called."""
        return self.entityType.__name__
