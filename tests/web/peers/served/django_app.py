"""A Django project in one file, as an ASGI application and as a WSGI application."""

import asyncio
import hashlib

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not secret",
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
)
django.setup()


def number(request, value):
    return HttpResponse(f"number {value}", content_type="text/plain")


async def slow(request, value):
    await asyncio.sleep(0.002)
    return HttpResponse(f"number {value}", content_type="text/plain")


def pieces(request):
    return (f"piece {n};" * 1000 for n in range(50))


async def pieces_later(request):
    for piece in pieces(request):
        await asyncio.sleep(0)
        yield piece


def stream(request):
    of_asgi = hasattr(request, "scope")
    return StreamingHttpResponse((pieces_later if of_asgi else pieces)(request), content_type="text/plain")


def upload(request):
    file = request.FILES["file"]
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    return HttpResponse(f"{file.name} {file.size} {digest.hexdigest()}", content_type="text/plain")


urlpatterns = [
    path("number/<int:value>", number),
    path("slow/<int:value>", slow),
    path("stream", stream),
    path("upload", upload),
]

asgi = get_asgi_application()
wsgi = get_wsgi_application()
