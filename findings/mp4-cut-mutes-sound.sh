#!/usr/bin/env bash
# A lossless cut by ffmpeg right after a break in the sound of an MP4 mutes the 2 s that follow.
#
# Versions: ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1), PyAV 18.1.0 (FFmpeg 8.1).
# A muted participant of a call, or a microphone that drops out, leaves a break in the sound. MP4
# has no word for it: the packet before the break, of 21 ms of AAC, is said to last until it ends.
# Behaviour: the film below has no sound from 2 to 4 s and beeps at 1, 5 and 8 s. "ffmpeg -ss 4 -c
# copy" to MP4 keeps the long packet, as it seems to reach into the clip, and has the edit list hide
# all of its 2 s. Read by FFmpeg, as many samples are thrown away, but the packet holds 21 ms, so
# that it is the clip's own sound that goes: the beep at 5 s is lost, without a warning. The
# packets are there, as ignore_editlist shows. In Matroska, where clip and sound begin 2 s earlier,
# and in MP4 with the sound encoded, both beeps are heard.
# What it means: clips of calls and of broadcasts lose words that the film has, at their beginning,
# where a new speaker is heard first; transcripts lack them, and models learn that lips move in
# silence. Encode the sound of such clips (-c:v copy -c:a aac).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 av==18.1.0 \
    numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import subprocess
from fractions import Fraction

import av, imageio_ffmpeg, numpy as np

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
TONE = 0.5 * np.sin(np.arange(1024, dtype=np.float32) / 8)[None]


def write(path, silence):
    """Ten seconds with a keyframe each second, and a time without any sound."""
    with av.open(path, "w") as film:
        video = film.add_stream("libx264", rate=25, options={"g": "25", "bf": "0"})
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
                beeps = any(beep <= at < beep + 0.2 for beep in (1, 5, 8))
                frame = av.AudioFrame.from_ndarray(beeps * TONE, format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
                film.mux(sound.encode(frame))
        film.mux(sound.encode())


def heard(path, **options):
    """When beeps begin and how much sound there is, to a tenth of a second."""
    with av.open(path, options=options) as film:
        frames = list(film.decode(audio=0))
    loud = [frame.time for frame in frames if np.abs(frame.to_ndarray()).max() > 0.2]
    first = [round(at, 1) for at, before in zip(loud, [-1, *loud]) if at - before > 0.3]
    return f"{sum(frame.samples for frame in frames) / 48000:.1f} s of sound, beeps at {first}"


for name, silence in {"whole": (0, 0), "broken": (2, 4)}.items():
    write("film.mp4", silence)
    print(f"{name} film: {heard('film.mp4')}")
    cut = FFMPEG + ["-ss", "4", "-i", "film.mp4"]
    subprocess.run(cut + ["-c", "copy", "copied.mp4"], check=True)
    subprocess.run(cut + ["-c", "copy", "copied.mkv"], check=True)
    subprocess.run(cut + ["-c:v", "copy", "encoded.mp4"], check=True)
    for clip in "copied.mp4", "copied.mkv", "encoded.mp4":
        print(f"  from 4 s, {clip}: {heard(clip)}")
    print(f"  from 4 s, copied.mp4, ignore_editlist: {heard('copied.mp4', ignore_editlist='1')}")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
whole film: 10.0 s of sound, beeps at [1.0, 5.0, 8.0]
  from 4 s, copied.mp4: 6.0 s of sound, beeps at [1.0, 4.0]
  from 4 s, copied.mkv: 6.0 s of sound, beeps at [1.0, 4.0]
  from 4 s, encoded.mp4: 6.0 s of sound, beeps at [1.0, 4.0]
  from 4 s, copied.mp4, ignore_editlist: 6.0 s of sound, beeps at [1.0, 4.0]
broken film: 8.0 s of sound, beeps at [1.0, 5.0, 8.0]
  from 4 s, copied.mp4: 4.0 s of sound, beeps at [4.0]
  from 4 s, copied.mkv: 6.0 s of sound, beeps at [3.0, 6.0]
  from 4 s, encoded.mp4: 6.0 s of sound, beeps at [1.0, 4.0]
  from 4 s, copied.mp4, ignore_editlist: 6.0 s of sound, beeps at [3.0, 6.0]
EXPECTED
