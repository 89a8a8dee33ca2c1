"""Labelled videos as they would be with fewer pictures a second, each shown several times over.

    python -m benchmarks.held_pictures FOLDER --videos DIR LABELS [--videos DIR LABELS]
    python -m benchmarks.detection_accuracy --videos FOLDER --labels FOLDER/labels.json

Of each video every second, third and fourth picture is taken and shown for two, three and four
frames, as animation and film at a lower rate are, and written with its labels.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.video.frame import VideoFrame

HOLDS = (2, 3, 4)
MOST_WIDTH_PX = 480


def held(source: Path, times: int, path: Path) -> int:
    """Write a video whose pictures are shown so many times each; returns its number of frames."""
    with av.open(source) as read, av.open(path, "w") as written:
        video = read.streams.video[0]
        width = min(video.width, MOST_WIDTH_PX) // 2 * 2
        height = round(video.height * width / video.width) // 2 * 2
        options = {"crf": "23", "preset": "veryfast"}
        stream = written.add_stream("libx264", rate=video.average_rate, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        count = 0
        for frame in _held(read.decode(video), times):
            shown = frame.reformat(width, height, "yuv420p")
            shown.pts, shown.time_base = count, 1 / video.average_rate
            written.mux(stream.encode(shown))
            count += 1
        written.mux(stream.encode())
    return count


def _held(frames: Iterator[VideoFrame], times: int) -> Iterator[VideoFrame]:
    for number, frame in enumerate(frames):
        if number % times == 0:
            shown = frame
        yield shown


def held_labels(label: dict[str, Any], times: int, frames: int) -> dict[str, Any]:
    """The labels of such a video: what begins in a frame is first seen in the next new picture."""

    def seen(frame: int) -> int:
        return -(-frame // times) * times

    return {
        "frames": frames,
        "hard_cuts": [seen(cut) for cut in label["hard_cuts"] if seen(cut) < frames - 1],
        "gradual": [
            {**one, "start": one["start"] // times * times, "end": seen(one["end"])}
            for one in label.get("gradual", [])
            if one["end"] < frames - times
        ],
        "ambiguous": [[one[0] - times, one[1] + times] for one in label.get("ambiguous", [])],
    }


def main() -> None:
    """Write the videos and their labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--videos", nargs=2, action="append", required=True, metavar=("DIR", "LABELS")
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    labels = {}
    for folder, file in options.videos:
        for name, label in json.loads(Path(file).read_text()).items():
            if not (Path(folder) / name).exists():
                continue
            for times in HOLDS:
                path = options.folder / f"{Path(name).stem}_{times}.mp4"
                frames = held(Path(folder) / name, times, path)
                if frames != label["frames"]:
                    print(f"{name} has {frames} frames and labels of {label['frames']}: left out")
                    path.unlink()
                    break
                labels[path.name] = held_labels(label, times, frames)
                print(path.name, flush=True)
    (options.folder / "labels.json").write_text(json.dumps(labels, indent=1))


if __name__ == "__main__":
    main()
