"""JSON in the bodies of requests and answers (RFC 8259)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from plait.web.error import HTTPError
from plait.web.forms import mediaType

if TYPE_CHECKING:
    from plait.web.request import Request

__all__ = ["JSON", "encodeJSON", "jsonError", "readJSON"]

JSON = b"application/json"

MAX_SIZE = 1024 * 1024


async def readJSON(request: Request, maxSize: int = MAX_SIZE) -> Any:
    """The value in a request's body, which may also be taken as it comes (`plait.web.resource.Resource.streamsBody`).

    :param maxSize: bytes that the body may have.
    :raises HTTPError: 415 if the body is said to be something else, or coded; 413 if it is longer; 400 if it is malformed. What
        ends the connection, if that comes first.
    """
    kind = mediaType(request.getHeader(b"content-type") or b"")
    coding = request.getHeader(b"content-encoding") or b"identity"
    if not (kind == JSON or (kind.startswith(b"application/") and kind.endswith(b"+json"))):
        raise HTTPError(
            415, "the body has to be JSON, with Content-Type: application/json", {"accept": "application/json"}
        )
    if coding.strip().lower() != b"identity":
        raise HTTPError(415, "the body has to come without a Content-Encoding", {"accept-encoding": "identity"})
    # what is said to be too long is not waited for
    length = request.getHeader(b"content-length") or b""
    size = int(length) if length.isdigit() else 0
    pieces = []
    read = 0
    while size <= maxSize and (data := await request.readBody()):
        read += len(data)
        size = max(size, read)
        pieces.append(data)
    if size > maxSize:
        raise HTTPError(413, f"the body is longer than {maxSize} bytes")
    return _decode(b"".join(pieces))


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        why = f"{error.msg} at line {error.lineno} column {error.colno}" if data else "it is empty"
    except RecursionError:
        why = "it is nested too deeply"
    except ValueError as error:  # a number of too many digits
        why = str(error).partition(";")[0]
    raise HTTPError(400, f"the body is not valid JSON: {why}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number there")


def encodeJSON(value: Any) -> bytes:
    """A value as JSON: in UTF-8, and without blanks.

    :raises TypeError: of something that JSON has no form for.
    :raises ValueError: of NaN and infinities, which it has none for either, and of what contains itself.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # half of a surrogate pair, which JSON can have (section 8.2) and UTF-8 cannot
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def jsonError(code: int, message: str) -> tuple[bytes, bytes]:
    """An error told in JSON, for `plait.web.request.Request.errorAs`: ``{"error": message}``."""
    return JSON, encodeJSON({"error": message})
