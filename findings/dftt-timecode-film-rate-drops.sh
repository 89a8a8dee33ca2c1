#!/usr/bin/env bash
# dftt-timecode takes every timecode at 23.976 fps for drop-frame, also with drop_frame=False.
#
# Versions: dftt-timecode 1.0.0, beside OpenTimelineIO 0.18.1.
# SMPTE ST 12-1 has drop-frame timecode for 29.97 (and 59.94) frames a second alone: at 24000/1001,
# the rate of most films and series, each label from :00 to :23 is used.
# Behaviour: at 23.976, 23.98 and 24000/1001 the library counts drop-frame, whatever it is told. It
# refuses 01:00:00:00, takes 01:00:00;00 for frame 86314 instead of 86400, and calls the frame behind
# 00:00:59;23 00:01:00;01: one or two labels are left out in each minute but every tenth. Its own
# documentation names 29.97 and multiples of that; there, and at 47.952, drop_frame=False counts.
# What it means: a list of frames that is labelled by it is off by a frame after a minute and by 86
# frames, 3.6 s, after an hour, against the timecode in the file; lists from editing programs cannot
# be read at all. At this rate use another library, or count at fps=24 and scale time by 1001/1000.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dftt-timecode==1.0.0 \
    OpenTimelineIO==0.18.1

venv/bin/python - <<'PYTHON' | tee seen
import logging

from dftt_timecode import DfttTimecode
from dftt_timecode.error import DFTTTimecodeInitializationError
from opentimelineio.opentime import RationalTime, from_timecode, to_timecode

logging.disable()


def frame_of(label, fps):
    """Which frame a label is, if there is such a label."""
    try:
        return DfttTimecode(label, fps=fps, drop_frame=False).framecount
    except DFTTTimecodeInitializationError:
        return "refused"


for fps in 23.976, 24000 / 1001, 24, 29.97, 47.952:
    labels = "01:00:00:00", "01:00:00;00"
    print(f"{fps:.3f}:", *(f"{label} is {frame_of(label, fps)}," for label in labels))
print("OpenTimelineIO: 01:00:00:00 is", int(from_timecode("01:00:00:00", 24000 / 1001).value))

frames = 1439, 1440, 1441, 86400
print("frames:        ", *frames)
for fps in 23.976, 24:
    labels = (DfttTimecode(f"{n}f", "frame", fps=fps, drop_frame=False) for n in frames)
    print(f"at {fps}:", *(label.timecode_output("smpte") for label in labels))
print("OpenTimelineIO:", *(to_timecode(RationalTime(n, 24000 / 1001), 24000 / 1001) for n in frames))
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
23.976: 01:00:00:00 is refused, 01:00:00;00 is 86314,
23.976: 01:00:00:00 is refused, 01:00:00;00 is 86314,
24.000: 01:00:00:00 is 86400, 01:00:00;00 is refused,
29.970: 01:00:00:00 is 108000, 01:00:00;00 is refused,
47.952: 01:00:00:00 is 172800, 01:00:00;00 is refused,
OpenTimelineIO: 01:00:00:00 is 86400
frames:         1439 1440 1441 86400
at 23.976: 00:00:59;23 00:01:00;01 00:01:00;02 01:00:03;14
at 24: 00:00:59:23 00:01:00:00 00:01:00:01 01:00:00:00
OpenTimelineIO: 00:00:59:23 00:01:00:00 00:01:00:01 01:00:00:00
EXPECTED
