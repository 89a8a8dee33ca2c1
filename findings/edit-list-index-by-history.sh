#!/usr/bin/env bash
# decord2 3.4.0: what frame 30 of a losslessly cut MP4 is depends on what was read before it.
#
# Versions: decord2 3.4.0, PyAV 18.1.0 (libx264), ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1).
# "ffmpeg -ss 0.68 -c copy" writes the packets from the keyframe before 0.68 s on, and an edit list
# that hides the 17 frames of lead-in: a reader that heeds it shows source frame 17 first.
# Behaviour: in order, decord2 shows the clip rightly (17, 18 ... 56), then repeats the last picture
# 17 times, for its length counts the hidden frames (57 for 40). Index 30 is source frame 47 to a
# reader that came there in order, but source frame 30 to a reader that is asked for 30 at once:
# from the first keyframe inside the clip on, asking at once counts stored frames, not shown ones.
# What it means: a data set of lossless clips gives a random sampler other pictures than it gave
# the labelling tool that played the clip, off by the hidden lead-in, and frozen pictures at the
# end. Take the number of frames from a reader that decodes, re-encode, or index by time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check decord2==3.4.0 imageio-ffmpeg==0.8.1 \
    av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import av, decord, imageio_ffmpeg, numpy as np, subprocess

# 100 flat grey pictures, each brighter than the one before it, a keyframe every 25.
with av.open("film.mp4", "w") as film:
    options = {"g": "25", "bf": "0", "sc_threshold": "0"}
    stream = film.add_stream("libx264", rate=25, options=options)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for i in range(100):
        picture = np.full((96, 64), 128, np.uint8)
        picture[:64] = 20 + 2 * i
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = i
        film.mux(stream.encode(frame))
    film.mux(stream.encode())
ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
cut = ["-ss", "0.68", "-i", "film.mp4", "-t", "1.6", "-c", "copy", "clip.mp4"]
subprocess.run(ffmpeg + cut, check=True)

levels = np.array([picture.asnumpy().mean() for picture in decord.VideoReader("film.mp4")])
number = lambda picture: int(np.abs(levels - picture.mean()).argmin())

with av.open("clip.mp4") as clip:
    shown = [number(frame.to_ndarray(format="rgb24")) for frame in clip.decode(video=0)]
print("PyAV shows", len(shown), "frames:", shown[:3], "...", shown[-3:])
reader = decord.VideoReader("clip.mp4")
print("decord2 counts", len(reader))
in_order = [number(reader[i].asnumpy()) for i in range(len(reader))]
print("in order:", in_order[:3], "... and", in_order.count(56), "times 56")
at_once = [number(decord.VideoReader("clip.mp4")[i].asnumpy()) for i in range(40)]
print("index 30 in order:", in_order[30], "and at once:", at_once[30])
different = [i for i in range(40) if in_order[i] != at_once[i]]
print("different:", len(different), "indices, from", different[0], "to", different[-1])
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
PyAV shows 40 frames: [17, 18, 19] ... [54, 55, 56]
decord2 counts 57
in order: [17, 18, 19] ... and 18 times 56
index 30 in order: 47 and at once: 30
different: 15 indices, from 25 to 39
EXPECTED
