"""procs.py - processes: started on free ports, waited for, ended by pid; what
they and their children hold (PSS) and have spent (user and system time)."""

import os
import signal
import socket
import subprocess
import time
import urllib.request

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("SLUICE_BUILD", "build"))
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
# Nobody's proxy or key is in what is measured.
CLEAN = {k: v for k, v in os.environ.items()
         if not k.lower().endswith("_proxy") and not k.startswith(("SLUICE_", "OPENAI_", "LITELLM_"))
         and k not in ("NVIDIA_API_KEY", "MAKEFLAGS", "MAKELEVEL")}
CLEAN["NO_PROXY"] = CLEAN["no_proxy"] = "*"
# Redis and nginx, for who is not root
CLEAN["PATH"] += ":/usr/sbin:/sbin"

running = []


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(url, timeout=5, headers=None, data=None):
    """Status, headers and body; a refusal is an answer, too."""
    request = urllib.request.Request(url, data=data, headers=headers or {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as r:
            return r.status, dict(r.headers), r.read()
    except urllib.error.HTTPError as e:
        return e.code, dict(e.headers), e.read()


def wait_until(what, seconds, there):
    """A busy machine gets a multiple of what a quiet one may take."""
    end = time.monotonic() + 4 * seconds
    while not there():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not there after {4 * seconds} s")
        time.sleep(0.05)


class Process:
    """A server and whatever it starts; OUT keeps what it says."""

    def __init__(self, command, out, env=None, cwd=None, ahead=False):
        self.command, self.env, self.out, self.cwd = command, env or {}, out, cwd
        self.ahead = ahead and os.geteuid() == 0
        self.begin()
        running.append(self)

    def begin(self):
        with open(self.out, "ab") as f:
            # A session of its own: lighttpd with max-worker ends its whole group.
            nice = (lambda: os.nice(-19)) if self.ahead else None
            self.child = subprocess.Popen(self.command, stdout=f, stderr=f, stdin=subprocess.DEVNULL,
                                          env={**CLEAN, **self.env}, cwd=self.cwd, preexec_fn=nice, start_new_session=True)
        self.pid = self.child.pid

    def end(self):
        """SIGTERM, and what is left after 8 s is killed, each by its pid."""
        mine = tree(self.pid)
        if self.child.poll() is None:
            self.child.terminate()
        end = time.monotonic() + 8
        while time.monotonic() < end and (self.child.poll() is None or any(is_alive(p) for p in mine)):
            time.sleep(0.05)
        for p in mine:
            if is_alive(p):
                kill(p)
        self.child.wait()
        if self in running:
            running.remove(self)

    def said(self):
        with open(self.out, "rb") as f:
            return f.read()[-1500:].decode("utf-8", "replace")


def end_all():
    for p in reversed(list(running)):
        p.end()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def children(pid):
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                found += [int(p) for p in f.read().split()]
    except OSError:
        pass
    return found


def tree(pid):
    """The process and all below it."""
    found = [pid]
    for p in found:
        found += children(p)
    return found


def pss_kb(pids):
    total = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/smaps_rollup") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def cpu_us(pids):
    total = 0
    for p in pids:
        try:
            with open(f"/proc/{p}/stat") as f:
                fields = f.read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) * TICK_US
        except OSError:
            pass
    return total
