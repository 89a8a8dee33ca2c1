#!/usr/bin/env bash
# yt-dlp saves 2 s of a 10 s DASH video as complete; Streamlink finds no segment of it at all.
#
# Versions: yt-dlp 2026.10.26, Streamlink 8.6.3, ffmpeg 9.0.2 (in imageio-ffmpeg 0.8.1).
# A DASH manifest lists the lengths of its segments: <S t="0" d="25600" r="4"/> is one of them and
# four more. By ISO/IEC 23009-1 a negative r is "until the next S, or until the Period ends".
# Behaviour: with r="4" all three find the five segments, 250 frames. With r="-1" yt-dlp takes 0
# instead: it downloads one segment, says 100 % and exits with 0. Streamlink makes no segment of it.
# ffmpeg reads all 250 frames if the Period has a duration of its own; where only the whole
# presentation has one, which is just as valid, it refuses the manifest.
# What it means: a collection of downloaded videos holds the first seconds of some, with nothing in
# any log: shots are missing, and what is there looks like a short video. Compare what was saved
# with the manifest's mediaPresentationDuration, or let ffmpeg read the manifest.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check yt-dlp==2026.10.26 streamlink==8.6.3 \
    imageio-ffmpeg==0.8.1 av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import functools, http.server, subprocess, sys, threading
from pathlib import Path

import av, imageio_ffmpeg, numpy as np
from streamlink import Streamlink

FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
SEVERAL = '<S t="0" d="25600" r="{}" />'

# 250 frames at 25 a second, a keyframe every 50.
with av.open("film.mp4", "w") as film:
    options = {"g": "50", "sc_threshold": "0", "bf": "0"}
    stream = film.add_stream("libx264", rate=25, options=options)
    stream.width, stream.height, stream.pix_fmt = 128, 64, "yuv420p"
    for i in range(250):
        frame = av.VideoFrame.from_ndarray(np.full((96, 128), i, np.uint8), format="yuv420p")
        frame.pts = i
        film.mux(stream.encode(frame))
    film.mux(stream.encode())
Path("dash").mkdir()
dash = ["-f", "dash", "-seg_duration", "2", "-use_template", "1", "-use_timeline", "1"]
subprocess.run(FFMPEG + ["-i", "film.mp4", "-c", "copy", *dash, "dash/film.mpd"], check=True)
manifest = Path("dash/film.mpd").read_text()
assert SEVERAL.format(4) in manifest and 'mediaPresentationDuration="PT10.0S"' in manifest


def frames(path):
    """How many pictures a file has."""
    with av.open(path) as film:
        return sum(1 for _ in film.decode(video=0))


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".mpd": "application/dash+xml", ".m4s": "video/iso.segment"}

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Quiet, directory="dash")
)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/film.mpd"
TIMED, PLAIN = '<Period duration="PT10S" ', "<Period "
for repeats, period in (4, TIMED), (-1, TIMED), (-1, PLAIN):
    text = manifest.replace(SEVERAL.format(4), SEVERAL.format(repeats))
    Path("dash/film.mpd").write_text(text.replace("<Period ", period))
    print(f'r="{repeats}", {period}...>')
    command = FFMPEG + ["-y", "-i", url, "-c", "copy", "ffmpeg.mp4"]
    read = subprocess.run(command, capture_output=True)
    print("  ffmpeg:", f"{frames('ffmpeg.mp4')} frames" if read.returncode == 0 else "refused")
    command = [sys.executable, "-m", "yt_dlp", "--ignore-config", "--force-overwrites"]
    command += ["--ffmpeg-location", FFMPEG[0], "-o", "yt-dlp.mp4", url]
    read = subprocess.run(command, capture_output=True, text=True)
    print(f"  yt-dlp: {frames('yt-dlp.mp4')} frames, exit code {read.returncode},", end=" ")
    print("100 %" if "100% of" in read.stdout else "less than 100 %")
    (found,) = set(Streamlink().streams(url).values())
    representation = found.mpd.periods[0].adaptationSets[0].representations[0]
    segments = [part for part in representation.segments(representation.ident) if not part.init]
    print("  Streamlink:", len(segments), "segments")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
r="4", <Period duration="PT10S" ...>
  ffmpeg: 250 frames
  yt-dlp: 250 frames, exit code 0, 100 %
  Streamlink: 5 segments
r="-1", <Period duration="PT10S" ...>
  ffmpeg: 250 frames
  yt-dlp: 50 frames, exit code 0, 100 %
  Streamlink: 0 segments
r="-1", <Period ...>
  ffmpeg: refused
  yt-dlp: 50 frames, exit code 0, 100 %
  Streamlink: 0 segments
EXPECTED
