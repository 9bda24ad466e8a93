"""A client that stays connected: its server hangs up after each answer, and the next question goes over a new connection.

Run it with ``python examples/services/reconnecting.py``; it ends by itself.
"""

from plait import Factory, LineReceiver, clientFromString
from plait.deferred import Deferred
from plait.service import Application, ClientService, StreamServerEndpointService, backoffPolicy
from plait.task import react


class Oracle(LineReceiver):
    def lineReceived(self, line):
        self.sendLine(b"yes" if line.endswith(b"?") else b"ask me")
        self.transport.loseConnection()


class Asking(LineReceiver):
    def connectionMade(self):
        self.lost = Deferred()

    def connectionLost(self, reason):
        self.lost.callback(None)

    def ask(self, question):
        self.answer = Deferred()
        self.sendLine(question)
        return self.answer

    def lineReceived(self, line):
        self.answer.callback(line)


async def main(reactor):
    application = Application("oracle")
    server = StreamServerEndpointService("tcp:0:interface=127.0.0.1", Factory.forProtocol(Oracle))
    server.setServiceParent(application)
    application.startService()

    endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{server.getHost().port}")
    quick = backoffPolicy(initialDelay=0.01, maxDelay=1, jitter=lambda: 0)
    client = ClientService(endpoint, Factory.forProtocol(Asking), retryPolicy=quick)
    client.setServiceParent(application)

    for question in (b"Will it rain?", b"Then", b"Will it stop?"):
        oracle = await client.whenConnected()
        print(question.decode(), "-", (await oracle.ask(question)).decode())
        await oracle.lost
    await application.stopService()


react(main)
