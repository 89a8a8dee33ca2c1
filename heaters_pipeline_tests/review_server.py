"""The pages of ``heaters serve`` for tests, served by a thread, and what browsers say of them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from heaters_pipeline.cli.review_app import review_app
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore

TOKEN = "token-of-the-tests"
CACHE_BYTES = 10**8

# The frame is shown, and the browser has painted it: how, which one, and where on the screen.
SHOWN = """(async () => {
  const stage = document.getElementById("stage");
  const number = () => document.getElementById("number").textContent.replace(/,/g, "");
  while (stage.getAttribute("aria-busy") !== "false" || stage.dataset.frame !== number()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const { x, y, width, height } = stage.getBoundingClientRect();
  return { way: stage.dataset.way, frame: Number(stage.dataset.frame), x, y, width, height };
})()"""


@contextmanager
def serving(store: ObjectStore | Path, cache_folder: Path, *, port: int = 0) -> Iterator[str]:
    """Serve the pages of a store until the end of the block.

    Args:
        store: The store, or its folder.
        cache_folder: For copies of what is shown.
        port: 0 takes a free one.
    Returns:
        The address of the page of all videos, with the token.
    """
    store = DirectoryObjectStore(store) if isinstance(store, Path) else store
    with socket.create_server(("127.0.0.1", port)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        app = review_app(store, LocalCache(cache_folder, max_bytes=CACHE_BYTES), host, TOKEN)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://{host}/{TOKEN}/"
        finally:
            server.should_exit = True
            thread.join()


def shown(page: Any) -> dict[str, Any]:
    """What the page shows, once it does: ``way``, ``frame``, and where on the screen."""
    state: dict[str, Any] = page.evaluate(SHOWN)
    return state
