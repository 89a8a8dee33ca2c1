#!/usr/bin/env bash
# SVT-AV1 (in PyAV 18.1.0): one encoded frame makes the calling thread real-time, for good, and every
# program that it starts from then on.
#
# Versions: PyAV 18.1.0 with the libsvtav1 of its wheel, Linux, as root, as in most containers.
# Behaviour: opening the encoder puts the thread that opens it under SCHED_FIFO with priority 99,
# the highest. Closing the encoder does not undo it, and child processes inherit it. Without the
# right to do so (no root, no CAP_SYS_NICE) nothing happens.
# What it means: a worker that has written one AV1 file goes before all else on the machine. If it, or
# something that it starts, such as a browser, then waits by spinning, as many of these as there are
# cores leave no time for anything else: heartbeats stop, health checks fail, shells hang.
# Keep os.sched_getscheduler(0) and os.sched_getparam(0), and set both again after encoding.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if [[ $(id -u) != 0 ]]; then
    echo "this needs root, as a container has it" >&2
    exit 2
fi
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0

venv/bin/python - 2>/dev/null <<'PYTHON' | tee seen
import os, subprocess, sys
import av

NAMES = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO"}
SHOW = "import os; print(os.sched_getscheduler(0), os.sched_getparam(0).sched_priority)"

def scheduling():
    return f"{NAMES[os.sched_getscheduler(0)]}, priority {os.sched_getparam(0).sched_priority}"

for encoder in ("libx264", "libx265", "libvpx-vp9", "libsvtav1"):
    with av.open("out.mkv", "w") as container:
        stream = container.add_stream(encoder, 25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        container.mux(stream.encode(av.VideoFrame(320, 180, "yuv420p")))
        container.mux(stream.encode(None))
    print(f"after {encoder}: {scheduling()}")
child = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True).stdout.split()
print(f"a program started now: {NAMES[int(child[0])]}, priority {child[1]}")
PYTHON

diff - seen <<'EXPECTED' || { echo "$0: the behaviour has changed" >&2; exit 1; }
after libx264: SCHED_OTHER, priority 0
after libx265: SCHED_OTHER, priority 0
after libvpx-vp9: SCHED_OTHER, priority 0
after libsvtav1: SCHED_FIFO, priority 99
a program started now: SCHED_FIFO, priority 99
EXPECTED
