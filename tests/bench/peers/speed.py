"""speed.py - one client, 32 clients, 200 streams, memory: all peers are up at
once before one upstream, and asked in turn, round by round."""

import json
import os
import random
import subprocess
import time

import wrk
from figures import added, median, spread
from procs import BUILD, cpu_us, pss_kb
from servers import Upstream

WORDS, GAP_MS, STREAMS = 50, 100, 200


def load(peer, *options, timeout=120):
    """One run of tests/bench/load, as JSON."""
    headers = [word for h in peer.headers for word in ("--header", h)]
    done = subprocess.run([os.path.join(BUILD, "bench", "load"), "--port", str(peer.port), *headers, *options],
                          capture_output=True, text=True, timeout=timeout, check=False)
    return json.loads(done.stdout)


def stream_options(upstream, words=WORDS):
    return ["--clients", str(STREAMS), "--requests", str(STREAMS), "--stream", "--chat", f"sim/stream-{words}-{GAP_MS}",
            "--spread-ms", "1000", "--gap-ms", str(GAP_MS), "--words", str(words), "--sim-port", str(upstream.port),
            "--seconds", "10", "--grace", "30"]


class Rounds:
    """Asks each in turn, as often as there are rounds; who fails is told, and
    not asked again."""

    def __init__(self, peers, rounds, say):
        self.peers, self.rounds, self.say = peers, rounds, say
        self.seen = {p.name: [] for p in peers}
        self.failed = {}

    def run(self, what, once):
        for i in range(self.rounds):
            # In another order each round: nobody is always behind the same.
            for p in random.Random(i).sample(self.peers, len(self.peers)):
                if p.name in self.failed:
                    continue
                try:
                    self.seen[p.name].append(once(p))
                except (wrk.WrkError, ValueError, KeyError, subprocess.TimeoutExpired) as e:
                    self.failed[p.name] = str(e)[:160]
                    self.say(f"{what}: {p.label}: {self.failed[p.name]}")
            self.say(f"{what}: round {i + 1} of {self.rounds}")

    def of(self, name, field):
        return [one[field] for one in self.seen[name]]


def measure(peer, clients, seconds):
    """wrk, and the time that the peer's processes spent on a request."""
    pids = peer.pids()
    before = cpu_us(pids)
    seen = wrk.run(peer.chat, clients, seconds, peer.headers)
    seen["cpu_us"] = (cpu_us(pids) - before) / seen["requests"]
    return seen


def part_added(peers, rounds, seconds, say):
    r = Rounds(peers, rounds, say)
    r.run("one client", lambda p: measure(p, 1, seconds))
    direct = {f: r.of("direct", f) for f in ("p50_us", "p99_us")}
    out = {}
    for p in peers:
        if p.name in r.failed:
            out[p.name] = {"failed": r.failed[p.name]}
            continue
        out[p.name] = {"p50_us": spread(r.of(p.name, "p50_us")), "p99_us": spread(r.of(p.name, "p99_us")),
                       "cpu_us": median(r.of(p.name, "cpu_us"))}
        for f, values in direct.items():
            if values:
                out[p.name]["added_" + f] = spread(added(r.of(p.name, f), values))
    return out


def part_rate(peers, rounds, seconds, say):
    r = Rounds(peers, rounds, say)
    r.run("32 clients", lambda p: measure(p, 32, seconds))
    return {p.name: {"failed": r.failed[p.name]} if p.name in r.failed else
            {"per_s": spread(r.of(p.name, "per_s")), "p99_us": spread(r.of(p.name, "p99_us")),
             "cpu_us": median(r.of(p.name, "cpu_us"))} for p in peers}


def part_streams(peers, rounds, upstream, say, words=WORDS):
    def once(p):
        pids = p.pids()
        before = cpu_us(pids)
        seen = load(p, *stream_options(upstream, words))
        if seen["done"] != STREAMS:
            raise ValueError(f"{seen['done']} of {STREAMS} streams came to their end")
        delay = seen["event_delay_us"]
        if not delay.get("n"):
            raise ValueError("its events cannot be told from each other: the upstream's ids are gone")
        return {"p50_us": delay["p50"], "p99_us": delay["p99"], "cpu_us": (cpu_us(pids) - before) / seen["events"]}
    peers = [p for p in peers if p.name != "hello"]
    r = Rounds(peers, rounds, say)
    r.run(f"{STREAMS} streams", once)
    return {p.name: {"failed": r.failed[p.name]} if p.name in r.failed else
            {"p50_us": spread(r.of(p.name, "p50_us")), "p99_us": spread(r.of(p.name, "p99_us")),
             "cpu_us": median(r.of(p.name, "cpu_us"))} for p in peers}


def part_memory(classes, work, quick, say, not_there):
    """One after the other, alone: PSS of what two share counts half."""
    out = {}
    for c in classes:
        upstream, p = Upstream(work, "--limiter", "none", "--arrivals-max", "2000"), None
        try:
            p = c(work, upstream)
            time.sleep(1 if quick else 5) # until it rests
            rest = pss_kb(p.pids())
            wrk.run(p.chat, 32, 1 if quick else 3, p.headers)
            if c.is_gateway:
                load(p, *stream_options(upstream, 10))
            time.sleep(1)
            out[c.name] = {"rest_kb": rest, "after_kb": pss_kb(p.pids())}
        except (RuntimeError, wrk.WrkError, ValueError) as e:
            out[c.name] = {"failed": str(e)[:160]}
            not_there[f"{c.label} (memory)"] = str(e)[:160]
        finally:
            if p:
                p.end()
            upstream.end()
        say(f"memory: {c.label}: {out[c.name]}")
    return out


def run(classes, parts, work, rounds, quick, say, not_there):
    """The figures of the parts that are asked for, by peer."""
    peers, out = [], {}
    if "memory" in parts:
        out["memory"] = part_memory([c for c in classes if c.name != "direct"], work, quick, say, not_there)
    if not {"added", "rate", "streams"} & set(parts):
        return out
    upstream = Upstream(work, "--limiter", "none", "--arrivals-max", "2000")
    for c in classes:
        try:
            peers.append(c(work, upstream))
        except RuntimeError as e:
            not_there[c.label] = str(e)[:200]
            say(f"{c.label}: {e}")
    try:
        time.sleep(1 if quick else 5) # until they rest
        if "added" in parts:
            out["added"] = part_added(peers, rounds, 1 if quick else 2, say)
        if "rate" in parts:
            out["rate"] = part_rate(peers, rounds, 1 if quick else 3, say)
        if "streams" in parts:
            out["streams"] = part_streams(peers, 1 if quick else min(3, rounds), upstream, say, 10 if quick else WORDS)
    finally:
        for p in peers:
            p.end()
        upstream.end()
    return out
