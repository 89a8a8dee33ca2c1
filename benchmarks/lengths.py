"""What ``heaters process`` of a film costs as it gets longer, and as it has more clips.

    python -m benchmarks.film --videos DIR --labels FILE --out film.mp4
    python -m benchmarks.lengths film.mp4 [--minutes 10 120] [--seconds 144]

The film is copied end to end, packet by packet, until it is as long as asked. The longest one is
run once more with few scenes, which have as many tiles. All is made with ``--clips copy``, on an
empty store.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

from benchmarks.pipeline import ours, peers
from benchmarks.timing import run, versions

_PHASES_SHOWN = 6


def copied(film: Path, minutes: float, target: Path) -> Path:
    """The film over and over, as long as asked."""
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", "-1", "-i", str(film)]
    packets = ["-map", "0", "-c", "copy", "-t", str(minutes * 60), str(target)]
    subprocess.run([*ffmpeg, *packets], check=True, stdin=subprocess.DEVNULL)
    return target


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--minutes", nargs="+", type=float, default=[10, 120])
    parser.add_argument("--seconds", type=float, default=144, help="of each scene of the last run")
    options = parser.parse_args()
    runs: list[tuple[float, list[str]]] = [(minutes, []) for minutes in options.minutes]
    few = [f"--{limit}-duration={options.seconds}" for limit in ("min", "max")]
    runs.append((max(options.minutes), few))
    print("minutes  clips  CPU s  a minute  of one decode  wall s  peak MB")
    decodes: dict[float, float] = {}
    for minutes, arguments in runs:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            film = copied(options.film, minutes, folder / "film.mp4")
            if minutes not in decodes:
                (decode,) = peers(film, None, folder).values()
                decodes[minutes] = run(decode).cpu_seconds
            spent, phases = ours(film, "copy", folder / "ours", arguments)
            clips = sum(1 for _ in (folder / "ours/store/clips").rglob("*.mp4"))
        cpu, share = spent.cpu_seconds, spent.cpu_seconds / decodes[minutes]
        costs = f"{minutes:<8g} {clips:<6} {cpu:<6.0f} {cpu / minutes:<9.2f} {share:<14.2f}"
        print(f"{costs} {spent.wall_seconds:<7.0f} {spent.peak_mb:.0f}", flush=True)
        largest = sorted(phases.items(), key=lambda item: -item[1])[:_PHASES_SHOWN]
        print("   ", ", ".join(f"{name} {seconds:.1f}" for name, seconds in largest), flush=True)
    print(versions("av", "numpy", "opencv-python-headless", "dagster", "imageio-ffmpeg"))


if __name__ == "__main__":
    main()
