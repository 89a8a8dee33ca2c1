#!/usr/bin/env bash
# FFmpeg reads non-drop-frame SCC captions as if they were drop-frame: 3.6 s early after an hour.
#
# Versions: ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1), PyAV 18.1.0 (FFmpeg 8.1), pycaption 2.3.14.
# In SCC (Scenarist closed captions) a timecode counts frames of 29.97 Hz video: with ":" before
# the frames no number is dropped, so 01:00:00:00 is frame 108000, at 3603.600 s; with ";" numbers
# are dropped so that it follows the clock: 01:00:00;00 is frame 107892, at 3599.996 s.
# Behaviour: FFmpeg's SCC demuxer gives both files the same times, hours to seconds by the clock
# and 33 ms a frame, with no warning. pycaption tells them apart by 3.6 s (it adds the seven frames
# that sending this caption's code words takes, as a decoder does).
# What it means: captions cut to clips with FFmpeg or PyAV drift by 3.6 s an hour against the
# picture whenever the SCC file is non-drop-frame: a clip from the end of a film carries the words
# of the shot after it. Multiply the times of such a file by 1.001, or read SCC with a library
# that knows the difference.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1 av==18.1.0 \
    pycaption==2.3.14

venv/bin/python - <<'PYTHON' | tee seen
import av, imageio_ffmpeg, subprocess
from pycaption import SCCReader

for name, mark in ("non-drop-frame", ":"), ("drop-frame", ";"):
    text = (
        "Scenarist_SCC V1.0\n\n"
        f"01:00:00{mark}00\t9420 9420 9470 9470 c8e5 ecec ef80 942f 942f\n\n"  # "Hello", show it
        f"01:00:02{mark}00\t942c 942c\n\n"  # clear the screen
    )
    with open("captions.scc", "w") as file:
        file.write(text)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "captions.scc"]
    srt = subprocess.run(command + ["-f", "srt", "-"], check=True, capture_output=True, text=True)
    with av.open("captions.scc") as container:
        first = next(container.demux())
        in_pyav = float(first.pts * first.time_base)
    caption = SCCReader().read(text).get_captions("en-US")[0]
    print(name)
    print("  ffmpeg:", srt.stdout.splitlines()[1])
    print(f"  PyAV: {in_pyav:.3f} s")
    print(f"  pycaption: {caption.start / 1e6:.3f} s, {caption.get_text()}")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
non-drop-frame
  ffmpeg: 01:00:00,000 --> 01:00:02,000
  PyAV: 3600.000 s
  pycaption: 3603.834 s, Hello
drop-frame
  ffmpeg: 01:00:00,000 --> 01:00:02,000
  PyAV: 3600.000 s
  pycaption: 3600.233 s, Hello
EXPECTED
