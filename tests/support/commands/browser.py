"""A page as Chromium shows it: real keys and a real pointer, any width, light or dark, through the DevTools protocol on a pipe."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
#: the options of every run: no network of the browser's own, no sandbox (which needs rights that a container lacks)
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
#: becomes the browser, with the pipe's ends as 3 and 4, where it expects them; through numbers that neither end has
_PIPED = """import os, sys
for source, target in ((int(sys.argv[1]), 103), (int(sys.argv[2]), 104), (103, 3), (104, 4)):
    os.dup2(source, target)
os.execv(sys.argv[3], sys.argv[3:])"""
#: key -> (code, key code, text) for `Window.press`
_KEYS = {
    "Tab": ("Tab", 9, ""), "Escape": ("Escape", 27, ""), "Enter": ("Enter", 13, "\r"), " ": ("Space", 32, " "),
    "ArrowDown": ("ArrowDown", 40, ""), "ArrowUp": ("ArrowUp", 38, ""), "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""), "/": ("Slash", 191, "/"),
}  # fmt: skip


@final
class Window:
    """One window; `opened` makes it."""

    def __init__(self, send: Any, receive: Any) -> None:
        self._send, self._receive = send, receive
        self._count, self._session = 0, ""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Page.enable")

    def _call(self, method: str, **arguments: Any) -> Any:
        self._count += 1
        number = self._count
        message = {"id": number, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        self._send.write(json.dumps(message).encode() + b"\0")
        self._send.flush()
        while (answer := self._next()).get("id") != number:
            pass
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        read = bytearray()
        while (char := self._receive.read(1)) not in (b"\0", b""):
            read += char
        assert char, "the browser has ended"
        return json.loads(read)

    def show(
        self,
        page: Path,
        width: int = 1280,
        height: int = 900,
        *,
        dark: bool = False,
        scripts: bool = True,
        media: str = "screen",
    ) -> None:
        """Load `page` in a window of that size, in a light or a dark scheme, with or without scripts, or as it is printed."""
        self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._call("Page.navigate", url=page.absolute().as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def run(self, script: str) -> Any:
        """The value of an expression on the page, awaited if it is a promise."""
        found = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and let go of a key."""
        code, number, text = _KEYS[key]
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number, text=text)

    def point(self, x: float, y: float, *, click: bool = False) -> None:
        """Move the pointer there, and click."""
        self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased") if click else ():
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def middle(self, element: str) -> tuple[float, float]:
        """Where to point for an element, given as an expression; it is scrolled into view."""
        self.run(f"({element}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.run(f"(r => [r.x + r.width / 2, r.y + r.height / 2])(({element}).getClientRects()[0])")
        return x, y

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot")["data"])


@contextmanager
def opened(profile: Path) -> Generator[Window, None, None]:
    """A browser with one window, and its profile in a folder of its own."""
    to_browser, send = os.pipe()
    receive, from_browser = os.pipe()
    process = subprocess.Popen(
        [
            sys.executable, "-c", _PIPED, str(to_browser), str(from_browser),
            str(BROWSER), *OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
        ],
        pass_fds=(to_browser, from_browser),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_browser)
    os.close(from_browser)
    with os.fdopen(send, "wb") as sending, os.fdopen(receive, "rb") as receiving:
        try:
            yield Window(sending, receiving)
        finally:
            process.terminate()
            process.wait(timeout=20)


AXE = Path(__file__).parents[3] / ".ci" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
AXE_HINT = "needs axe-core: npm install --prefix .ci/axe --no-package-lock --ignore-scripts"
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason=AXE_HINT)
#: what may not be on a page, of axe-core's four kinds
GRAVE = ("serious", "critical")


def faults(window: Window, page: Path, width: int, *, dark: bool = False, formulas: bool = True) -> list[str]:
    """The faults of access that axe-core finds on a page in a window of that width, serious or critical: rule and place.

    Args:
        formulas: also inside formulas, which have the colours of the text around them and are most of a report's elements.
    """
    window.show(page, width, dark=dark)
    # what is folded, it passes over
    window.run("for (const part of document.querySelectorAll('details')) part.open = true")
    if not formulas:
        window.run("for (const part of document.querySelectorAll('math')) part.replaceChildren()")
    window.run(AXE.read_text(encoding="utf-8") + "; 0")
    found = window.run("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)")
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:120]}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
