#!/usr/bin/env bash
# smartcut 1.7 keeps the last frame of a clip in the MP4 file, but FFmpeg-based readers hide it.
#
# Versions: smartcut 1.7 with PyAV 16.0.1 (which it asks for), OpenCV 5.0.0.93.
# smartcut cuts at exact frames and re-encodes only around the cuts.
# Behaviour: "--keep 2,4", 2 s to 4 s of a 25 fps film, gives 50 frames in MKV, but 49
# in MP4, in PyAV and in OpenCV. The MP4 holds all 50; but the last packet was muxed without a
# duration, so the sample table gives it 0 ticks, the edit list ends where it begins, and FFmpeg
# discards it. Where the clip goes up to the film's end, nothing is lost.
# What it means: every MP4 clip that ends inside a film is one frame short; who compares counts
# blames the cutting, though the file has the frame. Cut into MKV, or read with FFmpeg's option
# ignore_editlist where no lead-in is hidden. Who muxes packets with PyAV 16 must give the last
# one a duration (18.1 makes it as long as the frame before).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check smartcut==1.7 av==16.0.1 \
    opencv-python-headless==5.0.0.93 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import av, cv2, numpy as np, struct, subprocess

with av.open("film.mp4", "w") as film:
    stream = film.add_stream("libx264", rate=25, options={"g": "30"})
    stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
    for i in range(150):
        picture = np.full((96, 128, 3), i, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = i
        film.mux(stream.encode(frame))
    film.mux(stream.encode())


def decoded(path, **options):
    with av.open(path, options=options) as clip:
        return sum(1 for _ in clip.decode(video=0))


def opencv(path):
    capture = cv2.VideoCapture(path)
    return sum(1 for _ in iter(lambda: capture.read()[0], False))


for path, keep in ("clip.mkv", "2,4"), ("clip.mp4", "2,4"), ("end.mp4", "2,end"):
    command = ["venv/bin/smartcut", "film.mp4", path, "--keep", keep]
    subprocess.run(command, check=True, capture_output=True)
    print(f"{path}, {keep} s: PyAV {decoded(path)}, OpenCV {opencv(path)} frames")
data = open("clip.mp4", "rb").read()
at = data.index(b"stts") + 8  # after the name, version and flags: how many, then pairs
runs = struct.unpack_from(">I", data, at)[0]
table = struct.unpack_from(f">{2 * runs}I", data, at + 4)
print("clip.mp4, frames and their ticks:", list(zip(table[::2], table[1::2])))
print(f"clip.mp4, ignore_editlist: {decoded('clip.mp4', ignore_editlist='1')} frames")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
clip.mkv, 2,4 s: PyAV 50, OpenCV 50 frames
clip.mp4, 2,4 s: PyAV 49, OpenCV 49 frames
end.mp4, 2,end s: PyAV 100, OpenCV 100 frames
clip.mp4, frames and their ticks: [(49, 512), (1, 0)]
clip.mp4, ignore_editlist: 50 frames
EXPECTED
