"""A server for tests that sends exactly the bytes it is told to, over real sockets, in threads of its own."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from types import TracebackType

from plait.engine import deferToThread

Answer = bytes | Callable[[socket.socket], None]


class RawServer:
    """Gives its `answers` in turn, one for each connection, the last one for all that come after.

    An answer is bytes, sent when the request has come (to the end of its body), after which the connection is closed; or a
    function that is called with the socket instead, which is closed when it returns.

    :param waits: whether to wait for a request before the answer.
    :ivar requests: the requests so far, each as it came.
    """

    def __init__(self, *answers: Answer, context: ssl.SSLContext | None = None, waits: bool = True) -> None:
        self.answers = list(answers)
        self.context = context
        self.waits = waits
        self.requests: list[bytes] = []
        self.errors: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{'https' if self.context else 'http'}://{host}:{self.port}{path}"

    async def __aenter__(self) -> RawServer:
        self._acceptor.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # In a thread: the client, in this one, needs its turn to close what it has not closed yet.
        left_open = await deferToThread(self._join)
        if kind is None:
            assert self.errors == []
            assert not left_open, "a connection was left open"

    def _join(self) -> bool:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
        return any(thread.is_alive() for thread in self._threads)

    def _accept(self) -> None:
        count = 0
        while True:
            try:
                conn = self._listener.accept()[0]
            except OSError:
                return
            answer = self.answers[min(count, len(self.answers) - 1)]
            count += 1
            thread = threading.Thread(target=self._serve, args=(conn, answer), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, conn: socket.socket, answer: Answer) -> None:
        try:
            conn.settimeout(10)
            with conn if self.context is None else self.context.wrap_socket(conn, server_side=True) as conn:
                if self.waits:
                    self.requests.append(_read_request(conn))
                if isinstance(answer, bytes):
                    conn.sendall(answer)
                    if isinstance(conn, ssl.SSLSocket):
                        conn.unwrap()
                    else:
                        conn.shutdown(socket.SHUT_WR)
                        wait_for_close(conn)
                else:
                    answer(conn)
        except (OSError, ssl.SSLError):
            pass  # the client may go away at any time
        except BaseException as error:
            self.errors.append(error)


def _read_request(conn: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(conn)
    head = data.partition(b"\r\n\r\n")[0]
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    while len(data) < len(head) + 4 + length:
        data += _more(conn)
    return data


def _more(conn: socket.socket) -> bytes:
    data = conn.recv(65536)
    if not data:
        raise ConnectionError("the client closed the connection within its request")
    return data


def wait_for_close(conn: socket.socket) -> None:
    """Return when the client has closed the connection."""
    while conn.recv(65536):
        pass


def reset(conn: socket.socket) -> None:
    """Close the connection with an RST, as a crashed host or a firewall does."""
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


def response(body: bytes = b"", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with its length, and `headers` as whole lines."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers, b"", b""]
    return b"\r\n".join(lines) + body


def redirection(location: str, status: bytes = b"302 Found", *headers: bytes) -> bytes:
    return response(b"moved", b"Location: " + location.encode(), *headers, status=status)
