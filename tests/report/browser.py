"""Chromium without a window, by its DevTools protocol: what a reader would see, and complaints."""

import itertools
import json
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
PATIENCE = 30.0
"""Seconds until a browser that does not answer is given up."""


def executable() -> str | None:
    """Return the path of a Chromium, if one is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A tab.

    Attributes:
        events: all that the browser reported, in order.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self.events: list[dict[str, Any]] = []
        self._connection = connection
        self._ids = itertools.count()
        self._session: dict[str, str] = {}
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(
        self, where: Path | str, width: int, scheme: str = "light", *, scripts: bool = True
    ) -> None:
        """Load a file or an address as on a screen of some width (pixels), light or dark."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", features=features)
        self._call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self._call("Page.navigate", url=where.as_uri() if isinstance(where, Path) else where)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self._receive()
        before = b""  # what depends on whether something scrolls is settled a frame later
        while (now := self.screenshot()) != before:
            before = now

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression in JavaScript, or what a promise comes to."""
        how = {"returnByValue": True, "awaitPromise": True}
        asked = self._call("Runtime.evaluate", expression=expression, **how)
        return asked["result"]["value"]

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for, but data in the page itself."""
        urls = [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in urls if not url.startswith("data:")]

    def complaints(self) -> list[dict[str, Any]]:
        """Return what a console would show."""
        loud = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [event["params"] for event in self.events if event["method"] in loud]

    def screenshot(self, *, whole: bool = False) -> bytes:
        """Return the picture of the screen, or of the whole page, as PNG."""
        shot = self._call(
            "Page.captureScreenshot", captureBeyondViewport=whole, **self._clip(whole)
        )
        return b64decode(shot["data"])

    def _clip(self, whole: bool) -> dict[str, Any]:
        if not whole:
            return {}
        size = self._call("Page.getLayoutMetrics")["cssContentSize"]
        return {"clip": {**size, "scale": 1}}

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params, **self._session}
        self._connection.send(json.dumps(message))
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self) -> dict[str, Any]:
        answer = json.loads(self._connection.recv(PATIENCE))
        if "method" in answer:
            self.events.append(answer)
        return answer


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Page]:
    """Yield a tab of a browser of its own, which ends with the block."""
    port = profile / "DevToolsActivePort"
    with subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not (port.exists() and port.read_text().count("\n")):
                assert process.poll() is None, f"{program} ended at once"
                assert time.monotonic() < deadline, f"{program} does not listen"
                time.sleep(0.05)
            number, path = port.read_text().splitlines()
            address = f"ws://127.0.0.1:{number}{path}"
            with connect(address, max_size=None, proxy=None) as connection:
                yield Page(connection)
        finally:
            process.terminate()
