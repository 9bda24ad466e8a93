"""A client of a message broker, and a tiny broker for it."""

from plait import ClientFactory, Deferred, Factory, Protocol, inlineCallbacks, reactor
from plait.protocol.stomp import StompClient, StompDecoder, StompError, StompFrame, encodeFrame


class Broker(Protocol):
    """Sends each message back to the connection that it is from."""

    def connectionMade(self):
        self.decoder = StompDecoder()
        self.subscriptions = {}
        self.sent = 0

    def answer(self, command, headers, body=b""):
        self.transport.write(encodeFrame(StompFrame(command, headers, body)))

    def dataReceived(self, data):
        self.decoder.feed(data)
        while (frame := self.decoder.nextFrame()) is not None:
            self.take(frame)

    def take(self, frame):
        destination = frame.headers.get("destination")
        if frame.command == "CONNECT":
            self.answer("CONNECTED", {"version": "1.2"})
        elif frame.command == "SUBSCRIBE":
            self.subscriptions[destination] = frame.headers["id"]
        elif frame.command == "SEND" and destination not in self.subscriptions:
            self.answer("ERROR", {"message": "no such destination"})
            self.transport.loseConnection()
        elif frame.command == "SEND":
            self.sent += 1
            number = str(self.sent)
            headers = {"subscription": self.subscriptions[destination], "message-id": number, "ack": number}
            self.answer("MESSAGE", {**headers, "destination": destination}, frame.body)
        if "receipt" in frame.headers:
            self.answer("RECEIPT", {"receipt-id": frame.headers["receipt"]})


@inlineCallbacks
def talk(client):
    yield client.whenConnected()
    got = Deferred()

    async def received(message):
        await client.ack(message, receipt=True)
        got.callback(message.body.decode())

    yield client.subscribe("/queue/a", received, ack="client-individual")
    yield client.send("/queue/a", "hello")
    print((yield got))

    numbers = []
    yield client.subscribe("/queue/b", lambda message: numbers.append(int(message.body)))
    yield client.send("/queue/b", "2")
    yield client.send("/queue/b", "1", receipt=True)
    print(numbers)
    try:
        yield client.send("/nowhere", "?", receipt=True)
    except StompError as error:
        print("the broker says:", error)
    reactor.stop()


class Client(StompClient):
    def connectionMade(self):
        super().connectionMade()
        talk(self)


port = reactor.listenTCP(0, Factory.forProtocol(Broker), interface="127.0.0.1")
factory = ClientFactory.forProtocol(lambda: Client(login="guest", passcode="guest"))
reactor.connectTCP("127.0.0.1", port.getHost().port, factory)
reactor.run()
