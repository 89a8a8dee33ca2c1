#!/usr/bin/env bash
# decord2 returns other pictures than asked for around every keyframe of an ordinary HEVC file.
#
# Versions: decord2 3.4.0, imageio 2.38.1 (plugin pyav), OpenCV 5.0.0.93, PyAV 18.1.0 (libx265).
# libx265 makes open GOPs unless told otherwise: after a keyframe (CRA) come pictures that are
# shown before it and need the GOP before. A decoder that starts at the keyframe cannot show them.
# Behaviour: the file below has keyframes at 0, 20, 40, 60 and 80. decord2 says that they are at 0,
# 17, 37, 57 and 77 (it counts in the order of storage). Asked for frame 18, it starts at the wrong
# keyframe, loses the three pictures before it and counts on: it returns frame 21, with no error
# or warning; 20 of the 100 frames are wrong, and a batch of 19 to 24 is 22 to 27. Read in order,
# all are right. imageio's pyav plugin also starts at the keyframe and returns the keyframe itself
# for the three pictures before it (12 wrong). OpenCV returns all 100 rightly.
# What it means: who samples frames of HEVC clips for training, or looks at the frames around a
# cut, gets pictures and labels that do not belong together. Read such files in order, or with a
# reader that is right; encode clips that are read by index with closed GOPs (x265's no-open-gop).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check decord2==3.4.0 imageio==2.38.1 \
    opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import av, cv2, decord, imageio.v3 as iio, numpy as np

# 100 flat grey pictures, each brighter than the one before it.
with av.open("film.mp4", "w") as film:
    options = {"x265-params": "log-level=error:keyint=20:min-keyint=20:scenecut=0"}
    stream = film.add_stream("libx265", rate=25, options=options)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    for i in range(100):
        picture = np.full((96, 64), 128, np.uint8)
        picture[:64] = 20 + 2 * i
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = i
        film.mux(stream.encode(frame))
    film.mux(stream.encode())

levels = np.array([picture.mean() for picture in iio.imiter("film.mp4", plugin="pyav")])
number = lambda picture: int(np.abs(levels - np.asarray(picture).mean()).argmin())


def opencv(i):
    capture.set(cv2.CAP_PROP_POS_FRAMES, i)
    return capture.read()[1]


def say(name, read):
    got = [number(read(i)) for i in range(100)]
    wrong = sum(i != g for i, g in enumerate(got))
    print(f"{name}: {wrong} of {len(got)} wrong; 16 to 22 are {got[16:23]}")


print("keyframes, says decord2:", list(decord.VideoReader("film.mp4").get_key_indices()))
say("decord2", lambda i: decord.VideoReader("film.mp4")[i].asnumpy())
batch = decord.VideoReader("film.mp4").get_batch(range(19, 25)).asnumpy()
print("decord2, batch of 19 to 24:", [number(picture) for picture in batch])
reader = decord.VideoReader("film.mp4")
say("decord2 in order", lambda i: reader[i].asnumpy())
say("imageio pyav", lambda i: iio.imread("film.mp4", index=i, plugin="pyav"))
capture = cv2.VideoCapture("film.mp4")
say("OpenCV", opencv)
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
keyframes, says decord2: [0, 17, 37, 57, 77]
decord2: 20 of 100 wrong; 16 to 22 are [16, 20, 21, 22, 23, 24, 22]
decord2, batch of 19 to 24: [22, 23, 24, 25, 26, 27]
decord2 in order: 0 of 100 wrong; 16 to 22 are [16, 17, 18, 19, 20, 21, 22]
imageio pyav: 12 of 100 wrong; 16 to 22 are [16, 20, 20, 20, 20, 21, 22]
OpenCV: 0 of 100 wrong; 16 to 22 are [16, 17, 18, 19, 20, 21, 22]
EXPECTED
