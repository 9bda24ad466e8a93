"""Two sockets listen on one port, as two processes may: the system shares the connections out."""

from plait import ServerFactory, reactor
from plait.errors import CannotListenError
from plait.transport import makeBinding

first = reactor.listenTCP(makeBinding("127.0.0.1", 0, reusePort=True), ServerFactory())
number = first.getHost().port
second = reactor.listenTCP(makeBinding("127.0.0.1", number, reusePort=True), ServerFactory())
print("both listen there:", first.getHost() == second.getHost())
try:
    reactor.listenTCP(number, ServerFactory(), interface="127.0.0.1")
except CannotListenError:
    print("one that does not say so cannot")
