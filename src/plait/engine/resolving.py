"""The part of the reactor that looks names up: with the system's resolver, or with another that is installed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plait.deferred import Deferred, succeed
from plait.interfaces import (
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorPluggableResolver,
    IResolverSimple,
    implementer,
    provides,
)
from plait.transport.lookups import look_up
from plait.transport.names import FromSimpleResolver, SystemResolver, ToSimpleResolver

if TYPE_CHECKING:
    from plait.transport.network import Network


@implementer(IReactorPluggableNameResolver, IReactorPluggableResolver)
class ResolvingReactor:
    """What a reactor does with names.

    Attributes: `nameResolver` (`IHostnameResolver`) and `resolver` (`IResolverSimple`), two faces of the same resolver.
    """

    _name_resolver: Any = None
    _simple_resolver: Any = None

    if TYPE_CHECKING:

        @property
        def loop(self) -> asyncio.AbstractEventLoop: ...

        @property
        def _net(self) -> Network: ...

    @property
    def nameResolver(self) -> Any:
        """Who is asked for all addresses of a name: at first, the system's resolver, in threads of its own."""
        if self._name_resolver is None:
            self._name_resolver = SystemResolver(self._getaddrinfo)
        return self._name_resolver

    @property
    def resolver(self) -> Any:
        """Who is asked for one IPv4 address."""
        if self._simple_resolver is None:
            self._simple_resolver = ToSimpleResolver(self.nameResolver, self)
        return self._simple_resolver

    def _getaddrinfo(self, host: str, port: int, family: int, kind: int) -> Deferred[Any]:
        return look_up(self.loop, host, port, family, kind)

    def installNameResolver(self, resolver: IHostnameResolver) -> Any:
        """Ask `resolver` from now on, for `connectTCP` and all else. Returns the one that was asked so far.

        :raises TypeError: if it does not provide `IHostnameResolver`.
        """
        if not provides(IHostnameResolver, resolver):
            raise TypeError(f"installNameResolver needs a resolver that provides IHostnameResolver, not {resolver!r}")
        before = self.nameResolver
        self._install(resolver, None)
        return before

    def installResolver(self, resolver: IResolverSimple) -> Any:
        """As `installNameResolver`, for a resolver of the older kind, which knows one address of a name.

        :raises TypeError: if it does not provide `IResolverSimple`.
        """
        if not provides(IResolverSimple, resolver):
            raise TypeError(f"installResolver needs a resolver that provides IResolverSimple, not {resolver!r}")
        before = self.resolver
        if isinstance(resolver, ToSimpleResolver):
            self._install(resolver._nameResolver, resolver)  # what this has given before: the newer one under it
        else:
            self._install(FromSimpleResolver(resolver), resolver)
        return before

    def _install(self, name_resolver: Any, simple: Any) -> None:
        self._name_resolver = name_resolver
        self._simple_resolver = simple
        self._net.name_resolver = self._installed_resolver()

    def _installed_resolver(self) -> Any:
        """The resolver, if it is not the system's, which needs no object to ask."""
        resolver = self._name_resolver
        own = isinstance(resolver, SystemResolver) and resolver._function == self._getaddrinfo
        return None if own else resolver

    def resolve(self, name: str, timeout: Sequence[float] = (1, 3, 11, 45)) -> Deferred[str]:
        """Look up the IPv4 address of a host name, as text.

        :param timeout: how long that may take, in seconds: the sum counts, where the system's resolver is asked.

        The Deferred fails with `plait.errors.DNSLookupError` if there is no address, or not in time.
        """
        # "" has always meant any address of this host
        return self.resolver.getHostByName(name, timeout) if name else succeed("0.0.0.0")
