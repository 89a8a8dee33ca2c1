"""A web server on loopback that serves files as those of the web do: with ranges of bytes."""

import mimetypes
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@contextmanager
def serving(folders: Mapping[str, Path]) -> Iterator[str]:
    """Serve folders until the end of the block.

    Args:
        folders: By how their addresses begin, such as ``/film/``.
    Returns:
        The address of the server, without a slash at its end.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self._path()
            if path is None:
                self.send_error(404)
                return
            content = path.read_bytes()
            asked = _RANGE.fullmatch(self.headers.get("Range", ""))
            start = int(asked[1]) if asked else 0
            end = min(int(asked[2]) + 1 if asked and asked[2] else len(content), len(content))
            self.send_response(206 if asked else 200)
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", _type_of(path))
            self.send_header("Content-Length", str(end - start))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content[start:end])

        do_HEAD = do_GET  # noqa: N815

        def _path(self) -> Path | None:
            for prefix, folder in folders.items():
                if self.path.startswith(prefix):
                    path = folder / self.path.removeprefix(prefix).partition("?")[0]
                    return path if path.is_file() else None
            return None

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests clean."""

    with _Quiet(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Let browsers that have seen enough of a video hang up."""


def _type_of(path: Path) -> str:
    if path.suffix in (".js", ".mjs"):
        return "text/javascript"
    if path.suffix == ".vtt":
        return "text/vtt"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
