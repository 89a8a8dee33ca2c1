#!/usr/bin/env bash
# MoviePy cuts clips whose sound is a second early, though the film that they come from is in sync.
#
# Versions: MoviePy 2.2.1, ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1), PyAV 18.1.0.
# The sound of a film need not begin with its pictures, nor go on without a break: a microphone is
# switched on later, a muted participant of a call sends nothing. Timestamps keep both together.
# Behaviour: the films below beep at 1.5, 5 and 8 s. MoviePy asks ffmpeg for bare samples, which
# have no timestamps and are strung together without the time in between. Of a film whose sound
# begins at 1 s, each clip has its beeps a second early, wherever it was cut; of one in which 2 s
# of sound are missing, all beeps after that are 2 s early. ffmpeg itself cuts all of them in sync.
# Bare pictures are treated the other way: there ffmpeg fills gaps with copies.
# What it means: words, blows and goals no longer belong to their pictures, which spoils any data
# set of sound and video, and subtitles made from such clips. Where a stream of sound starts later
# than the pictures or has breaks, fill them first, with ffmpeg's aresample=async=1:first_pts=0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check moviepy==2.2.1 imageio-ffmpeg==0.8.1 \
    av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import subprocess
from fractions import Fraction

import av, imageio_ffmpeg, numpy as np
from moviepy import VideoFileClip

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
TONE = 0.5 * np.sin(np.arange(1024, dtype=np.float32) / 8)[None]


def write(path, silence):
    """Ten seconds with beeps of 0.2 s from 1.5, 5 and 8 s on, and a time without any sound."""
    with av.open(path, "w") as film:
        video = film.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        sound = film.add_stream("aac", rate=48000, layout="mono")
        for i in range(250):
            frame = av.VideoFrame.from_ndarray(np.full((96, 64), i, np.uint8), format="yuv420p")
            frame.pts = i
            film.mux(video.encode(frame))
        film.mux(video.encode())
        for start in range(0, 480000, 1024):
            at = start / 48000
            if not silence[0] <= at < silence[1]:
                beeps = any(beep <= at < beep + 0.2 for beep in (1.5, 5, 8))
                frame = av.AudioFrame.from_ndarray(beeps * TONE, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
                film.mux(sound.encode(frame))
        film.mux(sound.encode())


def beeps(path, add=0):
    """When beeps begin by the timestamps, to a tenth of a second."""
    with av.open(path) as film:
        loud = [
            float(frame.pts * frame.time_base)
            for frame in film.decode(audio=0)
            if np.abs(frame.to_ndarray()).max() > 0.2
        ]
    first = [at for at, before in zip(loud, [-1, *loud]) if at - before > 0.3]
    return [round(at + add, 1) for at in first]


for name, silence in {"whole": (0, 0), "late": (0, 1), "broken": (2, 4)}.items():
    write("film.mp4", silence)
    print(f"{name}: the film beeps at {beeps('film.mp4')}")
    for start, end in (0, 6), (4, 9.5):
        with VideoFileClip("film.mp4") as film:
            film.subclipped(start, end).write_videofile("clip.mp4", audio_codec="aac", logger=None)
        print(f"  {start} to {end} s, MoviePy: {beeps('clip.mp4', start)}", end=", ")
        cut = ["-ss", str(start), "-to", str(end), "-i", "film.mp4", "clip.mp4"]
        subprocess.run(FFMPEG + cut, check=True)
        print(f"ffmpeg: {beeps('clip.mp4', start)}")
    fill = ["-i", "film.mp4", "-c:v", "copy", "-af", "aresample=async=1:first_pts=0", "filled.mp4"]
    subprocess.run(FFMPEG + fill, check=True)
    with VideoFileClip("filled.mp4") as film:
        film.subclipped(4, 9.5).write_videofile("clip.mp4", audio_codec="aac", logger=None)
    print(f"  4 to 9.5 s, filled first, MoviePy: {beeps('clip.mp4', 4)}")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
whole: the film beeps at [1.5, 5.0, 8.0]
  0 to 6 s, MoviePy: [1.5, 5.0], ffmpeg: [1.5, 5.0]
  4 to 9.5 s, MoviePy: [5.0, 8.0], ffmpeg: [5.0, 8.0]
  4 to 9.5 s, filled first, MoviePy: [5.0, 8.0]
late: the film beeps at [1.5, 5.0, 8.0]
  0 to 6 s, MoviePy: [0.5, 4.0], ffmpeg: [1.5, 5.0]
  4 to 9.5 s, MoviePy: [4.0, 7.0], ffmpeg: [5.0, 8.0]
  4 to 9.5 s, filled first, MoviePy: [5.0, 8.0]
broken: the film beeps at [1.5, 5.0, 8.0]
  0 to 6 s, MoviePy: [1.5, 3.0, 6.0], ffmpeg: [1.5, 5.0]
  4 to 9.5 s, MoviePy: [6.0], ffmpeg: [5.0, 8.0]
  4 to 9.5 s, filled first, MoviePy: [5.0, 8.0]
EXPECTED
