"""What a user gives as a context factory, as a maker of pyOpenSSL's connections."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from OpenSSL import SSL

from plait.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLContextFactory,
    IOpenSSLServerConnectionCreator,
    adapt,
)
from plait.transport.opensslmachine import let_choose

__all__ = ["LegacyContextFactoryWarning", "SomeConnectionCreator", "connection_maker"]

SomeConnectionCreator = IOpenSSLContextFactory | IOpenSSLClientConnectionCreator | IOpenSSLServerConnectionCreator
"""What can be given as a context factory."""


class LegacyContextFactoryWarning(Warning):
    """A context factory does not say by an interface what it is."""


def connection_maker(contextFactory: Any, isClient: bool, stacklevel: int) -> Callable[[Any], SSL.Connection]:
    """A function that makes a connection over memory, given the protocol that carries its bytes.

    One that has neither interface is taken for what it looks like, with a LegacyContextFactoryWarning.

    :raises TypeError: if it has nothing of the kind.
    """
    interface, method = (
        (IOpenSSLClientConnectionCreator, "clientConnectionForTLS")
        if isClient
        else (IOpenSSLServerConnectionCreator, "serverConnectionForTLS")
    )
    creator = adapt(interface, contextFactory, None)
    if creator is not None:
        maker: Callable[[Any], SSL.Connection] = getattr(creator, method)
        return maker
    given = adapt(IOpenSSLContextFactory, contextFactory, None)
    if given is None:
        warnings.warn(
            f"{contextFactory!r} does not explicitly provide any OpenSSL connection-creator "
            f"{'Client' if isClient else 'Server'} interface; neither {interface.__name__}, nor IOpenSSLContextFactory.",
            LegacyContextFactoryWarning,
            stacklevel=stacklevel + 1,
        )
        if not hasattr(contextFactory, "getContext"):
            raise TypeError(f"{contextFactory!r} does not even have a `getContext` method")
        given = contextFactory
    # asked now, so that what cannot be loaded is known where the factory is made
    if not isinstance(given.getContext(), SSL.Context):
        raise TypeError(f"{contextFactory!r}'s `getContext` method doesn't return a `Context`")

    def make(tlsProtocol: Any) -> SSL.Connection:
        context = given.getContext()
        if tlsProtocol.acceptableProtocols and not isClient:
            let_choose(context)
        return SSL.Connection(context, None)

    return make
