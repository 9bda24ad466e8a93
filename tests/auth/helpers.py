"""What the tests of logins share."""

from __future__ import annotations

from plait.auth import UnauthorizedLogin, UsernamePassword
from plait.interfaces import Interface, implementer


class IMailbox(Interface):
    """What the realm of the tests gives."""


@implementer(IMailbox)
class Mailbox:
    def __init__(self, owner):
        self.owner = owner


class Realm:
    """A realm that writes down who has left."""

    def __init__(self):
        self.gone = []

    def requestAvatar(self, avatarId, mind, *interfaces):
        if IMailbox not in interfaces:
            raise NotImplementedError("there are mailboxes only")
        return IMailbox, Mailbox(avatarId), lambda: self.gone.append(avatarId)


def outcome(d):
    """What a Deferred has: its result, or the exception that it failed with. It must have fired."""
    got = []
    d.addBoth(got.append)
    assert got, "it waits"
    return getattr(got[0], "value", got[0])


def login(user, password="secret"):
    return UsernamePassword(user, password)


def refused(error):
    """Whether this is the answer to wrong credentials, which tells nothing."""
    return type(error) is UnauthorizedLogin and str(error) == ""
