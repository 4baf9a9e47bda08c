"""web.py - the web server's part: lighttpd.conf as it is, and with one line
changed; nginx with conf/nginx/sluice.conf, and with connections to the workers
kept.  Round by round beside the present one; only a ratio that holds in every
round says something."""

import os

from figures import median, spread
from procs import BUILD, ROOT, Process, children, free_port, tree
from servers import Sluice, Upstream
from speed import Rounds, measure

CONF = os.path.join(ROOT, "lighttpd.conf")

# What is changed in lighttpd.conf: the line as it is, and in its place.
LIGHTTPD = {
    "lighttpd.conf as it is": [],
    "lighttpd.conf as it is, once more": [],
    "`server.max-worker = 2`": [("server.port = env.SLUICE_RUN_PORT", "server.port = env.SLUICE_RUN_PORT\nserver.max-worker = 2")],
    "TCP to the workers": [('"socket" => env.SLUICE_RUN_DIR + "/fcgi.sock",', '"host" => "127.0.0.1",\n        "port" => @PORT@,')],
    "`listen-backlog` 128, both": [("server.listen-backlog = 4096", "server.listen-backlog = 128"),
                                    ('"listen-backlog" => 4096,', '"listen-backlog" => 128,')],
    "`stream-response-body = 1`": [("server.stream-response-body = 2", "server.stream-response-body = 1")],
    "`stream-response-body = 0`": [("server.stream-response-body = 2", "server.stream-response-body = 0")],
    "`max-keep-alive-requests = 100`": [("server.max-keep-alive-requests = 10000", "server.max-keep-alive-requests = 100")],
}
NGINX = {"nginx, `fastcgi_keep_conn off`": False, "nginx, `fastcgi_keep_conn on`, `keepalive 32`": True}
BASE, AGAIN = "lighttpd.conf as it is", "lighttpd.conf as it is, once more"


def changed(text, edits):
    """lighttpd.conf with these lines in the place of its own."""
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(f"lighttpd.conf has no one line {old!r}: this list is out of date")
        text = text.replace(old, new)
    return text


class Variant(Sluice):
    """lighttpd with a changed lighttpd.conf; no conf/run, which takes its own."""

    def __init__(self, work, upstream, label, edits, workers=2):
        self.label, self.edits, self.workers = label, edits, workers
        self.name = "web"
        super().__init__(work, upstream)
        self.name = label

    def env(self):
        self.state = os.path.join(self.dir, "state")
        os.makedirs(os.path.join(self.state, "upload"), mode=0o700)
        os.chmod(self.state, 0o700)
        return {"SLUICE_RUN_ADDR": "127.0.0.1", "SLUICE_RUN_PORT": str(self.port), "SLUICE_RUN_DIR": self.state,
                "SLUICE_RUN_GRACE": "2", "SLUICE_RUN_MAX_FDS": "4096", "SLUICE_ROOT": ROOT, "SLUICE_FCGI": os.path.join(BUILD, self.program),
                "SLUICE_WORKERS": str(self.workers), "SLUICE_STATE_DIR": self.state, "SLUICE_DATA_DIR": self.state,
                "SLUICE_DRAIN_S": "1", "SLUICE_UPSTREAM_URL": self.upstream.url, **self.never}

    def start(self):
        env = self.env()
        with open(CONF, encoding="utf-8") as f:
            text = changed(f.read(), self.edits).replace("@PORT@", str(free_port()))
        return self.serve("lighttpd", "-D", "-f", self.write("lighttpd.conf", text), env=env)

    def pids(self):
        return tree(self.process.pid)


class BehindNginx(Variant):
    """nginx and the workers, apart, as conf/systemd/ has them."""

    def __init__(self, work, upstream, label, keep, program="sluice.fcgi"):
        self.keep, self.program = keep, program
        super().__init__(work, upstream, label, [])

    def start(self):
        env, door = self.env(), os.path.join(self.dir, "sluice.sock")
        group = "root" if os.geteuid() == 0 else str(os.getegid())
        self.extra.append(Process([os.path.join(ROOT, "tests", "servers", "on-socket"), door, group, "2",
                                   os.path.join(BUILD, self.program)], os.path.join(self.dir, "workers"), env))
        with open(os.path.join(ROOT, "conf", "nginx", "sluice.conf"), encoding="utf-8") as f:
            text = f.read()
        if self.keep:
            text = changed(text, [("fastcgi_keep_conn off;", "fastcgi_keep_conn on;"),
                                  ("fastcgi_pass unix:/run/sluice-fcgi/sluice.sock;", "fastcgi_pass workers;")])
        text = text.replace("unix:/run/sluice-fcgi/sluice.sock", "unix:" + door)
        temps = "".join(f"{t}_temp_path {self.dir}/{t}; " for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write("nginx.conf", f"""{"user root; " if os.geteuid() == 0 else ""}worker_processes auto; daemon off;
pid {self.dir}/pid; error_log {self.dir}/log crit; worker_rlimit_nofile 8192;
events {{ worker_connections 2048; }}
http {{ access_log off; {temps}
    {"upstream workers { server unix:" + door + "; keepalive 32; }" if self.keep else ""}
    server {{ listen 127.0.0.1:{self.port}; include {self.write("sluice.conf", text)}; }}
}}
""")
        return self.serve("nginx", "-p", self.dir, "-c", conf)

    def pids(self):
        return tree(self.process.pid) + children(self.extra[0].pid)


def ratios(rounds, name, field):
    """Round by round, this one by the present one."""
    return spread([a / b for a, b in zip(rounds.of(name, field), rounds.of(BASE, field))])


def verdict(p50, per_s, chance):
    """Better or worse only where no round says otherwise, it is 3 % at least,
    and more than CHANCE did to the present one measured twice."""
    def quicker(s, other):
        return s["max"] < 1.0 and s["median"] <= min(0.97, chance["p50_x"]["min"]) and other["median"] >= 0.98

    def more(s, other):
        return s["min"] > 1.0 and s["median"] >= max(1.03, chance["per_s_x"]["max"]) and other["median"] <= 1.02

    def slower(s):
        return s["min"] > 1.0 and s["median"] >= max(1.03, chance["p50_x"]["max"])

    def less(s):
        return s["max"] < 1.0 and s["median"] <= min(0.97, chance["per_s_x"]["min"])
    if slower(p50) or less(per_s):
        return "worse"
    return "better" if quicker(p50, per_s) or more(per_s, p50) else "no difference"


def run(work, rounds, quick, say, not_there):
    upstream = Upstream(work, "--limiter", "none", "--arrivals-max", "2000")
    made, out = [], {}
    wanted = [(Variant, k, v) for k, v in LIGHTTPD.items()]
    wanted += [(Variant, "one worker", [])] + [(BehindNginx, k, v) for k, v in NGINX.items()]
    try:
        for cls, label, how in wanted[:3] if quick else wanted:
            try:
                made.append(cls(work, upstream, label, how, **({"workers": 1} if label == "one worker" else {})))
            except (RuntimeError, OSError) as e:
                not_there["web server: " + label] = str(e)[:200]
                say(f"{label}: {e}")

        def once(p):
            one, many = measure(p, 1, 1), measure(p, 32, 1 if quick else 2)
            return {"p50_us": one["p50_us"], "cpu1_us": one["cpu_us"], "per_s": many["per_s"], "cpu32_us": many["cpu_us"]}
        r = Rounds(made, rounds, say)
        r.run("web server", once)
        chance = {} if AGAIN in r.failed or BASE in r.failed else {"p50_x": ratios(r, AGAIN, "p50_us"), "per_s_x": ratios(r, AGAIN, "per_s")}
        for p in made:
            if p.name in r.failed or not chance:
                out[p.name] = {"failed": r.failed.get(p.name, "there is nothing to compare it with")}
                continue
            p50, per_s = ratios(r, p.name, "p50_us"), ratios(r, p.name, "per_s")
            out[p.name] = {"p50_us": spread(r.of(p.name, "p50_us")), "per_s": spread(r.of(p.name, "per_s")),
                           "cpu1_us": median(r.of(p.name, "cpu1_us")), "cpu32_us": median(r.of(p.name, "cpu32_us")),
                           "p50_x": p50, "per_s_x": per_s, "verdict": "-" if p.name in (BASE, AGAIN) or rounds < 3 else verdict(p50, per_s, chance)}
        if not quick:
            out["bound"] = keep_bound(work, upstream, rounds, say)
    finally:
        for p in made:
            p.end()
        upstream.end()
    return out


def keep_bound(work, upstream, rounds, say):
    """What a kept connection could save at most: the hello behind nginx, which
    keeps it (libfcgi does).  One client: a process that keeps one serves no other."""
    pair = [BehindNginx(work, upstream, label, keep, "bench/hello") for label, keep in (("off", False), ("on", True))]
    try:
        r = Rounds(pair, rounds, say)
        r.run("hello behind nginx", lambda p: measure(p, 1, 1))
        return {p.name: spread(r.of(p.name, "p50_us")) for p in pair} if not r.failed else {"failed": str(r.failed)}
    finally:
        for p in pair:
            p.end()
