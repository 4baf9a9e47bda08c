#!/usr/bin/env python3
"""truth.py - do the page, sluicectl and /metrics say what the upstream saw?

    tests/browser/truth.py                    twenty seconds of load
    tests/browser/truth.py --seconds 600      ten minutes, as an operator would look at them

nimsim logs every arrival; the same run is then read from all three. Each figure is equal, or the page says of how many
answers it is: half of the streams do not tell their tokens. Prints a table of what each said.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from driver import Browser  # noqa: E402
from servers import BUILD, OPENER, Servers, fetch, until  # noqa: E402

# Model, what its request has more, and whether its answers tell their tokens.
KINDS = [("sim/tokens-3", {}, True), ("sim/stream-10-5", {"stream": True, "stream_options": {"include_usage": True}}, True),
         ("sim/stream-12-5", {"stream": True}, False), ("sim/tokens-7", {}, True), ("sim/stream-9-5", {"stream": True}, False),
         ("sim/400-openai", {}, False), ("sim/504", {}, False)]
TELLS = {model for model, _, tells in KINDS if tells}
CLIENTS = ["alpha", "beta", "gamma"]
LANES = 14
OUTCOMES = {200: "ok", 400: "client_error", 504: "upstream_error"}


class Load:
    """Some lanes that ask one after the other, each kind in its turn, until the time is over."""

    def __init__(self, url, seconds):
        self.url, self.end = url, time.monotonic() + seconds
        self.lock, self.n = threading.Lock(), 0
        self.got, self.by_client = collections.Counter(), collections.Counter()
        lanes = [threading.Thread(target=self.lane) for _ in range(LANES)]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()

    def lane(self):
        while time.monotonic() < self.end:
            with self.lock:
                i, self.n = self.n, self.n + 1
            model, more, _ = KINDS[i % len(KINDS)]
            client = CLIENTS[i % len(CLIENTS)]
            body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hello " * (1 + i % 5)}]} | more).encode()
            ask = urllib.request.Request(self.url + "/v1/chat/completions", body, {"Content-Type": "application/json", "X-Sluice-Client": client})
            try:
                with OPENER.open(ask, timeout=900) as answer:
                    answer.read()
                    status = answer.status
            except urllib.error.HTTPError as e:
                e.read()
                status = e.code
            with self.lock:
                self.got[status] += 1
                self.by_client[client] += 1


def number(text):
    """What the page writes as a count; with K and M it is rounded."""
    found = re.fullmatch(r"([\d,.]+)([KM]?)", text.strip())
    return float(found[1].replace(",", "")) * {"": 1, "K": 1e3, "M": 1e6}[found[2]] if found else None


def is_said(n, text):
    shown = number(text)
    return shown is not None and (shown == n or (text[-1] in "KM" and abs(shown - n) <= 0.051 * {"K": 1e3, "M": 1e6}[text[-1]]))


class Page:
    """What stands in it, found by its words."""

    def __init__(self, b, url, token):
        self.b, self.url, self.token = b, url, token

    def open(self, view, ready):
        self.b.open(f"{self.url}/dashboard/?view={view}&range=1h#token={self.token}")
        assert self.b.until(lambda: self.b.run(f"return Boolean({ready})")), f"{view} shows nothing"

    def facts(self):
        return dict(self.b.run("return [...document.querySelectorAll('dl div')].map((e) => [e.firstChild.textContent, e.lastChild.textContent])"))

    def legend(self):
        return dict(self.b.run("return [...document.querySelectorAll('.legend li')].map((e) => [e.childNodes[1].data.trim(), e.lastChild.textContent])"))

    def rows(self, title):
        heads, rows = self.b.run("""const card = [...document.querySelectorAll('main .card')].find((e) => e.querySelector('h2')?.textContent === arguments[0]);
            return [[...card.querySelectorAll('thead th')].map((e) => e.textContent),
            [...card.querySelectorAll('tbody tr')].map((tr) => [...tr.children].map((e) => e.textContent))]""", title)
        return {row[0]: dict(zip(heads, row)) for row in rows}

    def notes(self):
        return self.b.run("return [...document.querySelectorAll('.card-note')].map((e) => e.textContent).join('\\n')")


def metrics(url):
    """Sums by name, and by name and each label."""
    out = collections.Counter()
    with OPENER.open(url + "/metrics") as answer:
        for line in answer.read().decode().splitlines():
            found = re.fullmatch(r"sluice_(\w+?)(?:\{(.*)\})? ([\d.e+]+)", line)
            if not found:
                continue
            out[found[1]] += float(found[3])
            for label in re.findall(r'\w+="[^"]*"', found[2] or ""):
                out[f"{found[1]} {label}"] += float(found[3])
    return out


class Truth:
    def __init__(self, check, tell):
        self.check, self.tell = check, tell

    def same(self, what, saw, **said):
        """Each SAID is what the upstream SAW: a number, or the page's text of one."""
        self.tell(f"{what}: upstream {saw}, " + ", ".join(f"{k} {v}" for k, v in said.items()))
        for who, value in said.items():
            holds = is_said(saw, value) if isinstance(value, str) else value == saw
            self.check(f"truth: {what}, as {who} says it", holds, f"{value}, the upstream saw {saw}")

    def read(self, s, b, load):
        arrivals = [a for a in fetch(s.sim + "/sim/arrivals")[1]["arrivals"] if a["path"].endswith("/completions")]
        status = json.loads(subprocess.check_output([BUILD / "sluicectl", "--state-dir", s.state, "status", "--json"]))
        text = subprocess.check_output([BUILD / "sluicectl", "--state-dir", s.state, "status"], text=True)
        m, page = metrics(s.url), Page(b, s.url, s.token)

        page.open("reliability", "document.querySelectorAll('.legend li').length && document.querySelector('dl.facts dd').textContent !== '–'")
        facts, legend, notes = page.facts(), page.legend(), page.notes()
        words = dict(ok="Fine", client_error="Client’s error", upstream_error="Upstream error")
        ends = collections.Counter(OUTCOMES[a["status"]] for a in arrivals)
        self.same("requests that ended", len(arrivals), clients=load.n, page=facts["Requests"], metrics=m["outcomes_total"], sluicectl=sum(
            x["requests"] for x in status["models"]))
        for kind, name in words.items():
            self.same(f"of them {kind}", ends[kind], page=legend[name], metrics=m[f'outcomes_total outcome="{kind}"'], sluicectl=status["counters"]["outcomes"].get(kind, 0))
        counted = ends["ok"] + ends["upstream_error"]
        self.check("truth: the availability is theirs", f"{ends['upstream_error']:,} of {counted:,} failed" in b.text("main"), b.text(".card"))

        told = [a for a in arrivals if a["model"] in TELLS]
        tokens = sum(a["tokens"] for a in told)
        went = re.search(r"tokens: ([\d,]+) in, ([\d,]+) out", text)
        shown = [number(facts[f"Tokens {way}"]) for way in ("in", "out")]
        self.same("tokens that answers told", tokens, metrics=m["upstream_tokens_in_total"] + m["upstream_tokens_out_total"],
                  sluicectl=sum(whole(x) for x in went.groups()))
        self.check("truth: tokens, as the page says them", abs(sum(shown) - tokens) <= sum(0.0005 * x + 50 for x in shown if x >= 10000), f"{shown}, the upstream {tokens}")
        self.check("truth: not all answers told them", sum(a.get("tokens", 0) for a in arrivals) > tokens)
        coverage = f"Tokens of {len(told):,} of {ends['ok']:,} answers"
        self.check("truth: the page says of how many answers its tokens are", coverage in notes, f"{notes!r}, it should: {coverage}")

        page.open("models", "document.querySelectorAll('table:not(.week) tbody tr').length")
        rows = page.rows("All models")
        self.same("sends", len(arrivals), page=sum(number(column(r, "Sends")) for r in rows.values()), metrics=m["upstream_requests_total"],
                  sluicectl=whole(re.search(r"went there: ([\d,]+)", text)[1]))
        for model, _, _ in KINDS:
            self.same(model, sum(a["model"] == model for a in arrivals), page=column(rows[model], "Requests"), sluicectl=next(
                x["requests"] for x in status["models"] if x["name"] == model))
        self.minute(s, page, "models", "All models")
        past = lambda whose: {name: (number(column(r, "Requests")), number(column(r, "Sends"))) for name, r in page.rows(f"Requests of each {whose}").items()}
        want = {model: (sum(a["model"] == model for a in arrivals),) * 2 for model, _, _ in KINDS}
        self.check("truth: over time each model has what the upstream saw", b.until(lambda: past("model") == want), f"{past('model')}, the upstream {want}")
        self.check("truth: models say of how many answers their tokens are, too", coverage in page.notes(), page.notes())

        page.open("clients", "document.querySelectorAll('table:not(.week) tbody tr').length")
        rows = page.rows("Clients")
        for client in CLIENTS:
            self.same(client, load.by_client[client], page=column(rows[client], "Requests"))
        self.minute(s, page, "clients", "Clients")
        want = {client: load.by_client[client] for client in CLIENTS}
        self.check("truth: over time each client has what it sent", b.until(lambda: {n: c[0] for n, c in past("client").items()} == want), f"{past('client')}, it {want}")

        page.open("capacity", "document.querySelectorAll('.gauges li').length")
        b.until(lambda: page.facts().get("Peak", "–") != "–")
        wanted = number(page.facts()["Wanted"].removesuffix("/min"))
        minutes = max(1, (arrivals[-1]["t_ns"] - arrivals[0]["t_ns"]) / 60e9)
        self.check("truth: what was wanted is what was sent, by the minute", abs(wanted - len(arrivals) / minutes) <= 0.25 * len(arrivals) / minutes,
                   f"{wanted}, the upstream {len(arrivals) / minutes:.1f}")


    def minute(self, s, page, view, title):
        """Sends of the last minute: the page is a moment behind what the upstream is asked, whichever is asked first."""
        now = fetch(s.sim + "/sim/stats")[1]["now_ns"]
        ago = [now - a["t_ns"] for a in fetch(s.sim + "/sim/arrivals")[1]["arrivals"]]
        most, least = (sum(t < (60 + off) * 1e9 for t in ago) for off in (6, -6))
        said = sum(number(column(r, "Last minute")) for r in page.rows(title).values())
        self.tell(f"last minute: upstream {least} to {most}, {view} {said:.0f}")
        self.check(f"truth: the last minute, as the page says it of {view}", least <= said <= most, f"{said}, the upstream {least} to {most}")


def column(row, head):
    """A cell by its head, whatever sign of sorting is there."""
    return next(v for k, v in row.items() if k.startswith(head)).strip("★ ")


def whole(text):
    return int(text.replace(",", ""))


def visit(b, check, tell, seconds=20):
    s = Servers()
    try:
        s.start_sim("--limiter", "none", "--tokens", "1000000000")
        s.start(SLUICE_REQUESTS=40, SLUICE_WINDOW_S=60 if seconds >= 300 else 3)
        load = Load(s.url, seconds)
        check("truth: all were answered as they should be", set(load.got) == set(OUTCOMES), load.got)
        until(lambda: s.status()["queue"]["running"] == 0)
        time.sleep(1.5)  # the snapshot and the step of the history in which the last one ended
        Truth(check, tell).read(s, b, load)
    finally:
        b.open("about:blank")
        s.end()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=float, default=20)
    a = p.parse_args()
    counts = {True: 0, False: 0}

    def check(what, holds, have=""):
        counts[bool(holds)] += 1
        if not holds:
            print(f"FAIL {what}\n     (have: {have})", flush=True)

    b = Browser()
    try:
        b.size(2560, 1000)
        visit(b, check, lambda line: print(f"  {line}", flush=True), a.seconds)
    finally:
        b.end()
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(counts[False] > 0)


if __name__ == "__main__":
    main()
