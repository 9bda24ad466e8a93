"""A supervised program: a job that fails twice is started again, and the server beside it serves on.

Run it with ``python examples/services/supervised.py``; it ends by itself.
"""

from plait import reactor
from plait.protocol import Factory, Protocol
from plait.service import Application, Supervisor, TCPServer, backoff
from plait.task import deferLater

attempts = []


class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


async def collect():
    attempts.append(len(attempts) + 1)
    print(f"collecting, attempt {attempts[-1]}")
    await deferLater(reactor, 0.01)
    if len(attempts) < 3:
        raise ConnectionError("the sensor does not answer")
    print(f"collected; the server listens all the while: {bool(server.running)}")
    reactor.stop()


application = Application("collector")

supervisor = Supervisor(maxRestarts=5, period=60, backoffPolicy=backoff(initial=0.05, maximum=10))
supervisor.setServiceParent(application)

server = supervisor.addChild(TCPServer(0, Factory.forProtocol(Echo)), name="echo")
supervisor.addChild(collect, name="collector", restart="transient")

if __name__ == "__main__":
    application.startService()
    reactor.addSystemEventTrigger("before", "shutdown", application.stopService)
    reactor.run()
    for child in supervisor.children:
        print(f"{child.service.name}: {child.restarts} restarts")
