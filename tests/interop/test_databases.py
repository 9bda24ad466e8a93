"""asyncio's clients of real databases, in a program that Plait runs."""

from __future__ import annotations

import asyncio

import pytest

from plait import DeferredList, ensureDeferred
from plait.current import getReactor
from plait.task import deferLater


def test_redis(plait, redis_port):
    redis = pytest.importorskip("redis.asyncio")

    async def main():
        client = redis.Redis(host="127.0.0.1", port=redis_port, db=0, decode_responses=True)
        async with client:
            await client.flushdb()
            await client.set("key", "value")
            assert await client.get("key") == "value"
            # many at once, each in a coroutine of its own that Plait drives
            await DeferredList([ensureDeferred(client.incr("count")) for _ in range(20)], fireOnOneErrback=True)
            assert await client.get("count") == "20"
            async with client.pipeline(transaction=True) as pipe:
                assert await pipe.set("a", 1).get("a").execute() == [True, "1"]
            assert [key async for key in client.scan_iter("a*")] == ["a"]

            async with client.pubsub() as channel:
                await channel.subscribe("news")
                getReactor().callLater(0, lambda: ensureDeferred(client.publish("news", "hello")))
                async for message in channel.listen():
                    if message["type"] == "message":
                        assert message["data"] == "hello"
                        break

            # a blocking wait that is given up leaves the client usable
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await client.blpop("nothing")
            assert await client.ping()

            async with client.lock("lock", timeout=5):
                assert await client.exists("lock")
            assert not await client.exists("lock")

    plait(main)


def test_asyncpg(plait, postgres_port):
    asyncpg = pytest.importorskip("asyncpg")

    async def main():
        where = {"host": "127.0.0.1", "port": postgres_port, "user": "postgres", "database": "postgres", "ssl": False}
        async with asyncpg.create_pool(min_size=1, max_size=3, **where) as pool:
            async with pool.acquire() as connection, connection.transaction():
                await connection.execute("CREATE TEMPORARY TABLE t (n int, word text)")
                await connection.executemany("INSERT INTO t VALUES ($1, $2)", [(n, f"w{n}") for n in range(100)])
                assert await connection.fetchval("SELECT sum(n) FROM t") == 4950
                assert [row["word"] async for row in connection.cursor("SELECT word FROM t ORDER BY n LIMIT 2")] == [
                    "w0",
                    "w1",
                ]

            async def double(n):
                return await pool.fetchval("SELECT 2 * $1::int", n)

            # more at once than the pool has connections, in Plait's coroutines and in asyncio's Tasks
            answers = await DeferredList([ensureDeferred(double(n)) for n in range(10)])
            assert answers == [(True, 2 * n) for n in range(10)]
            assert await asyncio.gather(*(double(n) for n in range(10))) == [2 * n for n in range(10)]

            async with pool.acquire() as connection:
                heard = asyncio.get_running_loop().create_future()
                await connection.add_listener("news", lambda *args: heard.set_result(args[-1]))
                await pool.execute("NOTIFY news, 'hello'")
                assert await heard == "hello"
                await connection.reset()

                # the query is cancelled on the server, and the connection goes on
                with pytest.raises(TimeoutError):
                    await connection.fetchval("SELECT pg_sleep(60)", timeout=0.05)
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await connection.fetchval("SELECT pg_sleep(60)")
                assert await connection.fetchval("SELECT 1") == 1

    plait(main)


def test_cancelling_the_deferred_of_a_query_lets_its_connection_go(plait, postgres_port):
    asyncpg = pytest.importorskip("asyncpg")

    async def main():
        where = {"host": "127.0.0.1", "port": postgres_port, "user": "postgres", "database": "postgres", "ssl": False}
        async with asyncpg.create_pool(min_size=1, max_size=1, **where) as pool:
            query = ensureDeferred(pool.fetchval("SELECT pg_sleep(60)"))
            query.addErrback(lambda failure: failure.type.__name__)
            while pool.get_idle_size():
                await asyncio.sleep(0)
            await deferLater(getReactor(), 0.02)
            query.cancel()
            # there is one connection only, so this has to wait until the query has ended
            assert await pool.fetchval("SELECT 1") == 1
            assert query.result == "CancelledError"

    plait(main)


def test_psycopg(plait, postgres_port):
    psycopg = pytest.importorskip("psycopg")

    async def main():
        where = f"host=127.0.0.1 port={postgres_port} user=postgres dbname=postgres"
        async with await psycopg.AsyncConnection.connect(where) as connection:
            async with connection.cursor() as cursor:
                await cursor.execute("CREATE TEMPORARY TABLE t (n int)")
                async with cursor.copy("COPY t FROM STDIN") as copy:
                    for n in range(1000):
                        await copy.write_row((n,))
                await cursor.execute("SELECT n FROM t ORDER BY n LIMIT 3")
                assert [n async for (n,) in cursor] == [0, 1, 2]
            with pytest.raises(psycopg.errors.DivisionByZero):
                async with connection.transaction():
                    await connection.execute("SELECT 1 / 0")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05), connection.transaction():
                    await connection.execute("SELECT pg_sleep(60)")
            cursor = await connection.execute("SELECT 'still here'")
            assert await cursor.fetchone() == ("still here",)

    plait(main)
