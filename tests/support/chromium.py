"""Headless Chromium by its DevTools protocol over a pipe: real clicks, and no driver to install."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A bound for what hangs: a whole migration on a busy machine is a minute and more.
SECONDS = 240.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing of it may ask anybody: what the page itself asks is then all that there is to see.
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-default-browser-check",
    "--window-size=1280,1600",
    "--remote-debugging-pipe",
)
# Looks whenever the document changes, and gives up after a time.
_UNTIL = """
new Promise((yes, no) => {
  const watcher = new MutationObserver(look);
  function look() {
    if (!(%(condition)s)) return false;
    watcher.disconnect();
    yes(true);
    return true;
  }
  if (look()) return;
  const all = {subtree: true, childList: true, attributes: true, characterData: true};
  watcher.observe(document, all);
  setTimeout(() => no(new Error(document.body.innerText.slice(0, 3000))), %(ms)d);
})"""


def chromium() -> str | None:
    """The program, None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class PageError(AssertionError):
    """What a script of the page raised."""


@dataclass
class Page:
    """One page; `urls` are all that it asked for, `complaints` what its console said."""

    commands: int
    answers: Iterator[dict[str, Any]]
    session: str = ""
    urls: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _number: int = 0

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol and its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        for answer in self.answers:
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self._note(answer)
        raise AssertionError("chromium ended")

    def go(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        # The command answers before the page is there.
        self.until("location.protocol === 'http:' && document.readyState === 'complete'")

    def value(self, script: str) -> Any:
        """What an expression is in the page; a promise is waited for."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise PageError(answer["exceptionDetails"].get("exception", answer).get("description"))
        return answer["result"].get("value")

    def until(self, condition: str, seconds: float = SECONDS) -> None:
        """Until an expression is true."""
        self.value(_UNTIL % {"condition": condition, "ms": seconds * 1000})

    def click(self, selector: str) -> None:
        """A press and release of the left button on an element's middle."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.until(f"{element} && !{element}.disabled")
        self.value(f"{element}.scrollIntoView({{block: 'center'}})")
        box = self.value(f"{element}.getBoundingClientRect().toJSON()")
        assert box["width"], f"{selector} is not to be seen"
        at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def type_over(self, selector: str, text: str) -> None:
        """Text in place of what a field holds."""
        self.value(f"document.querySelector({json.dumps(selector)}).select()")
        self.send("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """A key, such as Enter (13) or Tab (9)."""
        key_text = {"text": "\r"} if key == "Enter" else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about, **key_text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector({json.dumps(selector)}).textContent"))

    def dark(self, *, is_dark: bool) -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def _note(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event["method"] == "Network.requestWillBeSent":
            self.urls.append(params["request"]["url"])
        elif event["method"] == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif event["method"] == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))


@contextmanager
def opened(program: str, profile: Path) -> Iterator[Page]:
    """A new page of a browser of its own, which ends with the block."""
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    # Chromium reads 3 and writes 4, which may be these pipes themselves: go out of the way.
    high = [fcntl.fcntl(each, fcntl.F_DUPFD, 20) for each in (theirs_in, theirs_out)]
    line = f'exec "$@" 3<&{high[0]} 4>&{high[1]}'
    words = ["bash", "-c", line, "bash", program, *_FLAGS, f"--user-data-dir={profile}"]
    with subprocess.Popen(
        [*words, "about:blank"],
        pass_fds=high,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(profile)},
    ) as process:
        for each in (theirs_in, theirs_out, *high):
            os.close(each)
        try:
            page = Page(commands, _messages(answers))
            target = page.send("Target.createTarget", url="about:blank")["targetId"]
            attached = page.send("Target.attachToTarget", targetId=target, flatten=True)
            page.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Network", "Log"):
                page.send(f"{domain}.enable")
            yield page
        finally:
            process.terminate()
            process.wait(10)
            os.close(commands)
            os.close(answers)


def _messages(descriptor: int) -> Iterator[dict[str, Any]]:
    waiting = b""
    while read := os.read(descriptor, 1 << 16):
        *whole, waiting = (waiting + read).split(b"\0")
        for message in whole:
            yield json.loads(message)
