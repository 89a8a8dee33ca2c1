"""A web server on loopback that serves files and misbehaves as it is told."""

import re
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from heaters_pipeline.intake.allowed_links import AllowedLinks

_RANGE = re.compile(r"bytes=(\d+)-")
_STALL_SECONDS = 20.0


@dataclass
class Served:
    """What lies under one path, and how it is served.

    Attributes:
        content: The file.
        headers: Sent besides ``Content-Length``, ``Content-Range`` and ``Accept-Ranges``.
        supports_ranges: Whether a rest of the file can be asked for.
        heeds_if_range: Whether a rest is refused when the file is another by now.
        shift: Added to where a range is asked to start.
        longest_part: Bytes that an answer to a range holds at most.
        reason: What is said beside the status.
        sends_length: Whether the length is told before the content.
        statuses: Status of the first answers; 200 afterwards.
        cuts: Bytes after which the content of the first answers breaks off; whole afterwards.
        resets: Whether a break is a reset of the connection.
        stalls: Whether a break is a silence.
    """

    content: bytes = b""
    headers: dict[str, str] = field(
        default_factory=lambda: {"Content-Type": "video/mp4", "ETag": '"v1"'}
    )
    supports_ranges: bool = True
    heeds_if_range: bool = True
    shift: int = 0
    longest_part: int | None = None
    sends_length: bool = True
    reason: str | None = None
    statuses: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    resets: bool = False
    stalls: bool = False


@dataclass
class WebServer:
    """A running server.

    Attributes:
        address: ``127.0.0.1:port``.
        served: What lies under each path, with its slash and without its query.
        requests: Path with query, and headers, of each request so far.
        ended: Set when the server stops.
    """

    address: str
    served: dict[str, Served] = field(default_factory=dict)
    requests: list[tuple[str, Message]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        """The link to a path."""
        return f"http://{self.address}{path}"

    def ranges(self) -> list[str | None]:
        """What range each request asked for."""
        return [headers["Range"] for _, headers in self.requests]


LOOPBACK_LINKS = AllowedLinks(networks=("127.0.0.1",))
"""What lets links lead to the server, as ``HEATERS_ALLOWED_LINKS=127.0.0.1`` does."""


@contextmanager
def running_web_server(
    certificate: Path | None = None, *, address: str = "127.0.0.1"
) -> Iterator[WebServer]:
    """Serve on a free port until the end of the block.

    Args:
        certificate: A PEM file with key and certificate, to serve ``https``.
        address: Of loopback.
    """
    with _Http((address, 0), _Handler) as http:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The thread that answers shakes hands, and closes what it could not agree on.
            http.socket = context.wrap_socket(
                http.socket, server_side=True, do_handshake_on_connect=False
            )
        server = http.told = WebServer(f"{address}:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            http.shutdown()
            thread.join()


class _Http(ThreadingHTTPServer):
    told: WebServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Let clients that have seen enough hang up."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        server = self.server.told
        server.requests.append((self.path, self.headers))
        served = server.served.get(self.path.partition("?")[0])
        if served is None:
            self.send_error(404)
            return
        status = served.statuses.pop(0) if served.statuses else 200
        start = self._start(served) if status == 200 else 0
        if start > len(served.content):
            self.send_error(416)
            return
        content = served.content[start:]
        if start:
            content = content[: served.longest_part]
        self._answer(served, 206 if start else status, start, len(content))
        if served.cuts:
            self.wfile.write(content[: served.cuts.pop(0)])
            self._break_off(served, server)
        else:
            self.wfile.write(content)

    def _start(self, served: Served) -> int:
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        validators = (served.headers.get("ETag"), served.headers.get("Last-Modified"))
        is_wanted = self.headers.get("If-Range") in (None, *validators)
        if asked is None or not served.supports_ranges:
            return 0
        is_heeded = is_wanted or not served.heeds_if_range
        return int(asked.group(1)) + served.shift if is_heeded else 0

    def _answer(self, served: Served, status: int, start: int, length: int) -> None:
        self.send_response(status, served.reason)
        for name, value in served.headers.items():
            self.send_header(name, value)
        if status == 206:
            last, size = start + length - 1, len(served.content)
            self.send_header("Content-Range", f"bytes {start}-{last}/{size}")
        if served.sends_length:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def _break_off(self, served: Served, server: WebServer) -> None:
        self.wfile.flush()
        if served.stalls:
            server.ended.wait(_STALL_SECONDS)
        if served.resets:
            no_lingering = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests clean."""
