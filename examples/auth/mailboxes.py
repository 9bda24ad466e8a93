"""A server that its users log in to: the passwords are in a file of hashes, and whoever guesses has to wait.

Run it with ``python examples/auth/mailboxes.py``; it asks itself some questions and ends.
"""

import tempfile
from pathlib import Path

from plait import Deferred, Factory, LineReceiver, clientFromString, serverFromString
from plait.auth import FailureLimit, LoginFailed, Portal, UsernamePassword, checkerFromString
from plait.auth.files import setHash
from plait.auth.passwords import hashPassword
from plait.interfaces import Interface, implementer
from plait.task import react


class IMailbox(Interface):
    def read(self) -> str:
        """The newest message."""


@implementer(IMailbox)
class Mailbox:
    def __init__(self, owner):
        self.owner = owner

    def read(self):
        return f"good morning, {self.owner}"


class Mailboxes:
    """The realm: it knows mailboxes, and nothing of passwords."""

    def __init__(self):
        self.gone = []

    def requestAvatar(self, avatarId, mind, *interfaces):
        if IMailbox not in interfaces:
            raise NotImplementedError("there are only mailboxes here")
        return IMailbox, Mailbox(avatarId), lambda: self.gone.append(avatarId)


class MailServer(LineReceiver):
    """``USER PASSWORD`` on a line, and then the mail."""

    logout = None

    async def lineReceived(self, line):  # the next line waits until this one has been answered
        user, _, password = line.partition(b" ")
        credentials = UsernamePassword(user, password)
        try:
            _, mailbox, self.logout = await self.factory.limit.login(
                self.factory.portal, self.transport.getPeer(), credentials, self, IMailbox
            )
        except LoginFailed:
            self.sendLine(b"no")  # and nothing more: neither who exists, nor what was wrong
        else:
            self.sendLine(mailbox.read().encode())
            self.transport.loseConnection()

    def connectionLost(self, reason):
        if self.logout is not None:
            self.logout()


class Asking(LineReceiver):
    def connectionMade(self):
        self.lost = Deferred()

    def ask(self, line):
        self.answer = Deferred()
        self.sendLine(line)
        return self.answer

    def lineReceived(self, line):
        self.answer.callback(line.decode())

    def connectionLost(self, reason):
        self.lost.callback(None)


async def main(reactor):
    with tempfile.TemporaryDirectory() as folder:
        users = Path(folder) / "users"
        setHash(users, "bob", hashPassword("secret"))  # what `plait passwd users bob` does

        factory = Factory.forProtocol(MailServer)
        factory.portal = Portal(Mailboxes(), [checkerFromString(f"file:{users}")])
        factory.limit = FailureLimit(attempts=2, period=60)
        port = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(factory)

        client = clientFromString(reactor, f"tcp:127.0.0.1:{port.getHost().port}")
        asking = await client.connect(Factory.forProtocol(Asking))
        for line in b"bob guess", b"bob secret":
            print(line.decode(), "->", await asking.ask(line))
        await asking.lost

        asking = await client.connect(Factory.forProtocol(Asking))
        for line in b"eve guess", b"bob secret":
            print(line.decode(), "->", await asking.ask(line))
        asking.transport.loseConnection()
        await asking.lost
        print("logged out:", *factory.portal.realm.gone)
        await port.stopListening()


react(main)
