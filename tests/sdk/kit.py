"""kit.py - what the scripts in Python have alike: facts, and what the servers say.

kit.mjs is its twin.
"""

import json
import os
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

NAME = os.path.basename(sys.argv[0])
SIM, MAIN = os.environ["SIM"], os.environ["SLUICE_MAIN"]
hello = [{"role": "user", "content": "hello"}]
counted = {True: 0, False: 0}
lock = threading.Lock()


def fact(what, holds, have=None):
    holds = bool(holds)
    with lock:
        counted[holds] += 1
        print(f"ok   {NAME}: {what}" if holds else f"FAIL {NAME}: {what}\n     have: {show(have)}", flush=True)


def equal(what, want, have):
    fact(what, want == have, f"{have!r:.600}\n     want: {want!r:.600}")


def show(value):
    if isinstance(value, Exception):
        told = {name: getattr(value, name, None) for name in ("status_code", "code", "type", "body")}
        return f"{type(value).__name__}: {value} {told}"[:600]
    return str(value)[:1300]


@contextmanager
def part(name):
    """What one part throws fails that part alone."""
    try:
        yield
    except Exception as e:
        fact(f"{name}: runs to its end", False, e)


def finish():
    print(f"{counted[True]} passed, {counted[False]} failed")
    sys.exit(counted[False] != 0)


def fetch(url, body=None, method=None):
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": "Bearer nvapi-practice", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def sluice(url=MAIN):
    return fetch(f"{url}/api/status")


def sim(url=SIM):
    return fetch(f"{url}/sim/stats")


def arrivals(model, url=SIM):
    """Those of that very name."""
    return [a for a in fetch(f"{url}/sim/arrivals")["arrivals"] if a["model"] == model]


def direct(path, **body):
    """What the upstream itself says, without Sluice and without the SDK."""
    return fetch(f"{SIM}/v1{path}", body)


def becomes(question):
    """Asks until it is so, at most 5 s; the milliseconds it took, or None."""
    start = time.monotonic()
    while time.monotonic() - start < 5:
        if question():
            return ms_since(start)
        time.sleep(0.01)
    return None


def ms_since(start):
    return round((time.monotonic() - start) * 1000)


def refused(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except Exception as e:
        return e


def noticed(what, gone):
    """Waits until Sluice and nimsim have noticed that one client left."""
    ms = becomes(lambda: sim()["client_gone"] >= gone + 1)
    fact(f"{what}: nimsim sees the client go (after {ms} ms)", ms is not None, sim())

    def idle():
        s = sluice()
        return s["limits"][0]["in_flight"] == 0 and s["queue"]["running"] == 0

    ms = becomes(idle)
    fact(f"{what}: in_flight is back at 0 (after {ms} ms)", ms is not None, sluice())
    equal(f"{what}: one went, not more", gone + 1, sim()["client_gone"])


class Listening:
    """What the SDK reads of a stream: all its bytes, pings and comments too."""

    def __init__(self, stream):
        self.pieces = []
        self.read = stream.response.iter_bytes
        stream.response.iter_bytes = self

    def __call__(self, *args):
        for piece in self.read(*args):
            self.pieces.append(piece)
            yield piece

    def text(self):
        return b"".join(self.pieces).decode()
