"""A browser that is driven: clicks, keys and pictures, over the pipe that Chromium offers to programs."""

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.conftest import FLAGS

PATIENCE_SECONDS = 30.0


class Page:
    """One page. Every call waits for its answer."""

    def __init__(self, asking: int, answering: int) -> None:
        self._out, self._in = os.fdopen(asking, "wb", buffering=0), os.fdopen(answering, "rb")
        self._pending, self._count = b"", 0
        target = self._call("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        attached = self._call("Target.attachToTarget", {"targetId": target, "flatten": True}, None)
        self._session = attached["sessionId"]

    def _call(self, method: str, values: dict[str, Any], session: str | None) -> Any:
        self._count += 1
        message = {"id": self._count, "method": method, "params": values}
        self._out.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            while b"\0" not in self._pending:
                part = os.read(self._in.fileno(), 1 << 20)
                assert part, "the browser is gone"
                self._pending += part
            one, _, self._pending = self._pending.partition(b"\0")
            answer = json.loads(one)
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def call(self, method: str, **values: Any) -> Any:
        """One command of the DevTools protocol."""
        return self._call(method, values, self._session)

    def size(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def value(self, script: str) -> Any:
        """What an expression of the page gives."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until the expression holds."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.value(f"Boolean({condition})"):
            assert time.monotonic() < end, f"never: {condition}\n{self.value('document.body?.innerText')}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """A click where the element stands, so that what covers it would be hit instead."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(f"{found} && !{found}.disabled")
        middle = "((b) => [b.x + b.width / 2, b.y + b.height / 2])"
        box = self.value(f"{middle}({found}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def key(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def driven(chromium: str, profile: Path) -> Iterator[Page]:
    """A page of a browser of its own, which ends with the block."""
    from_us, to_browser = os.pipe()
    from_browser, to_us = os.pipe()
    flags = [
        *FLAGS,
        "--remote-debugging-pipe",
        "--autoplay-policy=no-user-gesture-required",
        f"--user-data-dir={profile}",
    ]
    # Chromium reads from 3 and writes to 4; sh would not know descriptors of two digits.
    command = ["bash", "-c", f'exec "$0" "$@" 3<&{from_us} 4>&{to_us}', chromium, *flags]
    with subprocess.Popen(command, pass_fds=(from_us, to_us), stderr=subprocess.DEVNULL) as process:
        os.close(from_us)
        os.close(to_us)
        page = Page(to_browser, from_browser)
        try:
            yield page
        finally:
            page._out.close()
            process.terminate()
            process.wait(timeout=30)
            page._in.close()
