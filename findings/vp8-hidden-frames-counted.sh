#!/usr/bin/env bash
# decord2 and video-reader-rs count frames of VP8 that are never shown: 104 frames of 100.
#
# Versions: decord2 3.4.0, video-reader-rs 0.4.5, PyAV 18.1.0, OpenCV 5.0.0.93, ffmpeg 9.0.2
# (libvpx, in imageio-ffmpeg 0.8.1).
# In two passes libvpx makes "alternate references": frames that others refer to and nobody sees. In
# VP9 and AV1 each shares a packet with one that is shown; in VP8 it has a packet of its own.
# Behaviour: the WebM below has 100 frames in 104 packets. PyAV and OpenCV read 100, also by index.
# decord2 has 104: read in order, the last is shown five times; asked for at once, a frame is wrong
# by as many as are hidden before the keyframe at which decord2 starts: index 99 is frame 96.
# video-reader-rs gives 104 as well, the last four of them black, which nobody filmed.
# What it means: WebM files of VP8 made in two passes have such frames. What is sampled from them by
# index does not fit its labels, less so the longer the film is, and clips end in a freeze or in
# black. Count the frames that a decoder gives, never packets, or make VP9 of VP8 first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check decord2==3.4.0 video-reader-rs==0.4.5 \
    imageio-ffmpeg==0.8.1 opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6

cat >film.py <<'PYTHON'
import subprocess

import imageio_ffmpeg, numpy as np

# 100 pictures of a pan, each with its number in bright and dark bars above.
texture = np.kron(np.random.default_rng(0).integers(60, 200, (20, 60)), np.ones((8, 8)))
with open("film.raw", "wb") as raw:
    for i in range(100):
        picture = texture[:, i : i + 320].astype(np.uint8)
        picture[:32] = np.repeat([220 if i >> bit & 1 else 30 for bit in range(8)], 40)
        raw.write(picture.tobytes())
command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "gray"]
command += ["-video_size", "320x160", "-framerate", "25", "-i", "film.raw", "-pix_fmt", "yuv420p"]
command += ["-c:v", "libvpx", "-b:v", "300k", "-g", "40", "-threads", "1"]
command += ["-auto-alt-ref", "1", "-lag-in-frames", "16"]
subprocess.run(command + ["-pass", "1", "-f", "null", "-"], check=True)
subprocess.run(command + ["-pass", "2", "film.webm"], check=True)
PYTHON

cat >show.py <<'PYTHON'
def number(picture):
    """Which picture this is, or black."""
    bars = picture[:32].mean(axis=(0, 2)).reshape(8, 40)[:, 8:32].mean(axis=1)
    return sum(1 << bit for bit in range(8) if bars[bit] > 125) if picture.any() else "black"


def say(name, numbers):
    wrong = [i for i, found in enumerate(numbers) if i != found]
    text = f"{len(wrong)} wrong, from {wrong[0]} on" if wrong else "none wrong"
    print(f"{name}: {len(numbers)} frames, {text}; from 97 on:", *numbers[97:])
PYTHON

cat >usual.py <<'PYTHON'
import av, cv2, decord
from show import number, say

with av.open("film.webm") as film:
    print("packets:", sum(1 for packet in film.demux(video=0) if packet.size))
with av.open("film.webm") as film:
    say("PyAV", [number(frame.to_ndarray(format="rgb24")) for frame in film.decode(video=0)])
capture, found = cv2.VideoCapture("film.webm"), []
for i in range(100):
    capture.set(cv2.CAP_PROP_POS_FRAMES, i)
    found.append(number(capture.read()[1]))
say("OpenCV, each at once", found)
reader = decord.VideoReader("film.webm")
say("decord2, in order", [number(reader[i].asnumpy()) for i in range(len(reader))])
numbers = [number(decord.VideoReader("film.webm")[i].asnumpy()) for i in range(len(reader))]
say("decord2, each at once", numbers)
PYTHON

cat >rust.py <<'PYTHON'
from show import number, say
from video_reader import PyVideoReader

say("video-reader-rs", [number(picture) for picture in PyVideoReader("film.webm").decode()])
PYTHON

venv/bin/python film.py
{
    venv/bin/python usual.py
    # Its wheel does not find one of the libraries that it brings.
    LD_LIBRARY_PATH=$(echo "$PWD"/venv/lib/python*/site-packages/video_reader_rs.libs) \
        venv/bin/python rust.py
} | tee seen

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
packets: 104
PyAV: 100 frames, none wrong; from 97 on: 97 98 99
OpenCV, each at once: 100 frames, none wrong; from 97 on: 97 98 99
decord2, in order: 104 frames, 4 wrong, from 100 on; from 97 on: 97 98 99 99 99 99 99
decord2, each at once: 104 frames, 62 wrong, from 42 on; from 97 on: 94 95 96 97 98 99 99
video-reader-rs: 104 frames, 4 wrong, from 100 on; from 97 on: 97 98 99 black black black black
EXPECTED
