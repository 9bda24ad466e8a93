"""What a connection tells of itself."""

import os
import socket

from plait.errors import ConnectionDone
from tests.transport.helpers import Server, connection, raw_connection, read_to_end


async def test_its_name_is_that_of_its_protocol_with_a_number_for_each_that_came():
    async with Server() as server:
        number = server.address.port
        client, first, _ = await connection(server)
        _, second, _ = await connection(server)
        assert repr(first.transport) == f"<Noting #0 on {number}>"
        assert repr(second.transport) == f"<Noting #1 on {number}>"
        assert repr(client.transport) == f"<Noting to 127.0.0.1:{number}>"
        assert first.transport.logstr == "Noting,0,127.0.0.1"
        assert client.transport.logstr == "Noting,client"
        for one in (client, second):
            one.transport.loseConnection()
        await first.lost
        await second.lost
        # also when there is no socket any more
        assert repr(first.transport).startswith("<Noting #0 on ") and repr(first.transport).endswith(", disconnected>")


async def test_how_much_may_wait_before_a_producer_is_paused_can_be_set():
    told = []

    class Producer:
        def pauseProducing(self):
            told.append("pause")

        def resumeProducing(self):
            told.append("resume")

        def stopProducing(self):
            told.append("stop")

    async with Server() as server:
        client, there, _ = await connection(server)
        there.transport.pauseProducing()
        assert client.transport.bufferSize == 64 * 1024
        client.transport.bufferSize = 1 << 30
        client.transport.registerProducer(Producer(), True)
        client.transport.write(b"x" * (32 << 20))  # more than the system takes
        assert told == []
        client.transport.bufferSize = 1000
        client.transport.write(b"x" * (1 << 20))
        assert told == ["pause"]
        client.transport.abortConnection()
        await client.lost
        there.transport.resumeProducing()
        await there.lost


async def test_closing_the_handle_leaves_the_connection_to_who_has_a_copy():
    async with Server() as server:
        sock = raw_connection(server)
        there = await server.accepted()
        copy = socket.socket(fileno=os.dup(there.transport.fileno()))
        there.transport.socket.close()
        assert isinstance(await there.lost, ConnectionDone)
        with copy:
            copy.sendall(b"from the copy")
        assert await read_to_end(sock) == b"from the copy"
        sock.close()


async def test_tls_is_off_until_it_begins():
    async with Server() as server:
        client, there, _ = await connection(server)
        assert client.transport.TLS is False
        client.transport.loseConnection()
        await there.lost
