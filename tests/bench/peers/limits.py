"""limits.py - the four figures that nobody publishes, at the real scale: an
upstream that takes 40 requests in 60 s and counts what it refuses, too, as
NVIDIA's front end does.  Nearly all of it is waiting, so that all peers go
through it at once, each before an upstream of its own."""

import json
import math
import os
import random
import subprocess
import threading
import time

from figures import median, most_in_window, percentile, shares
from procs import BUILD, ask, kill
from servers import NotThere, Sluice, Upstream, key_hash
from wrk import BODY

QUOTA, WINDOW_S = 40, 60
# Who asks for how much and is owed what: the first floods with more than half of
# all connections, the last has twice the weight.
CLIENTS = {"flood": (90, 1), "even": (40, 1), "double": (40, 2)}
THINK_MS = 5000 # until a client asks again, answered or refused
WORDS = "sim/tokens-3"


class Crowd:
    """N clients at once: each asks MODEL again and again for SECONDS, or once."""

    def __init__(self, peer, model, clients, seconds, headers=(), once=False):
        words = [w for h in [*peer.headers, *headers] for w in ("--header", h)]
        how = ["--requests", str(clients), "--seconds", "10", "--grace", str(seconds)] if once else \
            ["--seconds", str(seconds), "--grace", "1", "--think-ms", str(THINK_MS), "--spread-ms", str(THINK_MS)]
        # pylint: disable-next=consider-using-with
        self.child = subprocess.Popen([os.path.join(BUILD, "bench", "load"), "--port", str(peer.port), "--clients", str(clients),
                                       "--chat", model, *how, *words], stdout=subprocess.PIPE, text=True)

    def seen(self):
        return json.loads(self.child.communicate()[0])


def told(arrivals, model=None):
    return [a for a in arrivals if a["verdict"] in ("accepted", "refused") and (model is None or a["model"] == model)]


class Scene:
    """One peer before an upstream of its own."""

    config = None

    def __init__(self, cls, work, seconds):
        self.seconds, self.failed = seconds, None
        self.upstream = Upstream(work, "--requests", str(QUOTA), "--window", str(WINDOW_S))
        try:
            kw = {"config": self.config} if self.config and issubclass(cls, Sluice) else {}
            self.peer = cls(work, self.upstream, limited=WINDOW_S, **kw)
        except (RuntimeError, NotThere) as e:
            self.failed = str(e)[:200]

    def windows(self):
        """Those that open while it runs: each when the one before it ends."""
        return math.ceil(self.seconds / WINDOW_S)

    def arrivals(self):
        """Those within its windows: what still lies in a queue may come later."""
        all_of = told(self.upstream.arrivals())
        end = min((a["t_ns"] for a in all_of), default=0) + self.windows() * WINDOW_S * 1e9
        return [a for a in all_of if a["t_ns"] < end]

    def accepted(self, arrivals):
        return [a for a in arrivals if a["verdict"] == "accepted"]

    def end(self):
        if not self.failed:
            self.peer.end()
        self.upstream.end()


class Share(Scene):
    """Three clients at once; whose are the slots once there is a line?"""

    config = {"clients": [{"name": n, "key_sha256": key_hash("sk-" + n), "weight": w} for n, (_, w) in CLIENTS.items()]}

    def go(self):
        crowds = {n: Crowd(self.peer, "sim/" + n, c, self.seconds, self.own(n)) for n, (c, _) in CLIENTS.items()}
        seen = {n: c.seen() for n, c in crowds.items()}
        arrivals = self.accepted(self.arrivals())
        first = min(a["t_ns"] for a in arrivals)
        # The first window went to whoever came first.
        counted = [a for a in arrivals if a["t_ns"] - first > 0.9 * WINDOW_S * 1e9]
        counts = {n: sum(a["model"] == "sim/" + n for a in counted) for n in CLIENTS}
        out = shares(counts, {n: w for n, (_, w) in CLIENTS.items()}) or {"failed": "nothing came after the first window"}
        out["seen_429"] = sum(s["status"].get("429", 0) for s in seen.values())
        return out

    def own(self, client):
        return [f"Authorization: Bearer sk-{client}"] if isinstance(self.peer, Sluice) else []


class Eta(Scene):
    """What is told of when a request goes, and when it went: with the clients
    of Share, who come again and again, some of them with twice the weight."""

    config = Share.config

    def crowds(self):
        return [Crowd(self.peer, "sim/" + n, c, self.seconds, [f"Authorization: Bearer sk-{n}"]) for n, (c, _) in CLIENTS.items()]

    def watch(self, got, stop):
        """The first that is told of each request."""
        while not stop.wait(0.5):
            before = time.monotonic()
            queue = json.loads(ask(self.peer.url + "/api/queue", 10)[2])
            now = (before + time.monotonic()) / 2
            for w in queue["waiting"]:
                if w["eta_s"] is not None:
                    got.setdefault(w["id"], now + w["eta_s"])

    def go(self):
        if not isinstance(self.peer, Sluice):
            return {"none": True}
        got, stop = {}, threading.Event()
        poll = threading.Thread(target=self.watch, args=(got, stop))
        poll.start()
        for c in self.crowds():
            c.seen()
        stop.set()
        poll.join()
        went = {a["request_id"]: a["t_ns"] / 1e9 for a in self.upstream.arrivals() if a.get("request_id")}
        off = [went[i] - at for i, at in got.items() if i in went]
        distance = [abs(o) for o in off]
        return {"n": len(off), "p50_s": median(distance), "p90_s": percentile(distance, 0.9), "max_s": max(distance, default=None),
                "early": sum(o < -0.5 for o in off), "late": sum(o > 0.5 for o in off)}


class EtaBurst(Eta):
    """The same, of 120 that come at once, and nobody later."""

    config = None

    def crowds(self):
        return [Crowd(self.peer, WORDS, 3 * QUOTA, self.seconds, once=True)]


class Kills(Scene):
    """40 clients, and a serving process is killed every 15 s."""

    every = 1 / 4

    def go(self):
        crowd, kills, dice = Crowd(self.peer, WORDS, 40, self.seconds), 0, random.Random(1)
        every_s = self.every * WINDOW_S
        end = time.monotonic() + self.seconds
        while time.monotonic() + every_s < end:
            time.sleep(every_s)
            victims = self.peer.victims()
            if victims:
                kill(dice.choice(sorted(victims)))
                kills += 1
            time.sleep(0.1)
            self.peer.revive()
        seen = crowd.seen()
        asked = self.arrivals()
        good = self.accepted(asked)
        return {"kills": kills, "used": 100 * len(good) / (QUOTA * self.windows()), "refused": len(asked) - len(good),
                "most": most_in_window([a["t_ns"] / 1e9 for a in asked], WINDOW_S), "answered": seen["ok"],
                "lost": seen["failed"] + seen["cut"] + sum(n for s, n in seen["status"].items() if s >= "500"), "seen_429": seen["status"].get("429", 0)}


class Stranger(Scene):
    """40 clients; whenever a window of the upstream opens somebody else is the
    first in it, and takes 15 of the 40."""

    takes = 15

    def take(self):
        for _ in range(self.takes):
            ask(self.upstream.url + "/v1/chat/completions", 10, {"Content-Type": "application/json"},
                BODY.replace(WORDS, "sim/stranger").encode())

    def go(self):
        begun = time.monotonic()
        self.take()
        crowd = Crowd(self.peer, WORDS, 40, self.seconds)
        for window in range(1, self.windows()):
            time.sleep(max(0, begun + window * WINDOW_S + 0.02 - time.monotonic()))
            self.take()
        seen, arrivals = crowd.seen(), self.arrivals()
        asked, his = told(arrivals, WORDS), self.accepted(told(arrivals, "sim/stranger"))
        good = self.accepted(asked)
        return {"refused": len(asked) - len(good), "seen_429": seen["status"].get("429", 0), "answered": seen["ok"],
                "stranger": len(his), "used": 100 * len(good) / max(1, QUOTA * self.windows() - len(his))}


SCENES = {"share": Share, "eta": Eta, "burst": EtaBurst, "kills": Kills, "stranger": Stranger}


def stage(names, classes, work, seconds, say, not_there):
    """All these scenes for all these peers at once; what each says, by scene
    and peer."""
    scenes, out = [], {n: {} for n in names}
    threads = []
    for name in names:
        for cls in classes:
            if name in ("eta", "burst") and cls is not Sluice:
                out[name][cls.name] = {"none": True}
                continue
            scene = SCENES[name](cls, work, seconds)
            scenes.append(scene)
            if scene.failed:
                not_there[f"{cls.label} ({name})"] = scene.failed
                say(f"{name}: {cls.label}: {scene.failed}")
                continue

            def go(scene=scene, name=name, cls=cls):
                try:
                    out[name][cls.name] = scene.go()
                except Exception as e: # told in the page, and the others go on
                    out[name][cls.name] = {"failed": f"{type(e).__name__}: {e}"[:160]}
                say(f"{name}: {cls.label}: {json.dumps(out[name][cls.name])}")
            threads.append(threading.Thread(target=go))
    try:
        say(f"{', '.join(names)}: {len(threads)} at once for {seconds} s")
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        for s in scenes:
            s.end()
    return out
