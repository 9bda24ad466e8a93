"""The applications, each of which writes down what it has begun to answer, in the file ``begun`` of the current folder."""

import os
from importlib import import_module

_file = os.open("begun", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def note(path):
    if path.startswith("/slow/"):
        os.write(_file, path.encode() + b"\n")


def asgi(application):
    async def noting(scope, receive, send):
        if scope["type"] == "http":
            note(scope["path"])
        await application(scope, receive, send)

    return noting


def wsgi(application):
    def noting(environ, start_response):
        note(environ["PATH_INFO"])
        return application(environ, start_response)

    return noting


def __getattr__(name):
    """The application of that name; only that one is imported."""
    kind, module, attribute = {
        "django": (asgi, "django_app", "asgi"),
        "django_wsgi": (wsgi, "django_app", "wsgi"),
        "fastapi": (asgi, "fastapi_app", "app"),
        "flask": (wsgi, "flask_app", "app"),
    }.get(name, (None, "", ""))
    if kind is None:
        raise AttributeError(name)
    globals()[name] = kind(getattr(import_module(module), attribute))
    return globals()[name]
