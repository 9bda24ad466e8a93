"""How much memory a large download takes: its peak must not depend on the size of the page.

    python benchmarks/download_memory.py [--size MEGABYTES] [--file PATH] [--chunked]

A server in a process of its own sends 2 GB (or what `--size` says) over loopback; this process downloads it, to nowhere
unless `--file` says where. Printed are the peak of the resident set before and after, the time and the rate. The exit status
is 1 if the download took more than 16 MB.
"""

from __future__ import annotations

import argparse
import os
import resource
import socket
import subprocess
import sys
import time

PIECE = 1 << 20


def serve(pieces: int, chunked: bool) -> None:
    """Send `pieces` megabytes to the first who asks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        conn = listener.accept()[0]
        with conn:
            conn.recv(65536)
            header = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (pieces * PIECE)
            conn.sendall(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n" % header)
            data = b"x" * PIECE
            wire = b"%x\r\n%b\r\n" % (PIECE, data) if chunked else data
            for _ in range(pieces):
                conn.sendall(wire)
            conn.sendall(b"0\r\n\r\n" if chunked else b"")


def peak() -> float:
    """The most megabytes that this process has had in memory so far."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def download(port: int, file: str) -> None:
    """Download the page, and raise what went wrong."""
    from plait import reactor
    from plait.failure import Failure
    from plait.web.client import downloadPage

    results: list[Failure | None] = []
    page = downloadPage(f"http://127.0.0.1:{port}/", file)
    page.addBoth(results.append).addBoth(lambda _: reactor.stop())
    reactor.run()
    if isinstance(results[0], Failure):
        results[0].raiseException()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", type=int, default=2048, help="megabytes; 2048 if not given")
    parser.add_argument("--file", default=os.devnull, help="where to write the page; nowhere if not given")
    parser.add_argument("--chunked", action="store_true", help="send it in chunks, without its length")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.size, options.chunked)
        return 0
    import plait.web.client  # noqa: F401 - what the modules take is not the download's

    command = [sys.executable, __file__, "--serve", "--size", str(options.size)]
    command += ["--chunked"] if options.chunked else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        before, began = peak(), time.perf_counter()
        download(port, options.file)
        seconds, after = time.perf_counter() - began, peak()
    print(f"{options.size} MB in {seconds:.1f} s, {options.size / seconds:.0f} MB/s")
    print(f"peak of memory: {before:.1f} MB before, {after:.1f} MB after; the download took {after - before:.1f} MB")
    return 0 if after - before < 16 else 1


if __name__ == "__main__":
    sys.exit(main())
