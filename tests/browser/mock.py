#!/usr/bin/env python3
"""mock.py - what does the dashboard look like in a state that is hard to bring about?

Serves www/dashboard/ and the routes of fcgi/API.md with made-up, moving data, for pictures and for work on the page:

    tests/browser/mock.py [--port 8099] [--state busy] [--pages DIR]

The states are those of WAITING.  A month of history is made up too, which no test could wait for.  With `lost` the stream
ends after 3 s and nothing answers any more; with `token` nothing is told without the token.  No request reaches anything.
"""
import argparse
import collections
import json
import math
import pathlib
import random
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

PAGE = pathlib.Path(__file__).resolve().parents[2] / "www" / "dashboard"
KINDS = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml", ".png": "image/png"}
CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
MODELS = ["meta/llama-3.3-70b-instruct", "deepseek-ai/deepseek-r1", "moonshotai/kimi-k2-instruct", "qwen/qwen3-coder-480b",
          "meta/llama-3.1-8b-instruct", "nvidia/nv-embedqa-e5-v5", "mistralai/mistral-large"]
CLIENTS = ["ci", "review-agent", "notebook", "docs-bot", "10.0.0.7"]
OUTCOMES = ["ok", "client_error", "refused", "rate", "off", "upstream_error", "truncated", "hangup", "cancelled", "lost"]
TOKEN = "practice"
# The states there are, and how many wait in each.
WAITING = {"idle": 0, "busy": 60, "lost": 60, "retreat": 37, "recovering": 37, "learned": 20, "full": 480, "paused": 23, "many": 14,
           "capped": 50, "refused": 0, "first": 0, "token": 60}
CAPPED = MODELS[2]


def load(t):
    """How busy was it at moment T?  Working hours, a quiet week-end, some noise that stays the same."""
    lt = time.localtime(t)
    day = math.exp(-((lt.tm_hour + lt.tm_min / 60 - 14) / 4.5) ** 2)
    week = 0.25 if lt.tm_wday > 4 else 1
    noise = random.Random(int(t) // 20).random()
    return max(0.0, day * week * (0.6 + 0.7 * noise) + 0.03 * noise)


class World:
    def __init__(self, state):
        self.state = state
        self.start = time.time() - 4 * 86400 - 5000
        self.kept_s = 31 * 86400
        self.ended = collections.Counter()
        self.busyness = self.only = self.gap = None
        self.own_key = True
        self.lock = threading.Lock()
        self.waiting, self.running, self.recent, self.sends, self.cancelled = [], [], [], [], []
        self.paused = None
        self.next_id = 4000
        self.rng = random.Random(7)
        self.config = config()
        if state == "first":
            self.config["upstreams.nim.base_url"]["value"] = "http://127.0.0.1:39217"
        self.live = {}
        self.keys = keys()
        self.clients = list(CLIENTS)
        self.upstreams = ["nim", "nim-2", "spare", "local"] if state == "many" else ["nim"]
        self.hold_end = time.time() + (42 if state == "retreat" else -9)
        self.bench = {MODELS[1]: time.time() + 9500} if state in ("retreat", "busy", "full") else {}
        self.builds = 120000
        now = time.time()
        target = self.target()
        for i in range(target):
            self.join(now - self.rng.random() * 50)
        if state == "first":
            self.start = now - 95
            return
        for i in range(31 if state == "capped" else 17 if state in ("recovering", "learned") else self.limit() if target else 9):
            self.sends.append(now - self.rng.random() * 55)
        for i in range(100):
            r = self.row(now - 300)
            self.end(r, now - 280 + i * 2.7)
        for i in range(11 if target else 2):
            self.running.append(self.row(now - self.rng.random() * 12))
        if state == "capped":
            for i, r in enumerate(self.waiting):
                r["model"] = CAPPED if i < 46 else MODELS[0]
            for i, r in enumerate(self.running):
                r["model"] = CAPPED if i < 3 else MODELS[0]

    def limit(self):
        return self.config["upstreams.nim.requests"]["value"]

    def target(self):
        return WAITING[self.state]

    def row(self, at):
        self.next_id += 1
        r = self.rng
        return {"id": f"req-{self.next_id:x}", "client": r.choices(CLIENTS, [5, 4, 2, 2, 1])[0],
                "model": r.choices(MODELS, [8, 3, 4, 3, 5, 2, 1])[0], "limit": "nim",
                "priority": r.choices(["high", "normal", "low"], [2, 8, 3])[0], "stream": r.random() < 0.7,
                "at": at, "body_bytes": int(r.lognormvariate(9, 1.2)), "worker": 0}

    def join(self, at):
        self.waiting.append(self.row(at))

    def end(self, r, now):
        x = self.rng
        outcome = "upstream_key" if self.state == "refused" else x.choices(OUTCOMES, [90, 2, 1, 0.3, 1, 1.5, 0.4, 1, 0.2, 0.1])[0]
        queue = x.random() * (40 if self.target() else 0.2)
        first = x.lognormvariate(0, 0.6)
        gen = x.lognormvariate(1.2, 0.7)
        out = int(gen * x.uniform(40, 90))
        ok = outcome == "ok"
        self.recent.insert(0, {
            "id": r["id"], "at": now, "client": r["client"], "model": r["model"], "route": "/v1/chat/completions",
            "stream": r["stream"], "status": {"ok": 200, "client_error": 400, "refused": 429, "rate": 429, "off": 503, "upstream_key": 403}.get(outcome, 502),
            "outcome": outcome, "code": "" if ok else "sluice_queue_full" if outcome == "refused" else "", "queue_s": queue,
            "first_byte_s": first if ok else None, "total_s": queue + first + gen, "attempts": 1 + (x.random() < 0.05),
            "bytes": out * 190, "tokens_in": r["body_bytes"] // 4 if ok else None, "tokens_out": out if ok else None})
        del self.recent[100:]
        self.ended.update((r["model"], r["client"]))

    def step(self):
        now = time.time()
        if self.state in ("capped", "recovering", "learned", "first"):
            return  # a moment of each is enough
        held = self.state == "retreat" and now < self.hold_end
        self.sends = [s for s in self.sends if s > now - 60.5]
        if not self.paused and not held and self.state != "paused":
            for _ in range(3):
                if self.waiting and len(self.sends) < self.limit():
                    self.waiting.sort(key=self.order)
                    r = self.waiting.pop(0)
                    r["at"] = now
                    self.running.append(r)
                    self.sends.append(now)
        if self.state == "idle" and self.rng.random() < 0.12:
            self.running.append(self.row(now))
            self.sends.append(now)
        while len(self.waiting) < self.target() - self.rng.randint(0, 3):
            self.join(now)
        for r in list(self.running):
            if now - r["at"] > 3 and self.rng.random() < 0.12:
                self.running.remove(r)
                self.end(r, now)

    def order(self, r):
        return ({"high": 0, "normal": 40, "low": 160}[r["priority"]] * 0.3 + r["at"] - 1e9, r["id"])

    def retreat(self):
        now = time.time()
        if self.state not in ("retreat", "recovering"):
            return {"state": "normal", "reason": "", "age_s": 0, "ends_s": 0, "streak": 0, "allowance": 20 if self.state == "learned" else self.limit()}
        if now < self.hold_end:
            return {"state": "holding", "reason": "429 Too Many Requests: the account's rate", "age_s": 60 - (self.hold_end - now),
                    "ends_s": self.hold_end - now, "streak": 2, "allowance": 0}
        return {"state": "recovering", "reason": "429 Too Many Requests: the account's rate", "age_s": 60, "ends_s": None, "streak": 2,
                "allowance": 22}

    def cause(self, r):
        """Why R waits, as the limiter would say."""
        if self.paused or self.state == "paused":
            return "paused"
        if self.state in ("retreat", "recovering"):
            return "hold" if time.time() < self.hold_end else "recovering"
        return "model" if self.state == "capped" and r["model"] == CAPPED else "window"

    def by_cause(self, waiting):
        """The groups of those who wait, the largest first."""
        groups = {}
        for r in waiting:
            groups.setdefault((r["cause"], r["model"] if r["cause"] == "model" else None), []).append(r["eta_s"])
        return [{"cause": cause, "upstream": "nim", "model": model, "client": None, "waiting": len(etas), "next_eta_s": etas[0],
                 "last_eta_s": max((e for e in etas if e is not None), default=None)}
                for (cause, model), etas in sorted(groups.items(), key=lambda g: -len(g[1]))]

    def verdict(self, waiting):
        """How it stands, as the service would say in a word."""
        retreat = self.retreat()["state"]
        words = [("paused", "hold", bool(self.paused) or self.state == "paused"), ("key_refused", "bad", self.state == "refused"), ("hold", "hold", retreat == "holding"),
                 ("queue_nearly_full", "bad", self.state == "full"), ("recovering", "wait", retreat == "recovering"), ("busy_model", "wait", self.state == "capped"),
                 ("learned_lower", "wait", self.state == "learned"), ("window", "wait", bool(waiting)), ("running", "fine", bool(self.running)), ("idle", "fine", True)]
        word, tone = next((word, tone) for word, tone, holds in words if holds)
        return {"word": word, "tone": tone, "title": "", "reason": "", "next_step": None, "upstream": "nim", "model": CAPPED if word == "busy_model" else None,
                "client": None, "waiting": len(waiting), "ends_s": self.retreat()["ends_s"] if word == "hold" else None}

    def ways(self):
        return ["nim", "nim-2", "spare"] if self.state == "many" else ["nim"]

    def rows(self):
        now, out = time.time(), []
        self.waiting.sort(key=self.order)
        opens = sorted(s + 60.5 - now for s in self.sends)
        for i, r in enumerate(self.waiting):
            eta = (opens[i % len(opens)] + 60.5 * (i // len(opens))) if len(opens) >= self.limit() else 0.2 * i
            if self.paused or self.state == "paused":
                eta = None
            elif self.state == "retreat":
                eta += max(0, self.hold_end - now)
            if self.state == "capped":
                eta = None if i > 45 else 8.5 * (1 + i // 3) if r["model"] == CAPPED else opens[i % len(opens)]
            out.append({k: v for k, v in r.items() if k != "at"} | {"age_s": now - r["at"], "position": i + 1, "eta_s": eta, "upstreams": self.ways(),
                                                                    "cause": self.cause(r)})
        running = [{k: v for k, v in r.items() if k != "at"} | {"age_s": now - r["at"]} for r in self.running]
        return out, running

    def figures(self, weight, requests):
        r = random.Random(weight)
        p = lambda a, b: {"p50": a * r.uniform(0.7, 1.4), "p95": b * r.uniform(0.8, 1.5)}
        bad = int(requests * r.uniform(0.005, 0.05))
        return {"requests": requests, "answers": requests - bad, "answers_told": (requests - bad) * 3 // 4, "sent": int(requests * 1.02), "minute": requests % 23, "refused": bad // 3,
                "outcomes": {"ok": requests - bad, "upstream_error": bad - bad // 2, "hangup": bad // 2}, "streams": int(requests * 0.7),
                "tokens_in": requests * r.randint(700, 5000), "tokens_out": requests * r.randint(100, 700),
                "first_byte_s": p(0.7, 2.8), "tokens_per_s": p(70, 35), "token_gap_s": p(0.014, 0.05), "queue_s": p(4, 40),
                "prompt_bytes": p(6000, 60000), "last_at": time.time() - r.random() * 600}

    def status(self):
        now = time.time()
        waiting, running = self.rows()
        opens = sorted(s + 60.5 - now for s in self.sends)
        n = self.limit()
        by = {c: [r for r in waiting if r["priority"] == c] for c in ("high", "normal", "low")}
        free = len(opens) < n
        paused = self.paused or ({"since_s": 95, "by": "admin"} if self.state == "paused" else None)
        ahead = len(waiting) + (0 if free else 1)
        eta = 0 if free and not waiting else (opens[(ahead - 1) % len(opens)] + 60.5 * ((ahead - 1) // len(opens)))
        limit = {"name": "nim", "upstream": "nim", "requests": n, "window_s": 60, "margin_s": 0.5, "window_used": len(opens),
                 "open": min(2, len(self.running)), "in_flight": len(running), "in_flight_max": 0, "burst": n,
                 "tokens": n - len(opens), "next_slot_s": 0 if free else opens[0], "eta_s": None if paused else eta,
                 "waiting": {c: len(v) for c, v in by.items()}, "opens_s": opens[:1000], "retreat": self.retreat(), "unpaid": None,
                 "line": None, "pool": None, "pool_key": None, "key": {"ours": self.own_key, "state": "ok", "status": None, "since_s": 900, "message": None}, "weight": 1, "went": {"all": 41900, "minute": len(opens), "refused": 210, "tokens_in": 79610000, "tokens_out": 12989000},
                 "tokens_used": 0, "tokens_reserved": 0, "tokens_limit": 0}
        if self.state == "learned":
            limit["learned"] = {"kind": "window", "requests": 20, "gap_s": 0, "refused_percent": 0, "age_s": 640}
        if self.state == "capped":
            limit |= {"window_used": len(opens), "eta_s": 0.0}
        limits = [limit]
        if self.state == "many":
            limit |= {"line": "nim", "pool": "nim", "pool_key": 1, "tokens_used": 5200, "tokens_reserved": 1900, "tokens_limit": 10000}
            limits = [limit]
            held = lambda cause, reason, ends: {"cause": cause, "status": 503, "reason": reason, "ends_s": ends, "streak": 1}
            for name, req, more in (
                    ("nim-2", 40, {"pool": "nim", "pool_key": 2, "unpaid": held("key", "Authorization failed", 41)}),
                    ("spare", 12, {"unpaid": held("away", "it cannot be reached", 3)}), ("local", 240, {"line": None})):
                limits.append(limit | {"name": name, "upstream": name, "requests": req, "window_used": req // 3, "pool": None, "pool_key": None, "key": {"ours": True, "state": "ok", "status": None, "since_s": 900, "message": None},
                                       "went": {"all": 90 * req, "minute": req // 3, "refused": req, "tokens_in": 171000 * req, "tokens_out": 27900 * req}, "tokens_limit": 0,
                                       "opens_s": [60.5 * i / (req // 3) for i in range(req // 3)],
                                       "waiting": {"high": 0, "normal": 0, "low": 0}} | more)
        bench = lambda m: ({"status": 503, "reason": "503, Retry-After 10800: the model is off", "ends_s": self.bench[m] - now,
                            "streak": 1} if m in self.bench else None)
        models = [{"name": m, "upstream": "nim", "waiting": sum(r["model"] == m for r in waiting),
                   "in_flight": sum(r["model"] == m for r in running), "ceiling": 3 if self.state == "capped" and m == CAPPED else 6 if m == CAPPED else 0, "rest_s": None,
                   "bench": bench(m)} | self.figures(i + 1, 9000 // (i + 1) + self.ended[m]) for i, m in enumerate(MODELS)]
        clients = [{"name": c, "waiting": sum(r["client"] == c for r in waiting), "in_flight": sum(r["client"] == c for r in running),
                    "requests_per_min": 20 if c == "docs-bot" else 0, "used_per_min": [18, 12, 6, 3, 1][i]}
                   | self.figures(i + 50, 8000 // (i + 1) + self.ended[c]) for i, c in enumerate(CLIENTS)]
        if self.state == "first":
            models, clients = [], []
            limit["key"] |= {"state": "unknown", "since_s": None}
        if self.state == "refused":
            limit["key"] = {"ours": True, "state": "refused", "status": 403, "since_s": 95, "message": "Authorization failed"}
        return {"verdict": self.verdict(waiting), "waiting_by_cause": self.by_cause(waiting),
                "version": "0.1.0", "time": now, "uptime": now - self.start, "snapshot": {"builds": self.builds, "viewers": 1},
                "paused": paused,
                "queue": {"waiting": len(waiting), "running": len(running), "max": self.config["queue.max"]["value"], "per_client": 500,
                          "held_bytes": sum(r["body_bytes"] for r in waiting), "max_bytes": 128 << 20,
                          "oldest_s": max((r["age_s"] for r in waiting), default=None),
                          "classes": {c: {"waiting": len(v), "oldest_s": max((r["age_s"] for r in v), default=None)} for c, v in by.items()}},
                "limits": limits, "models": models, "clients": clients,
                "waiting": waiting[:100], "running": running[:100], "recent": self.recent,
                "workers": [{"pid": 4711 + i, "stalled": False, "age_s": now - self.start, "seen_s": 0.2} for i in range(2)],
                "counters": {"joined": 0 if self.state == "first" else 41200, "granted": 40800, "sent": 41900, "done": 40700, "left": 400, "again": 1100,
                             "answers": {"fine": 40100, "rate": 210, "busy": 540, "off": 90, "unpaid": 0, "fault": 160},
                             "holds": {"rate": 31, "probe": 4, "recovery": 2, "unpaid": 0},
                             "refused": {"queue_full": 120, "client_queue_full": 12, "queue_bytes": 0, "deadline": 64, "table_full": 0,
                                         "state": 0, "model_off": 90, "upstream_held": 0},
                             "outcomes": {}},
                "more": {"models": 0, "clients": 0, "waiting": max(0, len(waiting) - 100), "running": 0}}

    def history(self, q):
        now = time.time()
        g = lambda k, d: float(q.get(k, [d])[0])
        frm, to, points = g("from", -600), g("to", now), int(g("points", 300))
        frm = now + frm if frm <= 0 else frm
        to = now + to if to <= 0 else to
        for base, keep in ((1, 600), (60, 2 * 86400), (3600, 400 * 86400)):
            if frm >= now - keep - base:
                break
        step = base * max(1, math.ceil((to - frm) / base / points))
        names = ["t", "sends", "requests", *OUTCOMES, "waiting", "in_flight", "window_used", "window_limit", "queue_s", "first_byte_s",
                 "generation_s", "queue_n", "first_byte_n", "generation_n", "queue_p50", "queue_p95", "first_byte_p50",
                 "first_byte_p95", "speed_p50", "speed_p95", "tokens_in", "tokens_out", "answers", "answers_told"]
        cols = {k: [] for k in names}
        kept = self.start if self.state == "first" else now - self.kept_s
        t = math.floor(frm / step) * step
        while t <= to:
            if self.gap and self.gap[0] <= t < self.gap[1] or t < kept or t < now - 86400 * 4 and 1.71e9 % 97 == t % 97:
                row = {k: None for k in names}
            else:
                row = self.point(t, step)
            row["t"] = t
            for k in names:
                cols[k].append(row.get(k, 0))
            t += step
        by = {}
        if q.get("by") == ["upstream"]:
            by = {"upstreams": self.went(cols, self.upstreams, "sends"), "upstreams_kept_from": kept}
        elif "by" in q:
            by = self.deeds(cols, q["by"][0] + "s", q.get("name", [None])[0]) | {q["by"][0] + "s_kept_from": kept}
        return {"from": frm, "to": to, "step_s": step, "kept_from": kept} | cols | by

    def deeds(self, cols, what, name):
        """By model or client: counts of all, or of one with the times it took."""
        each = lambda column, of: [v if v is None else of(v) for v in column]
        of = self.went(cols, MODELS[:5] if what == "models" else self.clients, "requests")
        of = {n: c for n, c in of.items() if any(c["requests"])}
        for c in of.values():
            n = c["requests"]
            c |= {"ok": each(n, lambda v: v - v // 20), "errors": each(n, lambda v: v // 30), "streams": each(n, lambda v: v * 2 // 3),
                  "bytes_in": each(n, lambda v: v * 7300), "bytes_out": each(n, lambda v: v * 2100)}
        if name is None:
            return {what: of, f"{what}_other": None}
        some = {k: cols[k] for k in ("queue_p50", "queue_p95", "first_byte_p50", "first_byte_p95")}
        return {what: {name: of[name] | some} if name in of else {}}

    def went(self, cols, names, count):
        """The more the sooner it stands in the list; all of them are the service's."""
        parts = {name: [] for name in names}
        for t, v in zip(cols["t"], cols[count]):
            r, rest = random.Random(int(t)), v or 0
            for i, name in enumerate(names):
                n = rest if i == len(names) - 1 else sum(r.random() < 0.45 for _ in range(rest)) if rest < 50 else int(rest * 0.45)
                parts[name].append(None if v is None else n)
                rest -= n
        each = lambda column, of: [v if v is None else of(v) for v in column]
        return {name: {"sends": c, "requests": c, "answers": c, "answers_told": each(c, lambda v: v * 3 // 4), "refused": each(c, lambda v: v // 40),
                       "tokens_in": each(c, lambda v: v * 1900), "tokens_out": each(c, lambda v: v * 310)} for name, c in parts.items()}

    def point(self, t, step):
        r = random.Random(int(t))
        if self.state == "first":
            return {k: 0 for k in ("sends", "requests", *OUTCOMES, "waiting", "in_flight", "window_used", "queue_s", "first_byte_s", "generation_s", "queue_n",
                                   "first_byte_n", "generation_n", "tokens_in", "tokens_out")} | {"window_limit": 40} | {
                f"{k}_{p}": None for k in ("queue", "first_byte", "speed") for p in ("p50", "p95")}
        l = load(t) if step >= 60 else {"idle": 0.15}.get(self.state, 1.2) * (0.7 + 0.5 * random.Random(int(t) // 4).random())
        sends = min(40 * step / 60, l * 40 * step / 60)
        sends = int(sends) + (r.random() < sends % 1)
        waiting = int(max(0, (l - 0.85) * 140)) if step >= 60 else \
            int(max(0, {"full": 400}.get(self.state, 46) + 14 * math.sin(t / 70) + 9 * math.sin(t / 23) + r.randint(-2, 2)) * (self.target() > 0))
        if self.state == "retreat" and step < 60 and t > time.time() - 20:
            sends = 0
        bad = {k: (r.random() < w * sends) * 1 if sends < 50 else int(w * sends * r.uniform(0.2, 2)) for k, w in
               zip(OUTCOMES[1:], [0.02, 0.008 * (waiting > 60), 0.002, 0.008, 0.012, 0.003, 0.01, 0.001, 0.0005])}
        n = sends
        if self.only:
            bad = dict.fromkeys(bad, 0) | {self.only: n}
        if self.busyness:
            bad["refused"] = max(0, int(sends * self.busyness) - sends + (r.random() < 0.5))
        q50 = waiting * 0.7 * r.uniform(0.95, 1.05)
        return {"sends": sends, "requests": n, "ok": max(0, n - sum(bad.values())), **bad, "waiting": waiting,
                "in_flight": int(2 + l * 9), "window_used": int(min(40, l * 41)), "window_limit": 40, "queue_s": n * q50,
                "first_byte_s": n * 1.1, "generation_s": n * 4.2, "queue_n": n, "first_byte_n": n, "generation_n": n,
                "queue_p50": q50 if n else None, "queue_p95": q50 * 1.8 + 0.3 if n else None,
                "first_byte_p50": r.uniform(0.8, 1.2) if n else None, "first_byte_p95": r.uniform(2, 3.4) if n else None,
                "speed_p50": 62 * r.uniform(0.8, 1.2) if n else None, "speed_p95": 110 * r.uniform(0.8, 1.2) if n else None,
                "tokens_in": n * 1900, "tokens_out": n * 310, "answers": n, "answers_told": n * 3 // 4}


def config():
    c = {}

    def put(key, value, lo=None, hi=None, type_="count", unit=None, live=True, source="default", **more):
        c[key] = {"value": value, "default": value, "type": type_, "live": live, "source": source} | more
        if lo is not None:
            c[key] |= {"min": lo, "max": hi}
        if unit:
            c[key]["unit"] = unit
    put("upstreams.nim.base_url", "https://integrate.api.nvidia.com", type_="text", live=False)
    put("upstreams.nim.requests", 40, 1, 10000)
    put("upstreams.nim.window_s", 60, 0.1, 86400, "seconds", "s", source="env")
    put("upstreams.nim.margin_ms", 500, 0, 60000, unit="ms")
    put("upstreams.nim.burst", None, 1, 10000)
    put("upstreams.nim.min_gap_ms", 0, 0, 600000, unit="ms")
    put("upstreams.nim.in_flight", 0, 0, 4096)
    put("upstreams.nim.scope", "account", type_="word", live=False, words=["account", "model"])
    put("queue.max", 500, 1, 4096)
    put("queue.per_client", 500, 1, 4096)
    put("queue.timeout_s", 900, 0.1, 86400, "seconds", "s", source="file")
    put("queue.max_mb", 128, 1, 65536, "megabytes", "MB")
    put("commit_after_s", 5, 0, 600, "seconds", "s")
    put("heartbeat_s", 10, 0.1, 600, "seconds", "s")
    put("buffered_keepalive", False, type_="bool")
    put("timeouts.connect_s", 10, 0.1, 300, "seconds", "s")
    put("timeouts.first_byte_s", 600, 0.1, 86400, "seconds", "s")
    put("retry.max", 3, 1, 20)
    put("retry.refused_max", 5, 1, 100)
    put("retreat.max_s", 300, 0.1, 86400, "seconds", "s")
    put("drain_s", 30, 0, 3600, "seconds", "s", live=False)
    put("admin.read", "loopback", type_="word", live=False, words=["loopback", "private", "any", "token"])
    put("anonymous", "loopback", type_="word", live=False, reload=True, words=["loopback", "private", "any", "no"])
    put("hosts", [], type_="list", live=False, reload=True)
    put("data_dir", "/var/lib/sluice", type_="text", live=False)
    return c


# Of a key: what is allowed. queue.max of the settings is one bound that the page does not know.
KEY_COUNTS = {"weight": (1, 1000), "requests_per_min": (0, 10000), "queue_max": (0, 500)}


def key(name, made, expires=None, source="made", priority="normal", weight=1, per_min=0, queue_max=0):
    return {"name": name, "id": secrets.token_hex(4), "source": source, "made_at": made, "expires_at": expires, "expired": False,
            "priority": priority, "weight": weight, "requests_per_min": per_min, "queue_max": queue_max}


def keys():
    now, day = time.time(), 86400
    made = [key("docs-bot", None, source="settings", priority="low", per_min=20, queue_max=50), key("ci", now - 40 * day, now + 50 * day, weight=3),
            key("review-agent", now - 9 * day, priority="high", weight=2, queue_max=20), key("trial", now - 31 * day, now - day)]
    return {k["name"]: k for k in made}


def key_fault(body):
    for name, (lo, hi) in KEY_COUNTS.items():
        v = body.get(name, lo)
        if type(v) is not int or not lo <= v <= hi:
            return f"{name}: must be a whole number from {lo} to {hi}"
    if body.get("priority", "normal") not in ("high", "normal", "low"):
        return "priority: must be high, normal or low"
    return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", head=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for k, v in (("Content-Type", kind), ("Content-Length", len(body)), ("Cache-Control", "no-store"), *head):
            self.send_header(k, v)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close()  # who asked has left

    def fail(self, status, code, message):
        self.answer(status, {"error": {"message": message, "type": "error", "param": None, "code": code}})

    def do_GET(self):
        from urllib.parse import parse_qs, urlsplit
        w, u = self.server.world, urlsplit(self.path)
        if w.state == "lost" and u.path.startswith("/api") and time.time() > self.server.born + 3:
            return self.close()
        if u.path.startswith("/dashboard/"):
            f = (PAGE / (u.path[11:] or "index.html")).resolve()
            if PAGE not in f.parents or not f.is_file():
                return self.fail(404, "sluice_not_found", "no such file")
            return self.answer(200, f.read_bytes(), KINDS.get(f.suffix, "text/plain"), [("Content-Security-Policy", CSP)])
        if w.state == "token" and u.path.startswith("/api") and not self.is_admin():
            return self.denied()
        if u.path == "/v1/models":
            ids = (["sim/echo"] if w.state == "first" else []) + MODELS
            return self.answer(200, {"object": "list", "data": [{"id": m, "object": "model", "owned_by": m.split("/")[0]} for m in ids]})
        with w.lock:
            if u.path == "/api/status":
                return self.answer(200, w.status())
            if u.path == "/api/queue":
                a, b = w.rows()
                return self.answer(200, {"waiting": a, "running": b})
            if u.path == "/api/config":
                return self.answer(200, w.config)
            if u.path == "/api/history":
                return self.answer(200, w.history(parse_qs(u.query)))
        if u.path == "/api/events":
            return self.events(w)
        if u.path == "/api/keys":
            return self.answer(200, {"keys": self.listed(w)}) if self.is_admin() else self.denied()
        self.fail(404, "sluice_not_found", "no such route")

    def close(self):
        self.close_connection = True

    def events(self, w):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b"retry: 2000\n\n")
        try:
            while True:
                with w.lock:
                    data = json.dumps(w.status())
                self.wfile.write(b"event: status\ndata: " + data.encode() + b"\n\n")
                self.wfile.flush()
                time.sleep(1)
                if w.state == "lost" and time.time() > self.server.born + 3:
                    return
        except OSError:
            pass

    def is_admin(self):
        return self.headers.get("Authorization") == "Bearer " + TOKEN

    def denied(self):
        self.fail(401, "sluice_unauthorized", "The admin token is needed.")

    def listed(self, w):
        return [k | {"expired": k["expires_at"] is not None and k["expires_at"] <= time.time()} for k in w.keys.values()]

    def act(self):
        w = self.server.world
        n = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(n) or b"{}")
        if not self.is_admin():
            return self.denied()
        with w.lock:
            if self.path.startswith("/api/keys"):
                return self.key(w, unquote(self.path[10:]), body)
            if self.command == "PATCH":
                return self.patch(w, body)
            if self.command == "DELETE":
                rid = self.path.rsplit("/", 1)[1]
                found = [r for r in w.waiting + w.running if r["id"] == rid]
                w.cancelled += [r["id"] for r in found]
                for r in found:
                    (w.waiting if r in w.waiting else w.running).remove(r)
                return self.answer(200, {"cancelled": 1}) if found else self.fail(404, "sluice_not_found", f"Nobody has the id {rid}.")
            if self.path == "/api/pause":
                w.paused = {"since_s": 0, "by": "admin"}
                return self.answer(200, {"paused": True})
            if self.path == "/api/resume":
                w.paused = None
                return self.answer(200, {"paused": False})
            if self.path == "/api/retreat/clear":
                w.hold_end = 0
                w.bench.pop(body.get("model"), None)
                return self.answer(200, {"cleared": True})
            if self.path == "/api/reload":
                return self.answer(200, {"reloaded": True, "warnings": []})
        self.fail(404, "sluice_not_found", "no such route")

    def patch(self, w, body):
        for k, v in body.items():
            s = w.config.get(k)
            if s is None or not s["live"] or (v is not None and "min" in s and not s["min"] <= v <= s["max"]):
                return self.fail(400, "sluice_bad_request", f"{k}: must be a number from {s and s.get('min')} to {s and s.get('max')}")
        for k, v in body.items():
            w.config[k] |= {"value": w.config[k]["default"], "source": "default"} if v is None else {"value": v, "source": "live"}
        self.answer(200, w.config)

    def key(self, w, name, body):
        if self.command == "POST":
            return self.make_key(w, body)
        if name not in w.keys:
            return self.fail(404, "sluice_not_found", f"There is no key {name}.")
        if w.keys[name]["source"] == "settings":
            return self.fail(409, "sluice_conflict", f"The key {name} is in the settings file: change it there.")
        if self.command == "DELETE":
            del w.keys[name]
            return self.answer(200, {"revoked": name})
        fault = key_fault(body)
        if fault:
            return self.fail(400, "sluice_bad_request", fault)
        w.keys[name] |= self.terms(body)
        self.answer(200, [k for k in self.listed(w) if k["name"] == name][0])

    def make_key(self, w, body):
        name, fault = body.get("name", ""), key_fault(body)
        if name in w.keys:
            return self.fail(409, "sluice_conflict", f"name: there is a key {name} already.")
        if fault or not 1 <= len(name.encode()) <= 63:
            return self.fail(400, "sluice_bad_request", fault or "name: must have 1 to 63 characters")
        w.keys[name] = key(name, time.time()) | self.terms(body)
        self.answer(201, w.keys[name] | {"key": "sk-sluice-" + secrets.token_urlsafe(32)})

    @staticmethod
    def terms(body):
        """What a body says of a key, as it is kept."""
        kept = {k: body[k] for k in ("priority", *KEY_COUNTS) if k in body}
        if "expires_in_s" in body:
            kept["expires_at"] = None if body["expires_in_s"] is None else time.time() + body["expires_in_s"]
        return kept

    do_POST = do_PATCH = do_DELETE = act


def main():
    global PAGE
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=8099)
    p.add_argument("--state", default="busy", choices=WAITING)
    p.add_argument("--pages", type=pathlib.Path, default=PAGE, help="another www/dashboard")
    a = p.parse_args()
    PAGE = a.pages.resolve()
    serve(a.state, a.port).serve_forever()


def serve(state, port=0):
    """A server that is ready to serve_forever(), with a world that moves."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.world, server.born = World(state), time.time()

    def run():
        while True:
            with server.world.lock:
                server.world.step()
            time.sleep(0.5)
    threading.Thread(target=run, daemon=True).start()
    return server


if __name__ == "__main__":
    main()
