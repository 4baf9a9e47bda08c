"""driver.py - how is a real Chromium driven with nothing but Python?

A small WebDriver client for Debian's chromium-driver; what WebDriver lacks
(screen sizes, themes, metrics) goes through the DevTools commands that
chromedriver passes on.
"""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"tab": "\ue004", "enter": "\ue007", "escape": "\ue00c", "left": "\ue012", "right": "\ue014", "space": " ", "Home": "\ue011"}


class Browser:
    def __init__(self, width=1280, height=800):
        self.process = subprocess.Popen([shutil.which("chromedriver"), "--port=0"], stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        self.base = None
        for line in self.process.stdout:
            found = re.search(r"successfully on port (\d+)", line)
            if found:
                self.base = f"http://127.0.0.1:{found[1]}"
                break
        if self.base is None:
            raise RuntimeError("chromedriver did not start")
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                "--disable-background-networking", "--disable-extensions", f"--window-size={width},{height}"]
        asked = {"capabilities": {"alwaysMatch": {"goog:loggingPrefs": {"browser": "ALL"}, "goog:chromeOptions": {"args": args}}}}
        try:
            answer = self.ask("POST", "/session", asked)
        except Exception:
            self.end()
            raise
        self.session = f"/session/{answer['sessionId']}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as e:
            raise RuntimeError(json.load(e)["value"]["message"].splitlines()[0]) from None

    def do(self, method, path, body=None):
        return self.ask(method, self.session + path, body)

    def devtools(self, command, **params):
        return self.do("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def open(self, url):
        self.do("POST", "/url", {"url": url})

    def run(self, script, *args):
        """The script's value; it may be a promise."""
        return self.do("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, css):
        return self.do("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.do("POST", f"/element/{self.find(css)}/click", {})

    def type(self, css, text):
        element = self.find(css)
        self.do("POST", f"/element/{element}/clear", {})
        self.do("POST", f"/element/{element}/value", {"text": text})

    def press(self, *names):
        """Each key down and up, wherever the focus is."""
        actions = []
        for name in names:
            shift = name.startswith("shift+")
            key = KEYS.get(name.removeprefix("shift+"), name)
            actions += [{"type": "keyDown", "value": "\ue008"}] if shift else []
            actions += [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
            actions += [{"type": "keyUp", "value": "\ue008"}] if shift else []
        self.do("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def title(self):
        return self.do("GET", "/title")

    def text(self, css):
        return self.run("return document.querySelector(arguments[0])?.textContent ?? ''", css)

    def logs(self):
        return self.do("POST", "/se/log", {"type": "browser"})

    def size(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, name, motion="no-preference"):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name},
                                                              {"name": "prefers-reduced-motion", "value": motion}])

    def picture(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.devtools("Page.captureScreenshot", format="png")["data"]))

    def metrics(self):
        self.devtools("Performance.enable")
        return {m["name"]: m["value"] for m in self.devtools("Performance.getMetrics")["metrics"]}

    def heap(self):
        """Bytes of script and number of nodes, rubbish collected."""
        for _ in range(3):
            self.devtools("HeapProfiler.collectGarbage")
        m = self.metrics()
        return m["JSHeapUsedSize"], m["Nodes"]

    def heap_text(self):
        """Every text that the page's script holds. What chromedriver was told by it, DevTools' console keeps: that is not the page's."""
        snapshot = json.loads(self.do("GET", "/chromium/heap_snapshot"))
        return "\n".join(text for text in snapshot["strings"] if not text.startswith('{"status":'))

    def until(self, what, seconds=30):
        """Polls WHAT() until it is true; gives its value, or the last one."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = what()
            except RuntimeError:
                value = None
            if value or time.monotonic() > end:
                return value
            time.sleep(0.1)

    def end(self):
        try:
            if hasattr(self, "session"):
                self.do("DELETE", "")
        except (OSError, RuntimeError):
            pass
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            pass
