#!/usr/bin/env bash
# imageio's FFMPEG plugin adds frames that the file does not have when the sound starts first.
#
# Versions: imageio 2.38.1, imageio-ffmpeg 0.8.1 (ffmpeg 9.0.2), PyAV 18.1.0, OpenCV 5.0.0.93.
# The file below has 50 frames at exactly 25 fps, from 1 s on, and sound from 0 s on, as in many a
# clip that was cut or recorded live.
# Behaviour: imageio.v3.imiter with the FFMPEG plugin gives 75 frames: the first one 26 times, then
# the rest. It asks ffmpeg for raw video, a format without timestamps, for which ffmpeg fills every
# gap to a constant rate. The same pictures without the sound track are 50 frames, as the file then
# starts with the first picture. PyAV, OpenCV and imageio's own pyav plugin give 50 both times.
# What it means: frame numbers depend on the sound: labels made on a silent copy are off by 25
# frames on the clip with sound, and a shot detector sees a still second that nobody filmed. Use
# the pyav plugin, or pass output_params=["-fps_mode", "passthrough"].
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check imageio==2.38.1 imageio-ffmpeg==0.8.1 \
    opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import av, cv2, imageio.v3 as iio, numpy as np


def write(path, with_sound):
    """50 flat grey pictures, each brighter than the one before it, shown from 1 s on."""
    with av.open(path, "w") as film:
        video = film.add_stream("libx264", rate=25, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        if with_sound:
            sound = film.add_stream("aac", rate=48000, layout="mono")
            for start in range(0, 3 * 48000, 1024):
                samples = np.zeros((1, 1024), np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = 48000, start
                film.mux(sound.encode(frame))
            film.mux(sound.encode())
        for i in range(50):
            picture = np.full((96, 64), 128, np.uint8)
            picture[:64] = 20 + 4 * i
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = 25 + i
            film.mux(video.encode(frame))
        film.mux(video.encode())


def describe(pictures):
    levels = [round(float(picture.mean())) for picture in pictures]
    return f"{len(levels)} frames, {levels.count(levels[0])} of them the first"


def opencv(path):
    capture = cv2.VideoCapture(path)
    while (read := capture.read())[0]:
        yield read[1]


for name, with_sound in ("sound", True), ("silent", False):
    write("clip.mp4", with_sound)
    print(f"{name}: imageio FFMPEG: {describe(iio.imiter('clip.mp4', plugin='FFMPEG'))}")
    passed = iio.imiter("clip.mp4", plugin="FFMPEG", output_params=["-fps_mode", "passthrough"])
    print(f"{name}: imageio FFMPEG, passthrough: {describe(passed)}")
    print(f"{name}: imageio pyav: {describe(iio.imiter('clip.mp4', plugin='pyav'))}")
    print(f"{name}: OpenCV: {describe(opencv('clip.mp4'))}")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
sound: imageio FFMPEG: 75 frames, 26 of them the first
sound: imageio FFMPEG, passthrough: 50 frames, 1 of them the first
sound: imageio pyav: 50 frames, 1 of them the first
sound: OpenCV: 50 frames, 1 of them the first
silent: imageio FFMPEG: 50 frames, 1 of them the first
silent: imageio FFMPEG, passthrough: 50 frames, 1 of them the first
silent: imageio pyav: 50 frames, 1 of them the first
silent: OpenCV: 50 frames, 1 of them the first
EXPECTED
