"""A server on loopback that answers S3 requests with what a test has written down."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LAST_MODIFIED = "Mon, 02 Nov 2026 10:00:00 GMT"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        status: HTTP status.
        body: Content.
        headers: Further headers; ETag and Last-Modified have values if they are not among them.
        sent_bytes: How much of the body is sent before the connection is closed; all if None.
        reset: Close the connection with a reset in place of an answer.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent_bytes: int | None = None
    reset: bool = False


def refusal(status: int, code: str, *, message: str = "No.", **headers: str) -> Reply:
    """An error as S3 words it."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, body.encode(), {"Content-Type": "application/xml", **headers})


@dataclass(slots=True)
class ScriptedS3:
    """A running server.

    Attributes:
        endpoint_url: Its address.
        script: The replies to come, in order; the last one is given for ever.
        seen: Method and path of each request so far.
        headers: The headers of each request so far, with names in lower case.
    """

    endpoint_url: str
    script: list[Reply]
    seen: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of each request so far."""
        return [headers.get("range") for headers in self.headers]

    def next_reply(self) -> Reply:
        """Take the next reply from the script."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


@contextmanager
def serving(*script: Reply) -> Iterator[ScriptedS3]:
    """Run a server with these replies."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    scripted = ScriptedS3(f"http://127.0.0.1:{server.server_address[1]}", list(script))
    server.scripted = scripted  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield scripted
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        scripted: ScriptedS3 = self.server.scripted  # type: ignore[attr-defined]
        scripted.seen.append(f"{self.command} {self.path}")
        scripted.headers.append({name.lower(): value for name, value in self.headers.items()})
        reply = scripted.next_reply()
        if reply.reset:
            self.close_connection = True
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RD)
            return
        self.send_response(reply.status)
        headers = {"ETag": '"etag-1"', "Last-Modified": LAST_MODIFIED, **reply.headers}
        for name, value in {"Content-Length": str(len(reply.body)), **headers}.items():
            self.send_header(name, value)
        # Said, not only done: else the client may send its next request into a closed connection.
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.sent_bytes])

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815
