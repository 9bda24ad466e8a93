"""Adapters, objects that keep them, and proxies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from zope.interface import Attribute, Interface, implementer
from zope.interface.adapter import AdapterRegistry
from zope.interface.verify import verifyObject

from plait.as_twisted.legacy import components


class IPlug(Interface):
    voltage = Attribute("How much.")

    def fit(wall: str) -> str:
        """Put it in."""


class ISpare(Interface):
    pass


class IExtra(Interface):
    pass


@implementer(IPlug)
class Plug:
    voltage = 230

    def fit(self, wall: str) -> str:
        return f"in {wall}"


class Lamp(components.Componentized):
    pass


@implementer(ISpare, IExtra)
class SpareLamp(components.Adapter):
    pass


class Temporary(SpareLamp):
    temporaryAdapter = True


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test registers is forgotten after it."""
    fresh = AdapterRegistry()
    monkeypatch.setattr(components, "globalRegistry", fresh)
    hook = components._addHook(fresh)
    yield
    components._removeHook(hook)


def test_an_adapter_of_a_class_and_of_an_interface() -> None:
    class Thing: ...

    components.registerAdapter(SpareLamp, Thing, ISpare)
    thing = Thing()
    assert ISpare(thing).original is thing
    assert components.getAdapterFactory(Thing, ISpare, None) is SpareLamp
    assert components.getAdapterFactory(Thing, IExtra, "none") == "none"
    components.registerAdapter(SpareLamp, IPlug, ISpare, IExtra)
    assert isinstance(ISpare(Plug()), SpareLamp) and isinstance(IExtra(Plug()), SpareLamp)


def test_what_cannot_be_registered() -> None:
    components.registerAdapter(SpareLamp, IPlug, ISpare)
    with pytest.raises(ValueError, match="already"):
        components.registerAdapter(Temporary, IPlug, ISpare)
    with pytest.raises(ValueError, match="interface"):
        components.registerAdapter(Temporary, IPlug)


def test_an_object_keeps_its_adapter() -> None:
    components.registerAdapter(SpareLamp, Lamp, ISpare, IExtra)
    lamp = Lamp()
    assert ISpare(lamp) is ISpare(lamp) is IExtra(lamp)
    assert ISpare(ISpare(lamp)) is ISpare(lamp)
    assert lamp.getComponent(IPlug, "none") == "none"


def test_a_temporary_adapter_is_not_kept() -> None:
    components.registerAdapter(Temporary, Lamp, ISpare)
    lamp = Lamp()
    assert ISpare(lamp) is not ISpare(lamp)


def test_components_put_and_taken() -> None:
    lamp, spare = Lamp(), object()
    lamp.setComponent(ISpare, spare)
    lamp.setComponent(IExtra, spare)
    assert ISpare(lamp) is spare
    lamp.unsetComponent(IExtra)
    assert IExtra(lamp, None) is None
    assert lamp.removeComponent(spare) == [f"{__name__}.ISpare"]
    assert ISpare(lamp, None) is None
    lamp.setAdapter(ISpare, SpareLamp)
    assert ISpare(lamp).original is lamp
    plug = lamp.addAdapter(SpareLamp, ignoreClass=True)
    assert IExtra(lamp) is plug


def test_an_adapter_is_adapted_as_its_original() -> None:
    lamp = Lamp()
    lamp.setComponent(IPlug, plug := Plug())
    assert IPlug(SpareLamp(lamp)) is plug
    assert IPlug(SpareLamp(object()), None) is None


def test_a_proxy() -> None:
    proxy_class = components.proxyForInterface(IPlug, "plug")

    class Louder(proxy_class):
        def fit(self, wall: str) -> str:
            return super().fit(wall).upper()

    plug = Plug()
    proxy = proxy_class(plug)
    assert verifyObject(IPlug, proxy)
    assert proxy.plug is plug
    assert proxy.fit("wall") == "in wall" and Louder(plug).fit("wall") == "IN WALL"
    proxy.voltage = 110
    assert plug.voltage == 110
    del proxy.voltage
    assert proxy.voltage == 230
