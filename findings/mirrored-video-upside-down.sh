#!/usr/bin/env bash
# A video mirrored by its display matrix is turned upside down by OpenCV and decord2.
#
# Versions: OpenCV 5.0.0.93, decord2 3.4.0, PyAV 18.1.0, ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1).
# An MP4's display matrix can mirror as well as rotate; some front cameras do that.
# The file below has a bright quarter at the top left of the coded picture.
# Behaviour: mirrored left to right, ffmpeg shows it at the top right. OpenCV and decord2, which
# turn pictures by the matrix, too, take only its angle, which comes out as 180 degrees: the quarter
# is at the bottom right. PyAV's frame.rotation says -180 and leaves the turning to its user, who
# will do the same. Mirrored top to bottom, the angle is 0: OpenCV and decord2 change nothing.
# No reader warns.
# What it means: the same clip is upright for people and upside down for the model or the shot
# detector. Read the matrix (its determinant is negative when it mirrors), or decode through
# ffmpeg's filters; when cutting, write the pictures already oriented.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 \
    decord2==3.4.0 av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import av, cv2, decord, imageio_ffmpeg, numpy as np, subprocess

ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]

with av.open("plain.mp4", "w") as film:
    stream = film.add_stream("libx264", rate=25)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
    picture = np.full((96, 64), 128, np.uint8)
    picture[:64] = 16
    picture[:32, :32] = 235
    for i in range(10):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = i
        film.mux(stream.encode(frame))
    film.mux(stream.encode())


def bright(picture):
    """Which quarter is the bright one."""
    quarters = {
        f"{vertical} {side}": picture[32 * y :, 32 * x :][:32, :32].mean()
        for y, vertical in enumerate(("top", "bottom"))
        for x, side in enumerate(("left", "right"))
    }
    return max(quarters, key=quarters.get)


for flag in "-display_hflip", "-display_vflip":
    subprocess.run(ffmpeg + ["-y", flag, "-i", "plain.mp4", "-c", "copy", "flip.mp4"], check=True)
    raw = ["-i", "flip.mp4", "-frames:v", "1", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    shown = subprocess.run(ffmpeg + raw, check=True, capture_output=True).stdout
    print(flag, "ffmpeg:", bright(np.frombuffer(shown, np.uint8).reshape(64, 64)))
    capture = cv2.VideoCapture("flip.mp4")
    angle = capture.get(cv2.CAP_PROP_ORIENTATION_META)
    print(flag, "OpenCV:", bright(capture.read()[1]), "by", angle)
    print(flag, "decord2:", bright(decord.VideoReader("flip.mp4")[0].asnumpy()))
    with av.open("flip.mp4") as film:
        print(flag, "PyAV's rotation:", next(film.decode(video=0)).rotation)
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
-display_hflip ffmpeg: top right
-display_hflip OpenCV: bottom right by 180.0
-display_hflip decord2: bottom right
-display_hflip PyAV's rotation: -180
-display_vflip ffmpeg: bottom left
-display_vflip OpenCV: top left by 0.0
-display_vflip decord2: top left
-display_vflip PyAV's rotation: 0
EXPECTED
