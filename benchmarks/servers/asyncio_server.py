"""A bare asyncio protocol, on asyncio's loop or on uvloop: `python asyncio_server.py KIND [uvloop] [KEY CERTIFICATE]`.

KIND is echo, lines, int32, udp or tls; the last one needs the PEM files.

Prints the port that it listens on. What a framework costs is what it needs beyond this, on the same loop.
"""

import asyncio
import ssl
import sys
from typing import cast


class Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transports have the methods, but not the class.
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Lines(Echo):
    """Without limits and options, but line by line: each line goes out for itself."""

    rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\r\n")
        for line in lines:
            self.transport.write(line + b"\r\n")


class Strings(Echo):
    """The same for strings with 4 bytes of length in front."""

    rest = b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        offset = 0
        while len(data) - offset >= 4:
            end = offset + 4 + int.from_bytes(data[offset : offset + 4])
            if end > len(data):
                break
            string = data[offset + 4 : end]
            self.transport.write(len(string).to_bytes(4) + string)
            offset = end
        self.rest = data[offset:]


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)


async def serve_datagrams() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    print(transport.get_extra_info("sockname")[1], flush=True)
    await loop.create_future()


async def serve() -> None:
    protocol = {"echo": Echo, "lines": Lines, "int32": Strings, "tls": Echo}[sys.argv[1]]
    context = None
    if sys.argv[1] == "tls":
        key, certificate = sys.argv[-2:]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, backlog=4096, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


main = serve_datagrams if sys.argv[1] == "udp" else serve
if "uvloop" in sys.argv[2:]:
    import uvloop

    uvloop.run(main())
else:
    asyncio.run(main())
