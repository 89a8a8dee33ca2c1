#!/usr/bin/env bash
# FFmpeg writes an MP4 whose first chapter begins at 1 s, and reads it back as beginning at 0.
#
# Version: PyAV 18.1.0 with the FFmpeg that its wheel brings (libavformat 62).
# An MP4 of FFmpeg holds its chapters twice: in the list `chpl` of Nero, which has a start for each,
# and in a track of text as QuickTime has it, where a chapter lasts until the next one begins.
# Behaviour: the two disagree. Of chapters 1-2 s and 3-4 s the list has the right starts, 1 and 3;
# in the track the first begins at 0, since no empty edit delays it, and it goes on to 3 s, since
# samples leave no gap. FFmpeg itself reads the track if there is one, so that
# what it wrote comes back as 0-3 s and 3-4 s. Chapters that overlap are cut where the next begins.
# Matroska and NUT keep all times. Nothing warns.
# What it means: chapters that leave parts out (a highlight reel, scenes without those that were
# rejected, an intro to be skipped) cover those parts after a copy into MP4, and which start a
# player shows depends on which of the two it reads. Keep such chapters in Matroska, or give the
# gaps chapters of their own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0 numpy==2.4.6

venv/bin/python - <<'PYTHON' | tee seen
import struct
from fractions import Fraction

import av
import numpy as np


def write(name, chapters):
    """Five seconds of video with chapters, given in seconds."""
    with av.open(name, "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.set_chapters(
            [
                {
                    "id": number,
                    "start": start * 1000,
                    "end": end * 1000,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for number, (title, start, end) in enumerate(chapters, start=1)
            ]
        )
        picture = np.full((64, 64, 3), 128, np.uint8)
        for _ in range(125):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def chapters_read(name):
    """What FFmpeg reads."""
    with av.open(name) as container:
        return [
            f"{each['metadata']['title']} {float(each['start'] * each['time_base']):g}-"
            f"{float(each['end'] * each['time_base']):g}"
            for each in container.chapters()
        ]


def starts_in_list(name):
    """The starts in the box ``chpl``, which counts units of 100 ns."""
    data = open(name, "rb").read()
    at = data.index(b"chpl") + 4
    count, at = data[at + 8], at + 9
    starts = []
    for _ in range(count):
        start, length = struct.unpack_from(">QB", data, at)
        title = data[at + 9 : at + 9 + length].decode()
        starts.append(f"{title} {start / 10_000_000:g}")
        at += 9 + length
    return starts


for case, chapters in {
    "apart": [("A", 1, 2), ("B", 3, 4)],
    "overlap": [("A", 0, 3), ("B", 2, 4)],
}.items():
    print(f"{case}, written:", *(f"{title} {start}-{end}" for title, start, end in chapters))
    for kind in "mp4", "mov", "mkv", "nut":
        write(f"{case}.{kind}", chapters)
        print(f"  {kind}, read:", *chapters_read(f"{case}.{kind}"))
    print("  mp4, starts in chpl:", *starts_in_list(f"{case}.mp4"))
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
apart, written: A 1-2 B 3-4
  mp4, read: A 0-3 B 3-4
  mov, read: A 0-3 B 3-4
  mkv, read: A 1-2 B 3-4
  nut, read: A 1-2 B 3-4
  mp4, starts in chpl: A 1 B 3
overlap, written: A 0-3 B 2-4
  mp4, read: A 0-2 B 2-4
  mov, read: A 0-2 B 2-4
  mkv, read: A 0-3 B 2-4
  nut, read: A 0-3 B 2-4
  mp4, starts in chpl: A 0 B 2
EXPECTED
