"""An export that is killed in the middle: run as a program, by ``export_killed``."""

import json
import os
import signal
import sys
from pathlib import Path

from heaters_pipeline.datasets import exporting
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline_tests.datasets.stores import export

if __name__ == "__main__":
    store_url, folder, after, exporting.MEGABYTE, settings = json.loads(sys.argv[1])
    still = iter(range(after - 1))

    def on_progress(done: int, total: int) -> None:
        if next(still, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    export(
        open_store(store_url, base_folder=Path()),
        Path(folder),
        on_progress=on_progress,
        **settings,
    )
