"""A client that shows what it knows of its server: `python client.py PORT NAME TRUSTED.pem`, twice to the same one."""

import asyncio
import ssl
import sys

from plait import reactor
from plait.endpoints import HostnameEndpoint, connect, wrapClientTLS
from plait.transport.tls import verifiedClientContextFactory

port, name, trusted = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.create_default_context(cafile=trusted)
context.set_alpn_protocols(["shout"])


async def main():
    way = HostnameEndpoint(reactor, "127.0.0.1", port)
    endpoint = wrapClientTLS(verifiedClientContextFactory(name, context), way)
    for _ in range(2):
        async with connect(endpoint) as stream:
            transport = stream.transport
            print("the certificate is for", transport.getPeerCertificate()["subjectAltName"][0][1])
            print(
                "we speak",
                transport.negotiatedProtocol,
                "and resume" if transport.sessionReused else "for the first time",
            )
            await stream.write(b"three strands")
            stream.loseWriteConnection()
            print(await stream.readAll())


asyncio.run(main())
