"""Chromium and Firefox without a window: what a page shows of a video.

The page gets the video as a blob, which needs no server and can be sought in.
"""

import atexit
import base64
import json
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.readers.reading import Question, Reading

_STARTING_SECONDS = 120
_SHOWING_SECONDS = 120
# Playing is at the browser's own pace: pictures may be left out, but none may be another video's.
_SHOW = """
const [content, places] = args;
const BITS = 16, STRIP_SHARE = 5, LEAST_CONTRAST = 40;
const bytes = Uint8Array.from(atob(content), each => each.charCodeAt(0));
const url = URL.createObjectURL(new Blob([bytes], {type: "video/mp4"}));
const video = document.createElement("video");
video.muted = true;
video.preload = "auto";
video.playbackRate = 4;
document.body.replaceChildren(video);
const heard = name => new Promise((done, failed) => {
    video.addEventListener(name, done, {once: true});
    const refuse = () => failed(new Error("refused: " + video.error.message));
    video.addEventListener("error", refuse, {once: true});
});
const canvas = document.createElement("canvas");
const context = canvas.getContext("2d", {willReadFrequently: true});
// As frame_number_of of the tests reads it.
const number = () => {
    const width = canvas.width = video.videoWidth, height = canvas.height = video.videoHeight;
    context.drawImage(video, 0, 0);
    const half = Math.floor(Math.floor(height / STRIP_SHARE) / 2);
    const {data} = context.getImageData(0, 0, width, 2 * half);
    const mean = (top, bottom, left, right) => {
        let sum = 0;
        for (let y = top; y < bottom; y++) for (let x = left; x < right; x++)
            for (let colour = 0; colour < 3; colour++) sum += data[4 * (y * width + x) + colour];
        return sum / (3 * (bottom - top) * (right - left));
    };
    let read = 0;
    for (let bit = 0; bit < BITS; bit++) {
        const left = Math.round(bit * width / BITS) + 1;
        const right = Math.round((bit + 1) * width / BITS) - 1;
        const upper = mean(1, half - 1, left, right);
        const lower = mean(half + 1, 2 * half - 1, left, right);
        if (Math.abs(upper - lower) < LEAST_CONTRAST) return null;
        read = read << 1 | (upper > lower);
    }
    return read;
};
const patient = async () => {
    // Loaded is not yet drawn; the video stands still, so that waiting changes nothing.
    for (let patience = 0; patience < 80; patience++) {
        const read = number();
        if (read !== null) return read;
        await new Promise(done => setTimeout(done, 25));
    }
    return null;
};
const loaded = heard("loadeddata");
video.src = url;
await loaded;
const durations = {before: video.duration};
const glimpsed = [await patient()];
let watching = true;
const watch = () => video.requestVideoFrameCallback(() => {
    if (!watching) return;
    glimpsed.push(number());
    watch();
});
watch();
const ended = heard("ended");
// It is rejected where the video is over before it has begun.
video.play().catch(() => {});
await ended;
watching = false;
glimpsed.push(await patient());
durations.after = video.duration;
const last = glimpsed[glimpsed.length - 1], first = glimpsed[0];
const shownAt = async seconds => {
    // The picture may come after "seeked"; none comes if it is the one that is shown already.
    const came = new Promise(done => video.requestVideoFrameCallback(done));
    const sought = heard("seeked");
    video.currentTime = seconds;
    await sought;
    await Promise.race([came, new Promise(done => setTimeout(done, 300))]);
    return await patient();
};
const at = [];
// A decoder that gives up here has shown the video whole before.
for (const [index, seconds] of places)
    at.push([index, video.error ? null : await shownAt(seconds).catch(() => null)]);
durations.end = video.duration;
video.removeAttribute("src");
video.load();
URL.revokeObjectURL(url);
return {glimpsed, ends: [first, last], at, durations};
"""


class Chromium:
    """Chromium of the system, led by Playwright."""

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright

        program = shutil.which("chromium")
        if program is None:
            raise ImportError("there is no program chromium")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        options += ["--autoplay-policy=no-user-gesture-required", "--disable-background-networking"]
        playwright = sync_playwright().start()
        atexit.register(playwright.stop)
        browser = playwright.chromium.launch(executable_path=program, args=options)
        self.version = browser.version
        self._page = browser.new_page()

    def read(self, question: Question) -> Reading:
        """Read a video."""
        script = "async (args) => {" + _SHOW + "}"
        return _reading(self._page.evaluate(script, _arguments(question)))


class Firefox:
    """Firefox of the system, led by Marionette."""

    def __init__(self) -> None:
        from marionette_driver.marionette import Marionette

        program = shutil.which("firefox-esr") or shutil.which("firefox")
        if program is None:
            raise ImportError("there is no program firefox-esr")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        profile = tempfile.TemporaryDirectory()
        atexit.register(profile.cleanup)
        prefs = {"marionette.port": port, "media.autoplay.default": 0}
        prefs["media.autoplay.blocking_policy"] = 0
        lines = (f"user_pref({json.dumps(name)}, {value});\n" for name, value in prefs.items())
        Path(profile.name, "user.js").write_text("".join(lines))
        # Marionette would start it in a session of its own, where it outlives a process that hangs.
        command = [program, "--headless", "--no-remote", "--marionette", "--profile", profile.name]
        firefox = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(firefox.terminate)
        self._firefox = Marionette(host="127.0.0.1", port=port)
        self._firefox.start_session(timeout=_STARTING_SECONDS)
        self._firefox.timeout.script = _SHOWING_SECONDS
        # Its page of welcome must not play blobs.
        self._firefox.navigate("about:blank")
        self.version = self._firefox.session_capabilities["browserVersion"]

    def read(self, question: Question) -> Reading:
        """Read a video."""
        script = """
            const args = arguments[0], done = arguments[arguments.length - 1];
            const show = async () => {%s};
            show().then(done, error => done({error: String(error)}));
        """
        shown = self._firefox.execute_async_script(script % _SHOW, [_arguments(question)])
        if "error" in shown:
            raise RuntimeError(shown["error"])
        return _reading(shown)


def _arguments(question: Question) -> list[Any]:
    content = base64.b64encode(question.path.read_bytes()).decode()
    # Each frame in turn, and then back and forth.
    indices = [*range(len(question.boundaries_seconds) - 1), *question.indices]
    return [content, [[index, question.middle_seconds(index)] for index in indices]]


def _reading(shown: dict[str, Any]) -> Reading:
    return Reading(
        glimpsed=shown["glimpsed"],
        ends=shown["ends"],
        at=[(index, number) for index, number in shown["at"]],
        durations=shown["durations"],
    )
