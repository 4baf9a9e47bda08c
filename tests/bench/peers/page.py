"""page.py - BENCHMARKS.md from what was measured.  It knows no peer by name but
Sluice, and says where that one is not the best."""

import datetime
import os
import platform

US, MS = 1, 1000


def number(v, digits=0):
    if v is None:
        return ""
    text = f"{v:,.{digits}f}"
    return "0" if text in ("-0", "-0.0") else text


def told(s, scale=1, digits=0):
    """Median, and the least and the most in brackets."""
    if s is None:
        return ""
    lo, hi = number(s["min"] / scale, digits), number(s["max"] / scale, digits)
    mid = number(s["median"] / scale, digits)
    return mid if lo == hi else f"{mid} ({lo}-{hi})"


def table(head, rows):
    """Markdown; every row has as many cells as the head."""
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"a row of {len(row)} cells under {len(head)}: {row}")
    line = "| " + " | ".join(head) + " |"
    return "\n".join([line, "|" + "---|" * len(head)] + ["| " + " | ".join(str(c).replace("|", "\\|") for c in row) + " |" for row in rows])


class Page:
    def __init__(self, labels, results, facts):
        self.labels, self.r, self.facts = labels, results, facts
        self.losses = []

    def names(self, part):
        """Those that the part has, in the order of all."""
        return [n for n in self.labels if n in self.r.get(part, {})]

    def label(self, name):
        return f"**{self.labels[name]}**" if name == "sluice" else self.labels[name]

    def lost(self, part, what, of, less_is_better=True, unit="", scale=1, digits=0, among=None):
        """Notes whom Sluice loses to in this figure."""
        have = {n: of(v) for n, v in self.r.get(part, {}).items()
                if (among is None or n in among) and isinstance(v, dict) and "failed" not in v and "none" not in v and of(v) is not None}
        mine = have.pop("sluice", None)
        if mine is None:
            return
        better = [n for n, v in have.items() if (v < mine if less_is_better else v > mine) and n not in ("direct", "hello")]
        if better:
            self.losses.append(f"- {what}: Sluice {number(mine / scale, digits)}{unit}; " +
                               ", ".join(f"{self.labels[n]} {number(have[n] / scale, digits)}{unit}" for n in better) + ".")

    def rows(self, part, cells, width):
        out = []
        for n in self.names(part):
            v = self.r[part][n]
            if "failed" in v:
                out.append([self.label(n), "failed: " + v["failed"]] + [""] * (width - 2))
            elif "none" in v:
                out.append([self.label(n), "none"] + [""] * (width - 2))
            else:
                out.append([self.label(n)] + cells(v))
        return out

    def speed(self):
        text = []
        if "added" in self.r:
            head = ["", "added p50, us", "added p99, us", "p50 itself, us", "CPU a request, us"]
            text += ["### One client", "", "What it adds to asking the upstream directly, in the same round.", "",
                     table(head, self.rows("added", lambda v: [told(v.get("added_p50_us")), told(v.get("added_p99_us")),
                                                               told(v["p50_us"]), number(v["cpu_us"])], len(head))), ""]
            self.lost("added", "added p50 at one client", lambda v: v.get("added_p50_us", {}).get("median"), unit=" us")
            self.lost("added", "added p99 at one client", lambda v: v.get("added_p99_us", {}).get("median"), unit=" us")
        if "rate" in self.r:
            head = ["", "requests a second", "p99, ms", "CPU a request, us"]
            text += ["### 32 clients", "", table(head, self.rows("rate", lambda v: [told(v["per_s"]), told(v["p99_us"], MS, 1),
                                                                                number(v["cpu_us"])], len(head))), ""]
            self.lost("rate", "requests a second at 32 clients", lambda v: v["per_s"]["median"], less_is_better=False)
            self.lost("rate", "p99 at 32 clients", lambda v: v["p99_us"]["median"], unit=" ms", scale=MS, digits=1)
        if "streams" in self.r:
            head = ["", "delay p50, ms", "delay p99, ms", "CPU an event, us"]
            text += ["### 200 streams", "", "Ten events a second each. How late an event comes after the upstream's own schedule. The first of the "
                     "51 has no word in it: Sluice keeps it until the first word is there, 0.1 s later here, so that a stream which ends or fails before that can "
                     "be asked for again. One of 51 is more than a hundredth, so that is its p99; no word waits so.", "",
                     table(head, self.rows("streams", lambda v: [told(v["p50_us"], MS, 1), told(v["p99_us"], MS, 1),
                                                                 number(v["cpu_us"], 1)], len(head))), ""]
            self.lost("streams", "delay p99 of 200 streams", lambda v: v["p99_us"]["median"], unit=" ms", scale=MS, digits=1)
        if "memory" in self.r:
            head = ["", "at rest, MB", "afterwards, MB"]
            text += ["### Memory", "", "PSS of all its processes (a page that several share counts by its share), once it has answered "
                     "one request and rested, and after 3 s of 32 clients and 200 streams. Each alone: what others map, too, would count as less.", "",
                     table(head, self.rows("memory", lambda v: [number(v["rest_kb"] / 1024, 1), number(v["after_kb"] / 1024, 1)], len(head))), ""]
            self.lost("memory", "memory at rest", lambda v: v["rest_kb"], unit=" MB", scale=1024, digits=1)
            self.lost("memory", "memory afterwards", lambda v: v["after_kb"], unit=" MB", scale=1024, digits=1)
        return ["## What it costs", ""] + text if text else []

    def limits(self):
        text = []
        if "share" in self.r:
            clients = next((list(v["rows"]) for v in self.r["share"].values() if "rows" in v), [])
            head = ["", *(f"`{c}`" for c in clients), "off by", "429s they saw"]
            text += ["### Whose are the slots?", "",
                     "Three clients ask without end: `flood` has 90 connections and weight 1, `even` 40 and weight 1, `double` 40 and "
                     "weight 2. Their shares of what the upstream took from the second window on, beside what each is owed; by "
                     "connections alone it would be 53, 24 and 24 %. Only Sluice can be told a client's weight here: nginx has one line, SMG "
                     "one queue (its priorities are classes of admission, no shares), LiteLLM reserves by key with a database and a licence, "
                     "Portkey has none.", "",
                     table(head, self.rows("share", lambda v: [f"{number(r['share'])} % ({number(r['owed'])})" for r in v["rows"].values()] +
                                           [number(v["off"], 1) + " points", number(v["seen_429"])], len(head))), ""]
            self.lost("share", "share off what is owed", lambda v: v.get("off"), unit=" points", digits=1)
        if "burst" in self.r or "eta" in self.r:
            head = ["", "requests", "off by p50, s", "p90, s", "most, s", "earlier", "later"]
            text += ["### Is it true when a request will go?", "",
                     "What `/api/queue` says when it first tells of a request that waits, and when the upstream saw it; more than half a "
                     "second off is *earlier* or *later*. It is said of those who wait now: who comes later and is owed more may go first, "
                     "and then it is a window later."]
            for part, what in (("burst", "120 at once, nobody later:"), ("eta", "The three clients above, who come again and again, one of them with twice the weight:")):
                if part in self.r:
                    text += ["", what, "", table(head, self.rows(part, lambda v: [v["n"], number(v["p50_s"], 2), number(v["p90_s"], 2), number(v["max_s"], 2),
                                                                                  v["early"], v["late"]], len(head)))]
            text += ["", "None of the others tells a waiting request anything; a refused one may get `Retry-After`.", ""]
        if "kills" in self.r:
            head = ["", "kills", "quota used", "refused by the upstream", "most in 60 s, of 40", "lost", "429s they saw"]
            text += ["### What if a worker is killed?", "",
                     "40 clients; each 15 s a serving process gets SIGKILL. nginx, LiteLLM and lighttpd start another; SMG and Portkey are one "
                     "process, which is started again at once, as systemd would.", "",
                     table(head, self.rows("kills", lambda v: [v["kills"], number(v["used"]) + " %", number(v["refused"]), v["most"], number(v["lost"]),
                                                               number(v["seen_429"])], len(head))), "",
                     "The upstream's windows begin when it is first asked, and it counts by them: who sends 40 at the end of one and 40 at the "
                     "beginning of the next is not refused, but has sent 80 in 60 s.", ""]
            self.lost("kills", "quota used under kills", lambda v: v["used"], less_is_better=False, unit=" %")
            self.lost("kills", "beyond 40 in any 60 s under kills", lambda v: max(0, v["most"] - 40))
        if "stranger" in self.r:
            head = ["", "refused by the upstream", "429s that clients saw", "answered", "of what was left"]
            text += ["### What if somebody else spends part of it?", "",
                     "40 clients; whenever a window of the upstream opens a stranger is the first in it, and takes 15 of the 40, which nobody is told. "
                     "*What was left* is 40 a window less what the stranger was given.", "",
                     table(head, self.rows("stranger", lambda v: [number(v["refused"]), number(v["seen_429"]), number(v["answered"]),
                                                                  number(v["used"]) + " %"], len(head))), ""]
            self.lost("stranger", "refused by the upstream after a stranger", lambda v: v["refused"])
            self.lost("stranger", "429s that clients saw after a stranger", lambda v: v["seen_429"])
            self.lost("stranger", "used of what a stranger left", lambda v: v["used"], less_is_better=False, unit=" %")
        if self.r.get("answered"):
            text += ["### Who is answered?", "", "120 requests at once, none of which its client repeats (`ROWS=answered make bench`).", "",
                     table(["", "answered", "429s of the upstream", "all in after", "memory"],
                           [[("**Sluice**" if a["label"] == "Sluice" else a["label"]), a["answered"], a["upstream_429"], a["after"], a["memory"]]
                            for a in self.r["answered"]]), ""]
        return [f"## What becomes of a limit", "",
                "An upstream that takes 40 requests in 60 s and counts refused ones, too; a client asks again 5 s after an answer or a refusal.",
                ""] + text if text else []

    def web(self):
        if "web" not in self.r:
            return []
        web = dict(self.r["web"])
        bound, rows = web.pop("bound", None), []
        for name, v in web.items():
            if "failed" in v:
                rows.append([name, "failed: " + v["failed"]] + [""] * 6)
                continue
            rows.append([name, told(v["p50_us"]), told(v["p50_x"], 1, 2), told(v["per_s"]), told(v["per_s_x"], 1, 2),
                         number(v["cpu1_us"]), number(v["cpu32_us"]), v["verdict"]])
        text = ["## The web server's part", "",
                "Sluice with one thing changed, round by round beside the present `lighttpd.conf`. *x* is the ratio to that one in the same "
                "round; *once more* is the same a second time: what chance alone does. *Better* and *worse* are said only where every round says so, by 3 % "
                "at least, and more than chance did. CPU is that of the web server and the workers together.", "",
                table(["", "p50, us", "x", "requests a second", "x", "CPU a request, us: 1 client", "32", ""], rows), ""]
        if bound and "off" in bound:
            text += [f"nginx can keep its connections to a FastCGI program (`fastcgi_keep_conn`); a worker of Sluice closes each after its answer, so "
                     f"nothing is kept. What it could save at most, by the hello, whose libfcgi keeps them: p50 at one client "
                     f"{told(bound['off'])} us without, {told(bound['on'])} us with. lighttpd keeps none: it opens one for each request.", ""]
        return text

    def head(self):
        f = self.facts
        return ["# Benchmarks", "",
                "<!-- made by `make bench-peers`; change tests/bench/peers/ instead -->", "",
                f"Sluice and what it competes with, each with its own recommended settings, the same upstream and the same load, on one machine, "
                f"asked in turn. Made by `{f['command']}` on {f['date']} in {f['minutes']} minutes. A figure is the median of {f['rounds']} rounds, the least and the "
                f"most in brackets.", "",
                *([f["note"], ""] if f.get("note") else []),
                f"Machine: {f['cpu']}, {f['cores']} cores, {f['memory_gb']} GB, {f['system']}. Load average at the start {f['load']}" +
                (", so others were busy on it and **these figures are provisional**." if f["busy"] else ".") +
                " Upstream, load and peers share the cores: compare figures of this page with each other, and with no other page.", ""]

    def settings(self):
        f = self.facts
        rows = [[self.label(n), p["version"], p["settings"], p["limit"], p["source"]] for n, p in f["peers"].items()]
        out = ["## Who is measured, and with what", "", table(["", "version", "settings", "its limit", "from"], rows), ""]
        out += [f"- **{label}: not measured**: {why}" for label, why in f["not_there"].items()]
        out += [""] if f["not_there"] else []
        out += ["Load: " + f["wrk"] + ", one thread; streams and limits by `tests/bench/load`. Upstream: `tests/nimsim`. How each is started "
                "(`tests/bench/peers/servers.py` writes their files):", "", "```"]
        out += [f"{p['shown']}" for p in f["peers"].values()]
        out += [*f["commands"], "```", ""]
        return out

    def beside_the_floor(self):
        """How far it is from what any FastCGI program costs."""
        told_of = []
        for part, of, what in (("added", lambda v: v.get("added_p50_us", {}).get("median"), "the hello's added p50"),
                               ("rate", lambda v: v["per_s"]["median"], "its requests a second")):
            have = {n: v for n, v in self.r.get(part, {}).items() if "failed" not in v}
            if {"sluice", "hello"} <= have.keys() and of(have["hello"]):
                told_of.append(f"{of(have['sluice']) / of(have['hello']):.2f} x {what}")
        return ["Beside the floor, the hello, which asks no upstream: " + ", ".join(told_of) + ".", ""] if told_of else []

    def where_it_loses(self):
        lines = self.losses or ["In none of the figures above."]
        return ["## Where Sluice loses", "", *lines, "", *self.beside_the_floor(),
                "nginx is a web server in C that forwards bytes; it knows no model, no token, no client's turn, and does not say who waits.", ""]

    def text(self):
        body = self.speed() + self.limits() + self.web()
        return "\n".join(self.head() + self.settings() + body + self.where_it_loses() + ["## Measure it again", "",
                         "    make bench-peers                                     all of it; installs the peers (PyPI, npm, Debian)",
                         "    PEERS='sluice nginx' PARTS='added rate' make bench-peers   some; the page goes to build/bench/peers/BENCHMARKS.md",
                         "", "`tests/bench/README.md` says how each part is measured, and what the figures do not say.", ""])


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        cpu = next((line.split(":", 1)[1].strip() for line in f if line.startswith("model name")), platform.machine())
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory = int(f.readline().split()[1]) / 1048576
    system = platform.freedesktop_os_release()["PRETTY_NAME"] if hasattr(platform, "freedesktop_os_release") else platform.system()
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gb": round(memory), "system": f"{system}, Linux {platform.release()}",
            "date": datetime.date.today().strftime("%-d %B %Y")}
