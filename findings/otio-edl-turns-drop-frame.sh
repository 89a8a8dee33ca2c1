#!/usr/bin/env bash
# OpenTimelineIO reads a non-drop-frame EDL and writes it back with drop-frame timecodes.
#
# Versions: OpenTimelineIO 0.18.1, otio-cmx3600-adapter 1.0.0.
# A CMX 3600 EDL for 29.97 Hz says in its FCM line how its timecodes count: NON-DROP FRAME, every
# number used, or DROP FRAME, some numbers left out to follow the clock.
# Behaviour: read with rate=30000/1001, the event at 01:00:00:00 rightly becomes frame 108000. The
# adapter ignores the FCM line and forgets the mode; writing the timeline unchanged takes drop-frame
# for any rate near 29.97 (or 59.94): the event now starts at 01:00:03;18, and there is no FCM line
# to say so. A drop-frame EDL keeps its timecodes (but loses the FCM line, too).
# What it means: a list of cuts that passes through OpenTimelineIO no longer matches the timecode
# in the source's own track or the burnt-in one; read as non-drop-frame, as the source is, its
# clips are cut 3.6 s late an hour into the reel. Write EDLs of non-drop-frame material yourself,
# or exchange such timelines as OTIO files, which count frames.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check OpenTimelineIO==0.18.1 \
    otio-cmx3600-adapter==1.0.0

venv/bin/python - <<'PYTHON' | tee seen
import opentimelineio as otio


def times(edl):
    """The FCM line, if any, and the source's start and end."""
    lines = edl.splitlines()
    mode = [line for line in lines if line.startswith("FCM")] or ["no FCM line"]
    return mode + next(line.split()[4:6] for line in lines if line.startswith("001"))


for mode, mark in ("NON-DROP FRAME", ":"), ("DROP FRAME", ";"):
    start, end = f"01:00:00{mark}00", f"01:00:10{mark}00"
    edl = (
        f"TITLE: REEL\nFCM: {mode}\n\n"
        f"001  TAPE1    V     C        {start} {end} {start} {end}\n"
        "* FROM CLIP NAME: SHOT\n"
    )
    timeline = otio.adapters.read_from_string(edl, "cmx_3600", rate=30000 / 1001)
    clip = timeline.video_tracks()[0][0]
    print("read:   ", *times(edl))
    print("frame:  ", int(clip.source_range.start_time.value))
    print("written:", *times(otio.adapters.write_to_string(timeline, "cmx_3600")))
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
read:    FCM: NON-DROP FRAME 01:00:00:00 01:00:10:00
frame:   108000
written: no FCM line 01:00:03;18 01:00:13;18
read:    FCM: DROP FRAME 01:00:00;00 01:00:10;00
frame:   107892
written: no FCM line 01:00:00;00 01:00:10;00
EXPECTED
