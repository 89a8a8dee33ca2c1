"""Time the one pass of scene detection as a whole process, beside its peers, in one run.

    python -m benchmarks.film --videos DIR --labels FILE --out film.mp4
    python -m benchmarks.detection_speed film.mp4 [--runs 3] [--hours 2] [--histograms]

Peers: the ffmpeg program decoding alone (all frames; reference frames only, without loop filter),
PySceneDetect's AdaptiveDetector, and with ``--histograms`` the histograms of full-size pictures as
the original took them. Runs alternate, so that a machine whose speed drifts slows all down alike;
medians are printed. ``--hours`` also joins copies of the film by copying packets, and scans that:
memory must not grow with length, and a track must stay small. Peers come with the extra ``bench``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg

from benchmarks.timing import Spent, median_of, print_table, run, versions

OURS = """
import sys
from pathlib import Path
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
path = Path(sys.argv[1])
track = score_frames(path, probe(path), ScoreSettings(scan=sys.argv[2]))
print(track.scan, track.frames, len(track.to_bytes()))
"""
SCENES = """
import sys, time
from pathlib import Path
from heaters_pipeline.video.detection.settings import METHODS, DetectionSettings
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.detection.scenes import scenes_from
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.transitions import find_transitions
path = Path(sys.argv[1])
content = score_frames(path, probe(path), ScoreSettings(scan="full")).to_bytes()
started = time.perf_counter()
track = ScoreTrack.from_bytes(content)
print("read", round(time.perf_counter() - started, 2), "MB", round(len(content) / 1e6, 1))
for settings in [*map(DetectionSettings, METHODS), DetectionSettings(threshold=2)]:
    started = time.perf_counter()
    scenes = scenes_from(track.timeline, find_transitions(track, settings), settings)
    seconds = round(time.perf_counter() - started, 2)
    print(settings.method, settings.threshold, len(scenes.scenes), "scenes", seconds, "s")
"""
PEER = """
import sys, scenedetect
print(len(scenedetect.detect(sys.argv[1], scenedetect.AdaptiveDetector())))
"""
FULL_SIZE = """
import sys, av, cv2, numpy as np
before = None
with av.open(sys.argv[1]) as container:
    container.streams.video[0].thread_type = "AUTO"
    for frame in container.decode(video=0):
        planes = cv2.split(frame.to_ndarray(format="bgr24"))
        counts = [cv2.calcHist([plane], [0], None, [256], [0, 256]) for plane in planes]
        histogram = cv2.normalize(np.concatenate(counts), None)
        if before is not None:
            cv2.compareHist(before, histogram, cv2.HISTCMP_CORREL)
        before = histogram
"""


def commands(film: Path, histograms: bool) -> dict[str, list[str]]:
    """What is timed, by name; the first is what the others are compared with."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    decode = [ffmpeg, "-v", "error", "-nostdin"]
    null = ["-i", str(film), "-map", "0:v", "-fps_mode", "passthrough", "-f", "null", "-"]
    fast = ["-skip_frame", "noref", "-skip_loop_filter", "all"]
    found = {
        "ffmpeg, decoding alone, all frames": [*decode, *null],
        "ffmpeg, reference frames only, no loop filter": [*decode, *fast, *null],
        "ours, scan: fast": [sys.executable, "-c", OURS, str(film), "fast"],
        "ours, scan: full": [sys.executable, "-c", OURS, str(film), "full"],
    }
    try:
        import scenedetect  # noqa: F401
    except ImportError:
        print("PySceneDetect is not installed (pip install -e '.[bench]')", file=sys.stderr)
    else:
        found["PySceneDetect AdaptiveDetector"] = [sys.executable, "-c", PEER, str(film)]
    if histograms:
        found["BGR histograms at full size"] = [sys.executable, "-c", FULL_SIZE, str(film)]
    return found


def joined(film: Path, hours: float, folder: Path) -> Path:
    """The film over and over, by copying its packets."""
    seconds = float(
        json.loads(
            subprocess.run(
                [sys.executable, "-c", _DURATION, str(film)], check=True, capture_output=True
            ).stdout
        )
    )
    names = folder / "list.txt"
    names.write_text(f"file '{film.resolve()}'\n" * (round(hours * 3600 / seconds) or 1))
    out = folder / "long.mp4"
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    options = ["-f", "concat", "-safe", "0", "-i", str(names), "-c", "copy", "-map", "0:v"]
    subprocess.run([ffmpeg, "-v", "error", "-nostdin", "-y", *options, str(out)], check=True)
    return out


_DURATION = """
import sys, av
with av.open(sys.argv[1]) as container:
    print(container.duration / av.time_base)
"""


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hours", type=float, default=0, help="also scan so long a video")
    parser.add_argument("--histograms", action="store_true", help="also time full-size ones")
    options = parser.parse_args()
    timed = commands(options.film, options.histograms)
    spent: dict[str, list[Spent]] = {name: [] for name in timed}
    for _ in range(options.runs):
        for name, command in timed.items():
            spent[name].append(run(command))
    base = median_of(spent[next(iter(timed))]).cpu_seconds
    rows = [["", "CPU s", "of decoding", "wall s", "peak MB"]]
    for name, runs in spent.items():
        one = median_of(runs)
        cpu = one.cpu_seconds
        cells = f"{cpu:.1f}", f"{cpu / base:.2f}", f"{one.wall_seconds:.1f}", f"{one.peak_mb:.0f}"
        rows.append([name, *cells])
    print_table(rows)
    if options.hours:
        with tempfile.TemporaryDirectory() as folder:
            long = joined(options.film, options.hours, Path(folder))
            one = run([sys.executable, "-c", OURS, str(long), "fast"])
            print(f"{options.hours:g} hours, scan: fast: {one.cpu_seconds:.0f} s CPU, ", end="")
            print(f"{one.wall_seconds:.0f} s, peak {one.peak_mb:.0f} MB")
            subprocess.run([sys.executable, "-c", SCENES, str(long)], check=True)
    print(
        versions("av", "numpy", "opencv-python-headless", "scenedetect-headless", "imageio-ffmpeg")
    )


if __name__ == "__main__":
    main()
