"""uvicorn on httptools and uvloop: `python web_uvicorn.py KIND FOLDER`, one application for all kinds. Prints its port."""

import asyncio
import socket
from typing import Any

import uvicorn
import uvloop

HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"13")]


async def hello(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


listening = socket.create_server(("127.0.0.1", 0), backlog=4096)
config = uvicorn.Config(hello, http="httptools", loop="uvloop", lifespan="off", access_log=False, log_level="error")
print(listening.getsockname()[1], flush=True)
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(uvicorn.Server(config).serve([listening]))
