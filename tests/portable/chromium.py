"""Drives headless Chromium over its pipe (Chrome DevTools Protocol), with the standard library alone.

  with Page(url) as page:  page.value("expression"), page.click("selector"), page.screenshot("file.png"), page.errors
"""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


def program():
    return next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)


class Page:
    def __init__(self, url, width=1500, height=1100, seconds=120):
        self.url, self.size, self.end = url, (width, height), time.monotonic() + seconds
        self.errors, self.requests, self.events, self.number, self.rest = [], [], [], 0, b""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="scl-chromium-")
        to_read, self.to = os.pipe()
        self.source, to_write = os.pipe()

        def pipes():      # Chromium reads commands from 3 and writes answers to 4
            a, b = os.dup(to_read), os.dup(to_write)
            os.dup2(a, 3)
            os.dup2(b, 4)
        self.child = subprocess.Popen(
            [program(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
             f"--user-data-dir={self.profile}", f"--window-size={self.size[0]},{self.size[1]}", "about:blank"],
            preexec_fn=pipes, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.session = None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")
        self.ask("Page.navigate", url=self.url)
        self.wait("Page.loadEventFired")
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()
        os.close(self.to)
        os.close(self.source)
        shutil.rmtree(self.profile, ignore_errors=True)

    def message(self):
        while b"\0" not in self.rest:
            left = self.end - time.monotonic()
            if left <= 0 or not select.select([self.source], [], [], left)[0]:
                raise TimeoutError("Chromium does not answer")
            more = os.read(self.source, 1 << 16)
            if not more:
                raise EOFError("Chromium has ended")
            self.rest += more
        text, self.rest = self.rest.split(b"\0", 1)
        got = json.loads(text)
        what, of = got.get("method"), got.get("params", {})
        if what == "Runtime.exceptionThrown":
            details = of["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif what == "Log.entryAdded" and of["entry"]["level"] == "error":
            self.errors.append(of["entry"]["text"])
        elif what == "Runtime.consoleAPICalled" and of["type"] == "error":
            self.errors.append(json.dumps(of["args"]))
        elif what == "Network.requestWillBeSent":
            self.requests.append(of["request"]["url"])
        return got

    def ask(self, method, **params):
        self.number += 1
        command = {"id": self.number, "method": method, "params": params}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.to, json.dumps(command).encode() + b"\0")
        while True:
            got = self.message()
            if got.get("id") == self.number:
                if "error" in got:
                    raise RuntimeError(f"{method}: {got['error']}")
                return got["result"]
            self.events.append(got.get("method"))

    def wait(self, method):
        while method not in self.events:
            self.events.append(self.message().get("method"))

    def value(self, expression):
        got = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in got:
            raise RuntimeError(f"{expression}: {got['exceptionDetails']}")
        return got["result"].get("value")

    def click(self, selector):
        """A press and release of the mouse in the middle of an element: what lies above it gets them instead."""
        box = self.value(f"(e => {{ e.scrollIntoView({{ block: 'center' }}); const r = e.getBoundingClientRect(); "
                         f"return [r.x + r.width / 2, r.y + r.height / 2]; }})(document.querySelector({json.dumps(selector)}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def screenshot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))
