"""A Flask application."""

import hashlib

from flask import Flask, Response, request

app = Flask(__name__)


def text(body):
    return Response(body, mimetype="text/plain")


@app.get("/number/<int:value>")
def number(value):
    return text(f"number {value}")


app.add_url_rule("/slow/<int:value>", "slow", number)


@app.get("/stream")
def stream():
    return text(f"piece {n};" * 1000 for n in range(50))


@app.post("/upload")
def upload():
    file = request.files["file"]
    data = file.read()
    return text(f"{file.filename} {len(data)} {hashlib.sha256(data).hexdigest()}")
