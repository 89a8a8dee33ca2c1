"""Serve a folder over S3's protocol, as fast at its millionth key as at its first.

    python -m benchmarks.listing_server FOLDER [--list-seconds 0.1] [--object-seconds 0.02]

FOLDER holds buckets as folders. ``rclone serve s3`` reads a whole folder again for each page, and
moto takes 0.7 s a page, so that neither shows what a program costs at 100,000 keys. This one keeps
the names in memory, and waits before each answer as long as AWS takes to give it. It lists, reads,
writes and deletes; it checks no signatures and lists no unfinished uploads.
"""

import argparse
import hashlib
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from heaters_pipeline_tests.servers import S3Server

PAGE = 1000
_NO_CONTENT = b""
Facts = tuple[int, str, float]
"""Of an object: size in bytes, etag, time of the last change in seconds."""


def _digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


@cache
def _digest_of_zeros(size_bytes: int) -> str:
    """That of a sparse file, as all sources of a generated store are."""
    return _digest(bytes(size_bytes))


class Bucketed(ThreadingHTTPServer):
    """The server, with the facts of all objects.

    Attributes:
        keys: ``bucket/key`` of each object, in the order of S3.
        facts: By that.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder: Path, list_seconds: float, object_seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.list_seconds = list_seconds
        self.object_seconds = object_seconds
        self.lock = threading.Lock()
        self.facts: dict[str, Facts] = {}
        for path in folder.rglob("*"):
            if path.is_file():
                self.look(path.relative_to(folder).as_posix())
        self.keys = sorted(self.facts)

    def look(self, key: str) -> None:
        """Learn the facts of an object from its file."""
        path = self.folder / key
        facts = path.stat()
        digest = _digest(path.read_bytes()) if facts.st_blocks else _digest_of_zeros(facts.st_size)
        self.facts[key] = (facts.st_size, digest, facts.st_mtime)

    def write(self, key: str, data: bytes) -> str:
        """Store an object."""
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        with self.lock:
            if key not in self.facts:
                insort(self.keys, key)
            self.look(key)
        return self.facts[key][1]

    def find(self, key: str) -> Facts | None:
        """The facts of an object, None if there is none."""
        return self.facts.get(key)

    def read(self, key: str) -> bytes:
        """The content of an object that is there."""
        return (self.folder / key).read_bytes()

    def delete(self, key: str) -> None:
        """Remove an object."""
        with self.lock:
            if self.facts.pop(key, None):
                self.keys.pop(bisect_left(self.keys, key))
                (self.folder / key).unlink()

    def listed(self, bucket: str, prefix: str, after: str) -> list[tuple[str, Facts]]:
        """The next objects with their facts; one more than a page has if there are more."""
        first, start = f"{bucket}/{prefix}", f"{bucket}/{after}"
        with self.lock:
            at = max(bisect_left(self.keys, first), bisect_right(self.keys, start) if after else 0)
            found = self.keys[at : at + PAGE + 1]
            return [(key, self.facts[key]) for key in found if key.startswith(first)]

    def page(self, bucket: str, prefix: str, after: str) -> bytes:
        """A page of a listing."""
        found = self.listed(bucket, prefix, after)
        more, found = len(found) > PAGE, found[:PAGE]
        names = [name for name, _ in found]
        rows = []
        for name, (size_bytes, etag, changed) in found:
            rows.append(
                f"<Contents><Key>{escape(name.removeprefix(bucket + '/'))}</Key>"
                f"<LastModified>{datetime.fromtimestamp(changed, UTC):%Y-%m-%dT%H:%M:%S.000Z}"
                f'</LastModified><ETag>"{etag}"</ETag><Size>{size_bytes}</Size>'
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
        last = escape(names[-1].removeprefix(bucket + "/")) if more else ""
        token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
        return (
            f"<ListBucketResult><Name>{bucket}</Name><KeyCount>{len(names)}</KeyCount>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(rows)}"
            "</ListBucketResult>"
        ).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Bucketed

    def do_GET(self) -> None:
        key, query = self._asked()
        if "list-type" in query:
            time.sleep(self.server.list_seconds)
            after = query.get("continuation-token", query.get("start-after", [""]))[0]
            page = self.server.page(key.rstrip("/"), query.get("prefix", [""])[0], after)
            self._answer(200, page)
        elif "uploads" in query:
            self._answer(200, b"<ListMultipartUploadsResult></ListMultipartUploadsResult>")
        else:
            self._give(key, with_content=True)

    def do_HEAD(self) -> None:
        self._give(self._asked()[0], with_content=False)

    def do_PUT(self) -> None:
        key, _ = self._asked()
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.server.object_seconds)
        etag = self.server.write(key, data)
        self._answer(200, _NO_CONTENT, ETag=f'"{etag}"')

    def do_DELETE(self) -> None:
        self.server.delete(self._asked()[0])
        self._answer(204, _NO_CONTENT)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path).lstrip("/"), parse_qs(parts.query, keep_blank_values=True)

    def _give(self, key: str, *, with_content: bool) -> None:
        time.sleep(self.server.object_seconds)
        facts = self.server.find(key)
        if "/" not in key.rstrip("/"):
            self._answer(200, _NO_CONTENT)
        elif facts is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_content else b"")
        else:
            data = self.server.read(key) if with_content else _NO_CONTENT
            changed = format_datetime(datetime.fromtimestamp(facts[2], UTC), usegmt=True)
            said = {"ETag": f'"{facts[1]}"', "Last-Modified": changed}
            self._answer(200, data, size_bytes=facts[0], **said)

    def _answer(self, status: int, data: bytes, *, size_bytes: int = -1, **said: Any) -> None:
        self.send_response(status)
        for name, value in said.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) if size_bytes < 0 else size_bytes))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving(
    folder: Path, *, list_seconds: float = 0.1, object_seconds: float = 0.02
) -> Iterator[S3Server]:
    """Serve a folder from a thread of this process."""
    with running(Bucketed(folder, list_seconds, object_seconds)) as found:
        yield found


@contextmanager
def running(server: Bucketed) -> Iterator[S3Server]:
    """Serve what a server has, until the end of the block."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield S3Server(f"http://127.0.0.1:{server.server_port}", "key", "secret", server.folder)
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    """Serve until Ctrl-C."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--list-seconds", type=float, default=0.1)
    arguments.add_argument("--object-seconds", type=float, default=0.02)
    chosen = arguments.parse_args()
    waits = {"list_seconds": chosen.list_seconds, "object_seconds": chosen.object_seconds}
    with serving(chosen.folder, **waits) as server:
        for name, value in server.environment.items():
            print(f"export {name}={value}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
