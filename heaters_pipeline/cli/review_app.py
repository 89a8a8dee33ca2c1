"""What ``heaters serve`` answers: review pages, what they show, and corrections that are saved."""

import mimetypes
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from secrets import compare_digest
from typing import Final
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heaters_pipeline.errors import (
    HeatersError,
    ManifestError,
    ObjectChangedError,
    ObjectNotFoundError,
    StoreUnavailableError,
)
from heaters_pipeline.report.review_page.page_html import DECODER_NAME, decoder_bytes, page_html
from heaters_pipeline.report.review_page.served_data import ServedData
from heaters_pipeline.report.review_page.video_list import list_html, listed_videos
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.corrections import (
    MOST_BYTES,
    Corrections,
    look_at_corrections,
    replace_corrections,
)
from heaters_pipeline.storage.records.manifests import JSON_CONTENT_TYPE, Json
from heaters_pipeline.storage.records.video_manifests import record_of

SHOWN_FOLDERS = ("clips", "sprite_sheets", "keyframes")
"""What of the store pages show; nothing else of it can be asked for."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_CHUNK_BYTES = 256 * 1024
_FOR_EVER = "private, max-age=31536000, immutable"
_HEADERS: Final = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def review_app(store: ObjectStore, cache: LocalCache, host: str, token: str) -> ASGIApp:
    """The application, for a server on loopback.

    It only reads the store, but for corrections. Who does not know the token, asks for another
    host or comes from the page of another origin is refused.

    Args:
        store: What it shows.
        cache: For what of a bucket is shown.
        host: The one host that it is asked by, with the port, such as ``127.0.0.1:3001``.
        token: What stands first in each path.
    """
    pages = _Pages(store, cache)
    routes = [
        Route(f"/{token}/", pages.all_videos),
        Route(f"/{token}/videos/{{video_id}}", pages.video),
        Route(f"/{token}/data/{{video_id}}", pages.video_data),
        Route(f"/{token}/assets/{DECODER_NAME}", pages.decoder),
        Route(f"/{token}/objects/{{key:path}}", pages.shown_object),
        Route(f"/{token}/corrections/{{video_id}}", pages.corrections),
        Route(f"/{token}/corrections/{{video_id}}", pages.save, methods=["PUT"]),
    ]
    app = Starlette(routes=routes, exception_handlers={HeatersError: _explained})
    return _Guard(app, host, token)


class _Pages:
    """Answers, each from the store as it is then."""

    def __init__(self, store: ObjectStore, cache: LocalCache) -> None:
        self._store = store
        self._cache = cache
        self._data = ServedData(store, lambda key: f"../objects/{quote(key)}")

    def all_videos(self, request: Request) -> Response:
        return HTMLResponse(
            list_html(listed_videos(self._store), lambda one: f"videos/{quote(one)}")
        )

    def video(self, request: Request) -> Response:
        """The page without its data, which it fetches: so it is seen before that is built."""
        video_id = _video_id(request)
        if record_of(self._store, video_id) is None:
            raise ObjectNotFoundError(f"there is no video {video_id}")
        name = (keys.guess_source_key(video_id) or video_id).removeprefix(keys.SOURCE_PREFIX)
        place = {"title": name, "data_link": f"../data/{quote(video_id)}"}
        return HTMLResponse(page_html(place, f"../assets/{DECODER_NAME}", index_link="../"))

    def video_data(self, request: Request) -> Response:
        video_id = _video_id(request)
        seen = look_at_corrections(self._store, video_id)
        save: dict[str, Json] = {
            "url": f"../corrections/{quote(video_id)}",
            "etag": _etag(seen.found),
        }
        data = self._data.of_video(video_id, seen.corrections, {"save": save})
        return Response(data, media_type=JSON_CONTENT_TYPE)

    def decoder(self, request: Request) -> Response:
        headers = {"Cache-Control": _FOR_EVER}
        return Response(decoder_bytes(), media_type="text/javascript", headers=headers)

    def shown_object(self, request: Request) -> Response:
        """A part of an object, or all of it, as players ask for it."""
        key = str(request.path_params["key"])
        folder, _, rest = key.partition("/")
        is_shown = folder in SHOWN_FOLDERS and keys.is_video_id(rest.partition("/")[0])
        found = self._store.head(key) if is_shown and keys.is_product(key) else None
        if found is None:
            raise ObjectNotFoundError(f"there is no object {key} to be shown")
        size = found.size_bytes
        asked = _asked_range(request.headers.get("Range", ""), size)
        start, end = asked or (0, size)
        headers = {"Accept-Ranges": "bytes", "Cache-Control": _FOR_EVER}
        if asked and not start < end:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        if asked:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        headers["Content-Length"] = str(end - start)
        return StreamingResponse(
            self._parts(found, start, end),
            206 if asked else 200,
            headers,
            mimetypes.guess_type(key)[0] or "application/octet-stream",
        )

    def corrections(self, request: Request) -> Response:
        video_id = _video_id(request)
        seen = look_at_corrections(self._store, video_id)
        if seen.found is None:
            raise ObjectNotFoundError(f"nothing is decided of {video_id} yet")
        headers = {"ETag": str(_etag(seen.found))}
        return Response(seen.corrections.to_bytes(), headers=headers, media_type=JSON_CONTENT_TYPE)

    async def save(self, request: Request) -> Response:
        """Put corrections in place of the version that the page has seen, and of no other."""
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > MOST_BYTES:
                return PlainTextResponse("these corrections are too large", 413)
        return await run_in_threadpool(self._save, request, bytes(content))

    def _save(self, request: Request, content: bytes) -> Response:
        video_id = _video_id(request)
        expected = request.headers.get("If-Match")
        if expected is None and request.headers.get("If-None-Match") != "*":
            return PlainTextResponse("say which version is to be replaced: If-Match", 428)
        if record_of(self._store, video_id) is None:
            raise ObjectNotFoundError(f"there is no video {video_id}")
        sent = f"{keys.correction_key(video_id)}, as it was sent,"
        corrections = Corrections.from_bytes(content, sent)
        if corrections.video_id != video_id:
            return PlainTextResponse(f"these are corrections of {corrections.video_id}", 400)
        found = self._store.head(keys.correction_key(video_id))
        if _etag(found) != expected:
            return PlainTextResponse("somebody else has written corrections meanwhile", 412)
        stored = replace_corrections(self._store, corrections, found)
        return Response(status_code=204, headers={"ETag": str(_etag(stored))})

    def _parts(self, found: ObjectInfo, start: int, end: int) -> Iterator[bytes]:
        with ExitStack() as stack:
            copy = self._cache.local_copy(self._store, found.key, found.version)
            file = stack.enter_context(stack.enter_context(copy).open("rb"))
            file.seek(start)
            while start < end and (part := file.read(min(_CHUNK_BYTES, end - start))):
                start += len(part)
                yield part


class _Guard:
    """Refuses whoever does not know the token, or was sent by another page than its own."""

    def __init__(self, app: ASGIApp, host: str, token: str) -> None:
        self._app = app
        self._host = host
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], scope["path"], Headers(scope=scope))
        app = self._app if refusal is None else PlainTextResponse(refusal, 403)
        await app(scope, receive, _with_headers(send))

    def _refusal(self, method: str, path: str, headers: Headers) -> str | None:
        # A name that leads here although it is another's: DNS rebinding.
        if headers.get("Host") != self._host:
            return f"ask for http://{self._host}, which is the only name of this server"
        first = path.removeprefix("/").partition("/")[0]
        if not compare_digest(first.encode(), self._token):
            return "use the whole address that heaters serve printed when it started"
        origin = headers.get("Origin")
        is_own = origin == f"http://{self._host}"
        if (origin is not None or method not in ("GET", "HEAD")) and not is_own:
            return "only the pages of this server may ask for that"
        site = headers.get("Sec-Fetch-Site", "none")
        is_followed = headers.get("Sec-Fetch-Mode") == "navigate"
        if site not in ("same-origin", "none") and not is_followed:
            return "only the pages of this server may show that"
        return None


def _asked_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """First byte and the one behind the last, as RFC 9110 has it; None for all."""
    asked = _RANGE.fullmatch(header)
    if not asked or not (asked[1] or asked[2]):
        return None
    if not asked[1]:
        last_bytes = int(asked[2])
        return max(size_bytes - last_bytes, 0), size_bytes if last_bytes else 0
    start, last = int(asked[1]), int(asked[2] or size_bytes)
    return (start, min(last + 1, size_bytes)) if start <= last or not asked[2] else None


def _with_headers(send: Send) -> Callable[[Message], Awaitable[None]]:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sender


def _explained(request: Request, error: Exception) -> Response:
    """What went wrong, in words, with the status that browsers and pages go by."""
    kinds = (
        (ObjectNotFoundError, 404),
        (ObjectChangedError, 412),
        (StoreUnavailableError, 503),
        # Of what a page sent, or of a video that is not finished.
        (ManifestError, 400 if request.method == "PUT" else 409),
    )
    status = next((status for kind, status in kinds if isinstance(error, kind)), 500)
    return PlainTextResponse(str(error), status)


def _video_id(request: Request) -> str:
    video_id = str(request.path_params["video_id"])
    if not keys.is_video_id(video_id):
        raise ObjectNotFoundError(f"{video_id!r:.60} is no id of a video")
    return video_id


def _etag(found: ObjectInfo | None) -> str | None:
    return None if found is None else f'"{found.etag}"'
