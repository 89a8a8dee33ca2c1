"""Firefox for tests, without a window: spoken to by its own remote protocol, Marionette.

Playwright drives only a Firefox of its own making, and that of the distribution comes without
geckodriver.
"""

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

START_SECONDS = 60
REPLY_SECONDS = 240
"""A browser that says nothing for so long hangs: it has 60 s for a page or a script."""
_PROGRAMS = ("firefox-esr", "firefox")
_PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.autoplay.default": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class FirefoxPage:
    """The one page of a browser that runs."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._number = 0

    def goto(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""
        self.send("WebDriver:Navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, or what a promise gives."""
        script = f"const done = arguments[0]; Promise.resolve({expression}).then(done);"
        reply = self.send("WebDriver:ExecuteAsyncScript", script=script, args=[])
        return reply["value"]

    def press(self, key: str) -> None:
        """Press one key, a character of WebDriver."""
        steps = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": steps}
        self.send("WebDriver:PerformActions", actions=[keyboard])

    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""
        reply = self.send("WebDriver:TakeScreenshot", full=False, hash=False)
        return base64.b64decode(reply["value"])

    def send(self, command: str, **arguments: Any) -> Any:
        """Send a command, and wait for its reply.

        Raises:
            RuntimeError: The browser refuses it.
        """
        self._number += 1
        data = json.dumps([0, self._number, command, arguments]).encode()
        self._connection.sendall(b"%d:%s" % (len(data), data))
        _, _, error, result = self.receive()
        if error:
            raise RuntimeError(f"{command}: {error}")
        return result

    def receive(self) -> Any:
        """The next message: a number of bytes, a colon, and JSON of that length."""
        digits = b""
        while (digit := self._read(1)) != b":":
            digits += digit
        return json.loads(self._read(int(digits)))

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._connection.recv(count - len(data))
            if not part:
                raise ConnectionError("Firefox has hung up")
            data += part
        return data


@contextmanager
def open_firefox() -> Iterator[FirefoxPage]:
    """A page of a browser that lasts as long as the block; without Firefox the test is skipped."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("firefox is missing: install the package firefox-esr")
    with TemporaryDirectory(prefix="heaters-firefox-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        # It takes a free port, and says which.
        preferences = {**_PREFERENCES, "marionette.port": 0}
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
        (profile / "user.js").write_text("\n".join(lines))
        command = [program, "--headless", "--no-remote", "--marionette", "--profile", folder]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, **quiet)
        try:
            address = "127.0.0.1", _port(profile, process)
            with socket.create_connection(address, timeout=REPLY_SECONDS) as connection:
                page = FirefoxPage(connection)
                page.receive()
                page.send("WebDriver:NewSession", capabilities={})
                page.send("WebDriver:SetTimeouts", script=60_000, pageLoad=60_000)
                page.send("WebDriver:SetWindowRect", width=1280, height=900)
                yield page
        finally:
            # Asked to end, it may wait for ever for a page; its profile is thrown away.
            process.kill()
            process.wait()


def _port(profile: Path, process: subprocess.Popen[bytes]) -> int:
    """The port that the browser took, once it has written it down."""
    give_up = time.monotonic() + START_SECONDS
    written = profile / "MarionetteActivePort"
    while process.poll() is None and time.monotonic() < give_up:
        if written.is_file() and (port := written.read_text().strip()):
            return int(port)
        time.sleep(0.1)
    raise RuntimeError("Firefox does not start")
