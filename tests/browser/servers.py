"""servers.py - the real thing for the page to look at: nimsim, Sluice, clients that wait.

As tests/curl/lib.sh does it: free ports, a directory of its own, and
everything ended by pid.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("SLUICE_BUILD", "build")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def until(what, seconds=30):
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)


def fetch(url, method="GET", body=None, headers=None):
    """The status and the JSON of an answer."""
    data = None if body is None else json.dumps(body).encode()
    head = {"Content-Type": "application/json"} | (headers or {})
    try:
        with OPENER.open(urllib.request.Request(url, data, head, method=method), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read() or b"{}")


class Servers:
    def __init__(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="sluice-browser."))
        self.sims = []
        self.sluice = None
        self.sockets = []
        self.state = self.work / "state"
        self.listen = "127.0.0.1:0"
        self.token = "practice-admin-token-0123456789abcdef"

    def another_sim(self, *options):
        """Its URL."""
        port = self.work / f"sim-{len(self.sims)}.port"
        self.sims.append(subprocess.Popen([BUILD / "nimsim", "--parent", "--port-file", port, *options]))
        until(lambda: port.exists() and port.read_text().strip())
        return f"http://127.0.0.1:{port.read_text().strip()}"

    def start_sim(self, *options):
        """The one that Sluice has, if it has one."""
        self.sim = self.another_sim(*options)

    def upstreams(self, *each):
        """A settings file with these, to start with; the first is the one of start_sim()."""
        path = self.work / "sluice.json"
        path.write_text(json.dumps({"upstreams": list(each)}))
        return path

    def secrets(self, *each):
        """Files with these, one for each."""
        paths = [self.work / f"key-{i}" for i in range(len(each))]
        for path, text in zip(paths, each):
            path.touch(mode=0o600)
            path.write_text(text + "\n")
        return [str(path) for path in paths]

    def start(self, **settings):
        """Starts Sluice, at the same address as before."""
        (self.state / "listen").unlink(missing_ok=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("SLUICE_", "NVIDIA_"))}
        env |= {"SLUICE_BUILD": str(BUILD), "SLUICE_LISTEN": self.listen, "SLUICE_STATE_DIR": str(self.state),
                "SLUICE_UPSTREAM_URL": self.sim, "SLUICE_DRAIN_S": "1", "SLUICE_ADMIN_TOKEN": self.token}
        env |= {k: str(v) for k, v in settings.items()}
        out = open(self.work / "out", "ab")
        self.sluice = subprocess.Popen([ROOT / "conf/run"], env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
        out.close()
        listen = self.state / "listen"
        if not until(lambda: listen.exists() and listen.read_text().strip()):
            raise RuntimeError("sluice did not start:\n" + (self.work / "out").read_text())
        self.url = listen.read_text().strip()
        self.listen = self.url.removeprefix("http://")

    def stop(self):
        if self.sluice:
            self.sluice.send_signal(signal.SIGTERM)
            self.sluice.wait(30)
            self.sluice = None

    def ask(self, count, priority="normal", model="sim/tokens-3"):
        """Requests whose answers nobody reads yet: their clients wait."""
        host, port = self.listen.rsplit(":", 1)
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello"}]})
        text = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.listen}\r\nContent-Type: application/json\r\n"
                f"X-Sluice-Priority: {priority}\r\nX-Sluice-Client: {priority}-client\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        made = []
        for _ in range(count):
            s = socket.create_connection((host, int(port)), timeout=30)
            s.sendall(text.encode())
            made.append(s)
        self.sockets += made
        return made

    def hang_up(self):
        for s in self.sockets:
            s.close()
        self.sockets = []

    def status(self):
        return fetch(self.url + "/api/status", headers=self.admin())[1]

    def admin(self):
        return {"Authorization": f"Bearer {self.token}"}

    def accepted(self):
        return fetch(self.sim + "/sim/stats")[1]["accepted"]

    def end(self):
        self.hang_up()
        for p in (self.sluice, *self.sims):
            if p and p.poll() is None:
                p.terminate()
                try:
                    p.wait(20)
                except subprocess.TimeoutExpired:
                    p.kill()
        shutil.rmtree(self.work, ignore_errors=True)
