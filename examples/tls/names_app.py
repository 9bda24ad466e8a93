"""A server of several names, for `plait run -y names_app.py`: a certificate for each, from the folder ``certificates``.

Put a new certificate into the folder and send SIGHUP: connections that are there go on, and new ones are shown the new one.
"""

from plait import Factory, Protocol
from plait.service import Application, SSLServer
from plait.transport.tls import ServerContexts


class Shout(Protocol):
    def dataReceived(self, data):
        self.transport.write(data.upper())


application = Application("shouting")
contexts = ServerContexts("certificates", lambda context: context.set_alpn_protocols(["shout"]))
SSLServer(4433, Factory.forProtocol(Shout), contexts, interface="127.0.0.1").setServiceParent(application)
