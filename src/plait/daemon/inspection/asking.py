"""The other end of a daemon's socket: asks for a snapshot, and joins the daemon's and its workers' to one."""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from typing import Any

from plait.daemon.errors import reason
from plait.daemon.inspection.snapshot import CONNECTION

# Seconds that a daemon may take for the next line of its answer.
PATIENCE = 10.0

# Added up over the workers.
_SUMS = ("accepted", "accepts", "bytesReceived", "bytesSent", "processes", "cpu")
_PORT_SUMS = ("accepts", "open", "bytesReceived", "bytesSent")


class AskError(Exception):
    """There is no answer. The message says why and what to do."""


class Source:
    """The socket of one process, from the first question on.

    :raises AskError: if nobody answers there, or not us.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._socket: socket.socket | None = None
        self._bytes = b""

    def ask(self) -> dict[str, Any]:
        """A snapshot: what the first line says, with ``connections``, a list of dicts."""
        try:
            if self._socket is None:
                self._connect()
            assert self._socket is not None
            self._socket.sendall(b'{"want": "snapshot"}\n')
            facts = self._object()
            facts["connections"] = connections = []
            while not (more := self._object()).get("end"):
                connections += [dict(zip(CONNECTION, row, strict=True)) for row in more["connections"]]
        except AskError:
            self.close()
            raise
        except TimeoutError:
            self.close()
            raise AskError(
                f"no answer within {PATIENCE:g} s: the program's event loop is busy, or stopped (see py-spy dump)"
            ) from None
        except OSError as error:
            self.close()
            raise AskError(_why(self.path, error)) from None
        except (ValueError, KeyError, TypeError) as error:
            self.close()
            raise AskError(
                f"{self.path} gives an answer that makes no sense ({error}): is it another version?"
            ) from None
        return facts

    def close(self) -> None:
        """Hang up. The next question connects anew."""
        self._bytes = b""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(PATIENCE)
        try:
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        self._socket = sock

    def _object(self) -> dict[str, Any]:
        assert self._socket is not None
        while b"\n" not in self._bytes:
            part = self._socket.recv(1 << 18)
            if not part:
                raise ConnectionResetError
            self._bytes += part
        line, _, self._bytes = self._bytes.partition(b"\n")
        value = json.loads(line)
        if not isinstance(value, dict):
            raise ValueError("no object")
        if "error" in value:
            raise AskError(str(value["error"]))
        return value


class Asker:
    """Asks a daemon and its workers, again and again. `path` is the daemon's socket."""

    def __init__(self, path: str) -> None:
        self._daemon = Source(path)
        self._workers: dict[str, Source] = {}

    def ask(self) -> dict[str, Any]:
        """One snapshot of all its processes. AskError if the daemon does not answer.

        Each process has its ``memory`` in it (bytes, None where the system does not say). A worker that does not answer has
        the reason in ``error``.
        """
        facts = self._daemon.ask()
        facts["memory"] = _memory(facts["pid"])
        facts["time"] = time.time()
        paths = {worker["inspect"] for worker in facts["workers"] if worker.get("inspect")}
        for gone in set(self._workers) - paths:
            self._workers.pop(gone).close()
        parts = []
        for worker in facts["workers"]:
            if path := worker.get("inspect"):
                source = self._workers.setdefault(path, Source(path))
                try:
                    part = source.ask()
                except AskError as error:
                    worker["error"] = str(error)
                    continue
                part["memory"] = worker["memory"] = _memory(part["pid"])
                worker |= {name: part[name] for name in ("lag", "cpu", "bytesReceived", "bytesSent", "accepts")}
                parts.append(part)
        return facts if not parts else joined(facts, parts)

    def close(self) -> None:
        """Hang up."""
        for source in (self._daemon, *self._workers.values()):
            source.close()


def joined(parent: dict[str, Any], workers: list[dict[str, Any]]) -> dict[str, Any]:
    """One snapshot for a parent and its workers: numbers are added up, and what all workers have stands there once.

    Connections and tasks have the process id of their ``worker``.
    """
    everyone = [parent, *workers]
    whole = dict(parent)
    for name in _SUMS:
        whole[name] = sum(part[name] for part in everyone)
    whole["lag"] = max(part["lag"] for part in everyone)
    memory = [part["memory"] for part in everyone]
    whole["memory"] = None if None in memory else sum(memory)
    whole["threads"] = {name: sum(part["threads"][name] for part in everyone) for name in parent["threads"]}
    whole["connections"] = [{**one, "worker": part["pid"]} for part in workers for one in part["connections"]]
    whole["services"] = _services(workers)
    whole["ports"] = _ports(workers)
    due: dict[str, float] = {}
    calls: Counter[str] = Counter()
    for timer in (timer for part in workers for timer in part["timers"]["functions"]):
        calls[timer["function"]] += timer["count"]
        due[timer["function"]] = min(timer["due"], due.get(timer["function"], timer["due"]))
    whole["timers"] = {
        "count": sum(part["timers"]["count"] for part in workers),
        "functions": [
            {"function": name, "count": calls[name], "due": due[name]} for name in sorted(due, key=due.__getitem__)
        ],
    }
    whole["tasks"] = {
        "count": sum(part["tasks"]["count"] for part in workers),
        "listed": [{**task, "worker": part["pid"]} for part in workers for task in part["tasks"]["listed"]],
    }
    waiting = [part["deferreds"] for part in workers if part["deferreds"] is not None]
    made: Counter[str] = Counter()
    for one in (one for some in waiting for one in some):
        made[one["made"]] += one["count"]
    whole["deferreds"] = [{"made": place, "count": n} for place, n in made.most_common()] if waiting else None
    return whole


def _services(workers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The services of the application, each once: all states that it has, and the sum of its restarts."""
    services: dict[str, dict[str, Any]] = {}
    for one in (one for part in workers for one in part["services"]):
        known = services.get(one["path"])
        if known is None:
            services[one["path"]] = dict(one)
            continue
        known["restarts"] += one["restarts"]
        if one["state"] not in known["state"].split(", "):
            known["state"] += f", {one['state']}"
    return list(services.values())


def _ports(workers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ports that workers share, each once."""
    ports: dict[tuple[str, str], dict[str, Any]] = {}
    for port in (port for part in workers for port in part["ports"]):
        known = ports.get((port["kind"], port["address"]))
        if known is None:
            ports[port["kind"], port["address"]] = dict(port)
        else:
            for name in _PORT_SUMS:
                known[name] += port[name]
    return list(ports.values())


def _memory(pid: int) -> int | None:
    """The resident memory of a process, in bytes."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _why(path: str, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"{path} belongs to another user: ask as that user, or as root"
    if isinstance(error, (BrokenPipeError, ConnectionResetError)):
        return f"{path} has hung up: the daemon ends, does not know you as its owner, or has too many who ask"
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        return f"nobody answers at {path}: the daemon is gone, or has been upgraded a moment ago"
    return f"cannot ask at {path}: {reason(error)}"
