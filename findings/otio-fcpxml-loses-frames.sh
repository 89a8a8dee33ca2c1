#!/usr/bin/env bash
# otio-fcpx-xml-adapter 1.0.0: a clip of 720 frames at 23.976 frames a second comes out with 690.
#
# Versions: OpenTimelineIO 0.18.1, otio-fcpx-xml-adapter 1.0.0.
# Final Cut's XML gives a rate as the exact duration of a frame (1001/24000s) and all times as
# exact fractions of a second, so that nothing has to be rounded.
# Behaviour: the adapter takes the whole part of the rate (23 of 23.976, 29 of 29.97, 59 of 59.94)
# and counts all times with it: of 720 frames it makes 690 at 23 a second. The seconds stay near,
# and nothing warns, while each number of a frame is 4 % short (at 29.97 and 59.94 3 % and 2 %).
# At 24 and 25 frames a second all is exact.
# What it means: who reads scenes out of Final Cut by this adapter and cuts by the numbers of frames
# cuts at wrong ones, at NTSC rates only, so that tests with 25 frames a second pass. Read the
# fractions themselves: seconds that were counted at the wrong rate are off by up to half a frame.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check OpenTimelineIO==0.18.1 \
    otio-fcpx-xml-adapter==1.0.0

venv/bin/python - <<'PYTHON' | tee seen
from fractions import Fraction
import opentimelineio as otio

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.8">
 <resources>
  <format id="r1" frameDuration="{frame}s" width="1920" height="1080"/>
  <asset id="r2" name="film" src="file:///film.mov" start="0s" duration="{film}s" hasVideo="1"
   format="r1"/>
 </resources>
 <library><event name="event"><project name="cut">
  <sequence format="r1" duration="{scene}s" tcStart="0s" tcFormat="NDF"><spine>
   <asset-clip name="scene" ref="r2" offset="0s" start="{start}s" duration="{scene}s" format="r1"
    tcFormat="NDF"/>
  </spine></sequence>
 </project></event></library>
</fcpxml>"""

NTSC = [Fraction(number * 1000, 1001) for number in (24, 30, 60)]
for rate in (Fraction(24), Fraction(25), *NTSC):
    lengths = {"film": 90000 / rate, "start": 14400 / rate, "scene": 720 / rate}
    text = DOCUMENT.format(frame=1 / rate, **lengths)
    (timeline,) = otio.adapters.read_from_string(text, "fcpx_xml")
    (clip,) = timeline.find_clips()
    read = clip.source_range
    print(
        f"{rate}: 720 frames from frame 14400 are read as {read.duration.value:g} from "
        f"{read.start_time.value:g} at {read.duration.rate:g}"
    )
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
24: 720 frames from frame 14400 are read as 720 from 14400 at 24
25: 720 frames from frame 14400 are read as 720 from 14400 at 25
24000/1001: 720 frames from frame 14400 are read as 690 from 13813 at 23
30000/1001: 720 frames from frame 14400 are read as 696 from 13933 at 29
60000/1001: 720 frames from frame 14400 are read as 708 from 14174 at 59
EXPECTED
