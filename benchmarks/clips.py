"""Time the making of all clips of a film as whole processes, beside its peers, in one run.

    python -m benchmarks.film --videos DIR --labels FILE --out film.mp4
    python -m benchmarks.clips film.mp4 [--clips 49] [--runs 3] [--preset veryfast] [--crf 22]
        [--smartcut PROGRAM]

The film is cut at its own scene changes. Peers: PySceneDetect's split-video (one ffmpeg process a
clip, x264), the ffmpeg program copying packets (one process a clip; starts at I-frames, so its
clips are not exact), and smartcut (one process a clip), which encodes around the cuts alone. Ours
are checked before they are published. What each wrote is counted afterwards, frame by frame: the
last column says how many clips show the frames that were asked for. Of ours it is said how many
frames are copied. Runs alternate; medians are printed, and the highest peak of memory of a process.
Peers come with the extra ``bench``, but smartcut: it asks for another PyAV, so it is installed in
an environment of its own.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import av
import imageio_ffmpeg

from benchmarks.timing import Spent, median_of, print_table, run, versions
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.video.detection.scenes import scenes_from
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames

OURS = """
import json, os, sys
from pathlib import Path
from heaters_pipeline.video.clips.write import ClipSettings, write_clips
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span
film, track, spans, folder = map(Path, sys.argv[1:5])
mode, verify, preset, crf = sys.argv[5:9]
track = ScoreTrack.from_bytes(track.read_bytes())
failed = []
write_clips(
    film, probe(film), track.timeline,
    [Span(*span) for span in json.loads(spans.read_text())],
    lambda span: folder / f"{span.start}-{span.end}.mp4",
    ClipSettings(mode=mode, preset=preset, crf=int(crf)),
    picture_digests=track.known_digests(), workers=os.cpu_count(), verify=verify,
    on_clip=lambda span, clip: isinstance(clip, Exception) and failed.append((span, clip)),
)
sys.exit(str(failed) if failed else 0)
"""
PYSCENEDETECT = """
import json, sys
from pathlib import Path
from scenedetect import FrameTimecode, open_video
from scenedetect.output import split_video_ffmpeg
film, _, spans, folder = sys.argv[1:5]
rate = open_video(film).frame_rate
spans = json.loads(Path(spans).read_text())
scenes = [tuple(FrameTimecode(at, rate) for at in span) for span in spans]
sys.exit(split_video_ffmpeg(film, scenes, folder, arg_override=sys.argv[5]))
"""
STREAM_COPY = """
import json, subprocess, sys
from pathlib import Path
film, _, spans, folder, rate = sys.argv[1:6]
for start, end in json.loads(Path(spans).read_text()):
    times = "-ss", str(start / float(rate)), "-i", film, "-t", str((end - start) / float(rate))
    out = f"{folder}/{start:06}-{end:06}.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *times, "-c", "copy", out], check=True)
"""
SMARTCUT = """
import json, subprocess, sys
from pathlib import Path
film, _, spans, folder, rate, program = sys.argv[1:7]
spans = json.loads(Path(spans).read_text())
for start, end in spans:
    out = f"{folder}/{start:06}-{end:06}.mp4"
    # It refuses the number of the frame behind the last one.
    until = "end" if end == spans[-1][1] else end / float(rate)
    keep = f"{start / float(rate)},{until}"
    subprocess.run([program, film, out, "--keep", keep], check=True)
"""
_OURS_AUTO, _OURS_COPY = "ours, auto", "ours, copy"
# About the quality of what auto encodes.
_CRF_OF_AUTO = 16


def prepare(film: Path, clips: int, folder: Path) -> list[tuple[int, int]]:
    """Find the film's scenes once, keep the track, and choose so many spans that hold all frames.

    Raises:
        SystemExit: The film has fewer scenes.
    """
    track = score_frames(film, probe(film), ScoreSettings())
    (folder / "track").write_bytes(track.to_bytes())
    # As every process will read it: from the stored form.
    track = ScoreTrack.from_bytes((folder / "track").read_bytes())
    settings = DetectionSettings()
    scenes = scenes_from(track.timeline, find_transitions(track, settings), settings).scenes
    if len(scenes) < clips:
        raise SystemExit(f"{film} has {len(scenes)} scenes, {clips} clips cannot be cut of it")
    starts = [scenes[at * len(scenes) // clips].start for at in range(clips)]
    spans = list(zip(starts, [*starts[1:], track.frames], strict=True))
    (folder / "spans.json").write_text(json.dumps(spans))
    return spans


def commands(film: Path, folder: Path, options: argparse.Namespace) -> dict[str, list[str]]:
    """What is timed, by name, without the folder that it writes to (the fourth argument)."""
    preset, crf = options.preset, options.crf
    given = [str(film), str(folder / "track"), str(folder / "spans.json"), "TARGET"]
    rate = str(float(probe(film).frame_rate or 25))
    x264 = f"-map 0:v:0 -map 0:a? -c:v libx264 -preset {preset} -crf {crf} -c:a aac"

    def ours(mode: str, verify: str, factor: int) -> list[str]:
        return [sys.executable, "-c", OURS, *given, mode, verify, preset, str(factor)]

    pyscenedetect = [sys.executable, "-c", PYSCENEDETECT, *given, x264]
    found = {
        f"PySceneDetect split-video, x264 {preset} CRF {crf}": pyscenedetect,
        "ffmpeg, stream copy": [sys.executable, "-c", STREAM_COPY, *given, rate],
        _OURS_AUTO: ours("auto", "quick", crf),
        _OURS_COPY: ours("copy", "quick", crf),
        **{
            f"ours, reencode, x264 {preset} CRF {factor}": ours("reencode", "quick", factor)
            for factor in dict.fromkeys((_CRF_OF_AUTO, crf))
        },
    }
    if options.smartcut:
        found["smartcut"] = [sys.executable, "-c", SMARTCUT, *given, rate, options.smartcut]
    if options.full:
        found["ours, copy, verify: full"] = ours("copy", "full", crf)
    return found


def described(folder: Path) -> str:
    """How much the clips of ours hold, and how many of their frames are copied."""
    clips = [inspect_clip(path) for path in folder.glob("*.mp4")]
    frames = sum(clip.frames for clip in clips)
    copied = sum(len(part) for clip in clips for part in clip.copied)
    whole = sum(clip.copied == (clip.span,) for clip in clips)
    mixed = sum(bool(clip.copied) for clip in clips) - whole
    hidden = sum(clip.hidden_frames for clip in clips)
    size_mb = sum(clip.size_bytes for clip in clips) / 1e6
    return (
        f"{size_mb:.1f} MB, {copied / frames:.1%} of frames copied; {whole} clips copied whole, "
        f"{mixed} in part; {hidden} frames hidden"
    )


def shown_frames(clip: Path) -> int:
    """How many frames a player shows that heeds edit lists."""
    with av.open(str(clip)) as container:
        return sum(1 for _ in container.decode(video=0))


def right_clips(folder: Path, spans: Sequence[tuple[int, int]]) -> int:
    """How many clips have as many frames as they should."""
    clips = sorted(folder.glob("*.mp4"), key=lambda path: (len(path.name), path.name))
    if len(clips) != len(spans):
        raise SystemExit(f"{folder} holds {len(clips)} clips instead of {len(spans)}")
    ours = [folder / f"{start}-{end}.mp4" for start, end in spans]
    in_order = ours if all(path.exists() for path in ours) else clips
    return sum(
        shown_frames(clip) == end - start
        for clip, (start, end) in zip(in_order, spans, strict=True)
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--clips", type=int, default=49)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--preset", default="veryfast", help="x264's, for all who encode")
    parser.add_argument("--crf", type=int, default=22, help="x264's, for all who encode")
    parser.add_argument("--smartcut", help="its program, timed too")
    parser.add_argument("--full", action="store_true", help="also with verify: full")
    parser.add_argument("--only", help="time only what has this in its name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Both peers look for a program of this name.
        (folder / "bin").mkdir()
        (folder / "bin/ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
        env = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        spans = prepare(options.film, options.clips, folder)
        timed = commands(options.film, folder, options)
        timed = {name: it for name, it in timed.items() if (options.only or "") in name}
        spent: dict[str, list[Spent]] = {name: [] for name in timed}
        right = {}
        for _ in range(options.runs):
            for name, command in timed.items():
                with tempfile.TemporaryDirectory(dir=folder) as target:
                    spent[name].append(
                        run([target if it == "TARGET" else it for it in command], env)
                    )
                    if name not in right:
                        right[name] = right_clips(Path(target), spans)
                        if name.startswith("ours"):
                            print(f"{name}: {described(Path(target))}", flush=True)
    base = median_of(spent[next(iter(timed))]).wall_seconds
    rows = [["", "wall s", "of the first", "CPU s", "peak MB", "clips with the right frames"]]
    for name, runs in spent.items():
        one = median_of(runs)
        numbers = f"{one.wall_seconds:.1f}", f"{one.wall_seconds / base:.2f}"
        resources = f"{one.cpu_seconds:.1f}", f"{one.peak_mb:.0f}"
        rows.append([name, *numbers, *resources, f"{right[name]} of {len(spans)}"])
    print_table(rows)
    frames = sum(end - start for start, end in spans)
    print(f"{len(spans)} clips, {frames} frames")
    print(versions("av", "numpy", "scenedetect-headless", "imageio-ffmpeg"))


if __name__ == "__main__":
    main()
