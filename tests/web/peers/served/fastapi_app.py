"""A FastAPI application with a lifespan, which gives each answer something that was made when it began."""

import asyncio
import contextlib
import hashlib

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse


@contextlib.asynccontextmanager
async def lifespan(app):
    print("lifespan begins", flush=True)
    yield {"word": "number"}
    print("lifespan ends", flush=True)


app = FastAPI(lifespan=lifespan)


@app.get("/number/{value}")
def number(value: int, request: Request):
    return PlainTextResponse(f"{request.state.word} {value}")


@app.get("/slow/{value}")
async def slow(value: int, request: Request):
    await asyncio.sleep(0.002)
    return PlainTextResponse(f"{request.state.word} {value}")


@app.get("/stream")
async def stream():
    async def pieces():
        for n in range(50):
            await asyncio.sleep(0)
            yield f"piece {n};" * 1000

    return StreamingResponse(pieces(), media_type="text/plain")


@app.post("/upload")
async def upload(request: Request, name: str):
    size, digest = 0, hashlib.sha256()
    async for piece in request.stream():
        size += len(piece)
        digest.update(piece)
    return PlainTextResponse(f"{name} {size} {digest.hexdigest()}")
