"""A proxy on loopback between boto3 and an S3 server, which fails as networks and servers do."""

import http.client
import random
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_HOP_BY_HOP = ("connection", "expect", "keep-alive", "transfer-encoding")
_HANGS_SECONDS = 20.0
_ERRORS = {"500": (500, "InternalError"), "503": (503, "SlowDown"), "403": (403, "AccessDenied")}


class Fault(StrEnum):
    """What can happen to a request.

    The first five may pass and say so or break the connection; ``DENIED`` stays.
    """

    ERROR_500 = "500"
    SLOW_DOWN = "503"
    RESET_BEFORE = "reset-before"
    RESET_AFTER = "reset-after"
    HANG = "hang"
    REPLY_CUT = "reply-cut"
    UPLOAD_CUT = "upload-cut"
    DENIED = "403"


PASSING = tuple(fault for fault in Fault if fault is not Fault.DENIED)


@dataclass(frozen=True, slots=True)
class Request:
    """What arrives at the proxy.

    Attributes:
        operation: The name that S3 has for it, such as ``PutObject``.
        key: The key in the bucket; the prefix for a listing, empty for the bucket itself.
        attempt: How often this operation on this key has come so far, from 1.
    """

    operation: str
    key: str
    attempt: int


Script = Callable[[Request], Fault | None]
"""Decides what happens to a request; None lets it through."""


@dataclass(slots=True)
class FaultProxy:
    """A running proxy.

    Attributes:
        endpoint_url: Its address.
        script: What happens from now on.
        forwarded: Requests that the server carried out, by operation and key.
        faults: What was done to requests, by fault and operation.
    """

    endpoint_url: str
    script: Script = lambda _: None
    forwarded: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[tuple[Fault, str]] = field(default_factory=Counter)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def calm(self) -> None:
        """Let everything through, and count from zero."""
        with self._lock:
            self.script = lambda _: None
            self.forwarded.clear()
            self.faults.clear()
            self._seen.clear()

    def stored(self, operation: str = "PutObject") -> list[str]:
        """Keys of an operation that the server carried out, as often as it did."""
        return sorted(key for name, key in self.forwarded.elements() if name == operation)

    @property
    def total(self) -> int:
        """All requests so far, those that a fault kept from the server, too."""
        return self._seen.total()

    def fault_of(self, operation: str, key: str) -> Fault | None:
        """What happens to the next request of this kind."""
        with self._lock:
            self._seen[operation, key] += 1
            request = Request(operation, key, self._seen[operation, key])
            fault = self.script(request)
            if fault is not None:
                self.faults[fault, operation] += 1
            return fault

    def note_forwarded(self, operation: str, key: str) -> None:
        """Count a request that the server has carried out."""
        with self._lock:
            self.forwarded[operation, key] += 1


def each_first(fault: Fault) -> Script:
    """Hit the first request of each operation on each key; its retry goes through.

    A request that hangs costs the client's patience, so that only one of each stage does.
    """
    hung: set[tuple[str, str]] = set()

    def script(request: Request) -> Fault | None:
        kind = (request.operation, "/".join(request.key.split("/")[:2]))
        if request.attempt > 1 or (fault is Fault.HANG and kind in hung):
            return None
        hung.add(kind)
        return fault

    return script


def always(fault: Fault, operation: str, key: str = "") -> Script:
    """Hit every request of an operation whose key matches the pattern ``key`` somewhere."""

    def script(request: Request) -> Fault | None:
        hit = request.operation == operation and re.search(key, request.key)
        return fault if hit else None

    return script


def at_random(seed: int, share: float = 0.2) -> Script:
    """Hit a share of all requests with any passing fault; threads do not change which."""

    def script(request: Request) -> Fault | None:
        name = f"{seed}/{request.operation}/{request.key}/{request.attempt}"
        dice = random.Random(name)
        return dice.choice(PASSING) if dice.random() < share else None

    return script


@contextmanager
def proxying(upstream_url: str) -> Iterator[FaultProxy]:
    """Run a proxy in front of a server."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = urlsplit(upstream_url).netloc
    server.proxy = FaultProxy(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.proxy
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def operation_of(method: str, path: str) -> tuple[str, str]:
    """The S3 operation and the key that a request is for."""
    address = urlsplit(path)
    query = parse_qs(address.query, keep_blank_values=True)
    _, _, key = address.path.lstrip("/").partition("/")
    if method == "POST":
        return ("CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload"), key
    if "uploadId" in query:
        return ("UploadPart" if method == "PUT" else "AbortMultipartUpload"), key
    if method == "GET" and not key:
        return "ListObjectsV2", query.get("prefix", [""])[0]
    names = {"GET": "GetObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
    return names.get(method, "HeadObject" if key else "HeadBucket"), key


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    upstream: str
    proxy: FaultProxy

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.closing = threading.Event()

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up: here that is what is wanted."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        operation, key = operation_of(self.command, self.path)
        fault = self.server.proxy.fault_of(operation, key)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        match fault:
            case Fault.ERROR_500 | Fault.SLOW_DOWN | Fault.DENIED:
                self._refuse(*_ERRORS[fault])
                return
            case Fault.RESET_BEFORE:
                self._reset()
                return
            case Fault.HANG:
                self.close_connection = True
                self.server.closing.wait(_HANGS_SECONDS)
                return
            case Fault.UPLOAD_CUT if body:
                self._forward(body[: len(body) // 2])
                self._reset()
                return
        status, headers, content = self._forward(body)
        self.server.proxy.note_forwarded(operation, key)
        if fault is Fault.RESET_AFTER:
            self._reset()
            return
        self.send_response(status)
        length = str(len(content))
        for name, value in headers:
            if name.lower() not in (*_HOP_BY_HOP, "content-length", "date", "server"):
                self.send_header(name, value)
            elif name.lower() == "content-length" and self.command == "HEAD":
                length = value
        self.send_header("Content-Length", length)
        self.send_header("Connection", "close")
        self.end_headers()
        if fault in (Fault.REPLY_CUT, Fault.UPLOAD_CUT):
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Send the request on, signature and all; a body that is cut promises its whole length."""
        connection = http.client.HTTPConnection(self.server.upstream, timeout=30)
        try:
            connection.putrequest(
                self.command, self.path, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.endheaders()
            if body:
                connection.send(body)
            if len(body) < int(self.headers.get("Content-Length", "0")):
                return 0, [], b""
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()

    def _refuse(self, status: int, code: str) -> None:
        content = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No.</Message></Error>"
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content.encode())

    def _reset(self) -> None:
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.shutdown(socket.SHUT_RD)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815
