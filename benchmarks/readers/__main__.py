"""Cut numbered videos of many kinds into clips, and read each with every reader at hand.

    make readers
    python -m benchmarks.readers --mode copy --readers mpv VLC --kinds open --quick

A clip must show the frames ``[start, end)`` of its source: count, first, last and every number, in
order and asked for directly, with the rate and the duration. Neighbouring clips that ffmpeg joins
(``-f concat -c copy``), and clips that it remuxes to MKV, must give the source's frames in order.
Each reader reads the source, too, as MP4: one that shows its frames wrong, or not at all, is not
asked for clips of that codec ("-" in the table), and what it gets wrong in the source is no fault
of the clip.
The exit code is 1 if anything is wrong.
"""

import argparse
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import imageio_ffmpeg

from benchmarks.readers.kinds import KINDS
from benchmarks.readers.matrix import Cut, cut, in_mkv, joined, read
from benchmarks.readers.processes import ReaderMissingError, ReaderProcess
from benchmarks.readers.table import Cell, details, matrix, summary
from benchmarks.readers.worker import READERS
from heaters_pipeline.video.clips.write import ClipSettings

Task = Callable[[Cut], Cell]


def tasks_of(
    names: Sequence[str], python: Path, stack: ExitStack
) -> tuple[dict[str, Task], dict[str, str]]:
    """Start the readers; give what each does with the clips of a source, and all versions."""
    tasks: dict[str, Task] = {}
    versions: dict[str, str] = {}
    for name in names:
        try:
            process = ReaderProcess(name, python)
        except ReaderMissingError as error:
            versions[name] = f"not installed: {error}"
            continue
        stack.callback(process.close)
        versions[name] = process.version
        tasks[name] = partial(read, process)
    programs = {"newest": imageio_ffmpeg.get_ffmpeg_exe(), "distribution's": shutil.which("ffmpeg")}
    for which, program in programs.items():
        name = f"ffmpeg, {which}"
        if name not in tasks or program is None:
            continue
        for what, task in (("concat", joined), ("to MKV", in_mkv)):
            process = ReaderProcess("PyAV", Path(sys.executable))
            stack.callback(process.close)
            tasks[f"{what}, {name}"] = partial(task, process, program)
            versions[f"{what}, {name}"] = f"{versions[name]}, read by PyAV"
    return tasks, versions


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.readers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mode", default=ClipSettings().mode, help="of the clips")
    parser.add_argument("--codec", default="h264", help="of what is encoded")
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    parser.add_argument("--kinds", nargs="+", default=[""], help="parts of the names of sources")
    parser.add_argument("--quick", action="store_true", help="fewer kinds of sources")
    parser.add_argument("--jobs", type=int, default=4, help="readers at a time")
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="that has the readers installed"
    )
    parser.add_argument("--keep", type=Path, help="a folder for sources and clips")
    options = parser.parse_args()
    settings = ClipSettings(options.mode, preset="veryfast", codec=options.codec)
    kinds = [
        kind
        for kind in KINDS
        if (kind.in_quick or not options.quick)
        and any(part.lower() in kind.name.lower() for part in options.kinds)
    ]
    outcome: dict[str, dict[str, Cell]] = defaultdict(dict)
    made_by: dict[str, int] = defaultdict(int)
    failed: list[str] = []
    with ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tasks, versions = tasks_of(options.readers, options.python.absolute(), stack)
        pool = stack.enter_context(ThreadPoolExecutor(options.jobs))
        for number, kind in enumerate(kinds):
            place = folder / f"{number:02}"
            place.mkdir(parents=True, exist_ok=True)
            made = cut(kind, place, settings)
            print(f"{kind.name}: {len(made.clips)} clips", file=sys.stderr, flush=True)
            failed += [f"{kind.name}: {text}" for text in made.failed]
            for clip in made.clips:
                made_by[clip.method] += 1
            cells = pool.map(lambda task, made=made: task(made), tasks.values())
            outcome[kind.name] = dict(zip(tasks, cells, strict=True))
            if options.keep is None:
                shutil.rmtree(place)
    print(f"{len(kinds)} sources, {settings}, clips by method: {dict(made_by)}\n")
    for lines in (summary(outcome, versions), matrix(outcome, versions), details(outcome)):
        print(*lines, sep="\n", end="\n\n")
    for text in failed:
        print(f"not made: {text}")
    is_wrong = any(cell.faults for cells in outcome.values() for cell in cells.values())
    return 1 if is_wrong or failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
