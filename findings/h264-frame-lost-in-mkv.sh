#!/usr/bin/env bash
# FFmpeg decodes 100 frames of an H.264 stream in MP4, 99 of the same in Matroska, then 100 again.
#
# Versions: PyAV 18.1.0 (FFmpeg 8.1), OpenCV 5.0.0.93, ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1).
# A decoder must hold back as many pictures as B-frames may be out of order. An optional part of
# H.264's parameter set (VUI) says how many. Not all encoders write it; where it is missing, the
# standard has the decoder assume the most that the level allows.
# Behaviour: FFmpeg guesses instead. In MP4 the table of times tells it; in Matroska and MPEG-TS it
# takes what the first frames need. If B-frames begin later, as after a restless opening, a picture
# comes too late and is dropped: no error is raised, no frame is marked as damaged. The guess is
# then corrected for the rest of the decoder's life, so that who reads the open file again from its
# start gets all frames. The option strict=1 of the decoder prevents the loss.
# What it means: after that place each index gives the frame after the right one, and not for all:
# labels made on the MP4, or by a tool that had been there before, do not fit what a loader reads
# from the MKV, and a copy without re-encoding seems to lose a frame. Decode H.264 with strict=1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 imageio-ffmpeg==0.8.1 \
    opencv-python-headless==5.0.0.93 numpy==2.4.6

venv/bin/python - 2>/dev/null <<'PYTHON' | tee seen
import subprocess
from fractions import Fraction

import av, cv2, imageio_ffmpeg, numpy as np
from av.video.frame import PictureType

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
START = b"\0\0\0\1"


def without_vui(parameters):
    """A parameter set of the Main profile, not cropped, that ends before its VUI."""
    unescaped = parameters.replace(b"\0\0\3", b"\0\0")
    bits, at = "".join(f"{byte:08b}" for byte in unescaped), 32  # after type, profile and level

    def skip_numbers(count):
        nonlocal at
        for _ in range(count):
            at += 2 * (bits.index("1", at) - at) + 1

    skip_numbers(5)  # its own number, counters of frames and of their order, reference frames
    at += 1
    skip_numbers(2)  # width and height
    at += 3
    assert bits[at] == "1"
    bits = bits[:at] + "01"
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))


def without_any_vui(data):
    units = data.replace(START, START[1:]).split(START[1:])[1:]
    return b"".join(START + (without_vui(u) if u[0] & 31 == 7 else u) for u in units)


# 100 flat grey pictures, each brighter than the one before it; no B-frames among the first 60.
encoder = av.CodecContext.create("libx264", "w")
encoder.width, encoder.height, encoder.pix_fmt, encoder.profile = 64, 64, "yuv420p", "Main"
encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
encoder.options = {"bf": "3", "b_strategy": "0", "g": "20", "sc_threshold": "0", "qp": "10"}
packets = []
for i in range(100):
    picture = np.full((96, 64), 128, np.uint8)
    picture[:64] = 20 + 2 * i
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    frame.pts = i
    if i < 60:
        frame.pict_type = PictureType.I if i % 20 == 0 else PictureType.P
    packets += encoder.encode(frame)
packets += encoder.encode()
with open("film.h264", "wb") as raw:
    raw.write(b"".join(without_any_vui(bytes(packet)) for packet in packets))
with av.open("film.h264") as raw, av.open("film.mp4", "w") as film:
    stream = film.add_stream_from_template(raw.streams.video[0])
    for packet in packets:
        copy = av.Packet(without_any_vui(bytes(packet)))
        copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, 1
        copy.time_base, copy.is_keyframe, copy.stream = packet.time_base, packet.is_keyframe, stream
        film.mux(copy)
for other in "film.mkv", "film.ts":
    subprocess.run(FFMPEG + ["-i", "film.mp4", "-c", "copy", other], check=True)


def say(name, levels):
    numbers = [round((level - 20) / 2) for level in levels]
    missing = sorted(set(range(100)) - set(numbers))
    print(f"{name}: {len(numbers)} frames, missing {missing}, index 80 is {numbers[80]}")


def pyav(container):
    frames = container.decode(video=0)
    return [frame.to_ndarray()[:64].mean() for frame in frames if not frame.is_corrupt]




for path in "film.mp4", "film.mkv", "film.ts":
    with av.open(path) as film:
        say(f"{path}, PyAV", pyav(film))
    raw = ["-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    decoded = subprocess.run(FFMPEG + raw, check=True, capture_output=True).stdout
    say(f"{path}, ffmpeg", np.frombuffer(decoded, np.uint8).reshape(-1, 6144)[:, :4096].mean(1))
capture = cv2.VideoCapture("film.mkv")
print("film.mkv, OpenCV:", sum(1 for _ in iter(lambda: capture.read()[0], False)), "frames")
with av.open("film.mkv") as film:
    pyav(film)
    film.seek(0)
    say("film.mkv, PyAV, once more", pyav(film))
with av.open("film.mkv") as film:
    film.streams.video[0].codec_context.options = {"strict": "1"}
    say("film.mkv, PyAV, strict=1", pyav(film))
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
film.mp4, PyAV: 100 frames, missing [], index 80 is 80
film.mp4, ffmpeg: 100 frames, missing [], index 80 is 80
film.mkv, PyAV: 99 frames, missing [61], index 80 is 81
film.mkv, ffmpeg: 99 frames, missing [61], index 80 is 81
film.ts, PyAV: 99 frames, missing [61], index 80 is 81
film.ts, ffmpeg: 99 frames, missing [61], index 80 is 81
film.mkv, OpenCV: 99 frames
film.mkv, PyAV, once more: 100 frames, missing [], index 80 is 80
film.mkv, PyAV, strict=1: 100 frames, missing [], index 80 is 80
EXPECTED
