"""servers.py - who is measured: how each is started, with which settings, and
where these come from.  A peer is a class; its `settings` and `source` stand in
BENCHMARKS.md as they stand here."""

import glob
import hashlib
import json
import os
import subprocess

from procs import BUILD, CLEAN, ROOT, Process, ask, children, free_port, tree, wait_until
from wrk import BODY

CACHE = os.path.join(BUILD, "bench", "peers")
MASTER = "sk-peers-0123456789abcdef0123456789abcdef"


class NotThere(Exception):
    """A peer that cannot be had, and why."""


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=CLEAN, timeout=30, check=False)
    except OSError:
        return None
    return ((done.stdout + done.stderr).strip().splitlines() or [""])[0]


def python_package(where, package):
    """Its version, read where pip has put it."""
    found = glob.glob(os.path.join(CACHE, where, "lib", "python3*", "site-packages", package + "-*.dist-info"))
    return os.path.basename(found[0])[len(package) + 1:-len(".dist-info")] if found else None


class Upstream:
    """nimsim, the same for all; before everything else on the machine, where
    that is allowed: a real upstream does not share our processors."""

    def __init__(self, work, *options):
        at = os.path.join(work, f"sim-{free_port()}")
        self.process = Process([os.path.join(BUILD, "nimsim"), "--parent", "--port-file", at, *options],
                               at + ".out", ahead=True)
        wait_until("nimsim", 10, lambda: os.path.exists(at) and os.path.getsize(at) > 0)
        with open(at, encoding="ascii") as f:
            self.port = int(f.read())
        self.url = f"http://127.0.0.1:{self.port}"

    def get(self, path):
        return json.loads(ask(self.url + path, 30)[2])

    def arrivals(self):
        return self.get("/sim/arrivals")["arrivals"]

    def end(self):
        self.process.end()


class Peer:
    """LIMITED: it is told that the upstream takes 40 requests in so many
    seconds (60; less where only the paths are tried), else its limit is never
    reached."""

    name = label = settings = limit = source = ""
    headers = ()
    is_gateway = True
    patience_s = 15
    restarts_alone = True # a killed process is started anew by its parent

    def __init__(self, work, upstream, limited=0):
        self.why_not()
        self.port = free_port()
        self.dir = os.path.join(work, f"{self.name}-{self.port}")
        os.makedirs(self.dir)
        self.upstream, self.limited = upstream, limited
        self.url = f"http://127.0.0.1:{self.port}"
        self.chat = self.url + "/v1/chat/completions"
        self.extra = []
        self.process = self.start()
        wait_until(self.label + ": an answer", self.patience_s, self.answers)

    def serve(self, *command, env=None):
        return Process(list(command), os.path.join(self.dir, "out"), env)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def header_map(self):
        return dict(h.split(": ", 1) for h in self.headers)

    def answers(self):
        if self.process.child.poll() is not None:
            raise RuntimeError(f"{self.label} ended: {self.process.said()}")
        try:
            if self.limited: # no slot is to be spent before it begins
                return ask(self.url + self.idle_path, 2, self.header_map())[0] < 500
            return ask(self.chat, 5, {"Content-Type": "application/json", **self.header_map()}, BODY.encode())[0] == 200
        except OSError:
            return False

    idle_path = "/"

    def pids(self):
        return tree(self.process.pid)

    def victims(self):
        """What a kill may hit: the processes that serve."""
        return [self.process.pid]

    def revive(self):
        """As systemd would (Restart=always)."""
        if not self.restarts_alone and self.process.child.poll() is not None:
            self.process.begin()

    def end(self):
        self.process.end()
        for p in self.extra:
            p.end()

    @classmethod
    def why_not(cls):
        """Raises NotThere with what is missing."""
        if cls.version() is None:
            raise NotThere(f"{cls.label} is not installed")

    @classmethod
    def version(cls):
        return ""

    @classmethod
    def shown(cls):
        """How it is started, as a reader could."""
        return ""


class Direct(Peer):
    name, label, is_gateway = "direct", "the upstream itself", False

    def start(self):
        self.port, self.url = self.upstream.port, self.upstream.url
        self.chat = self.url + "/v1/chat/completions"
        return self.upstream.process

    def end(self):
        pass


class Sluice(Peer):
    name, label = "sluice", "Sluice"
    settings = "as it comes: `lighttpd.conf`, two workers"
    limit = "40 in 60 s (the default)"
    source = "[README.md](README.md)"
    idle_path = "/health"
    program = "sluice.fcgi"
    # A limit that is counted and never reached.
    never = {"SLUICE_REQUESTS": "10000", "SLUICE_WINDOW_S": "0.2", "SLUICE_MARGIN_MS": "0"}
    config = None

    def __init__(self, work, upstream, limited=0, config=None):
        self.config = config
        super().__init__(work, upstream, limited)

    def start(self):
        self.state = os.path.join(self.dir, "state")
        env = {"SLUICE_BUILD": BUILD, "SLUICE_LISTEN": f"127.0.0.1:{self.port}", "SLUICE_STATE_DIR": self.state,
               "SLUICE_DATA_DIR": self.state, "SLUICE_WORKERS": "2", "SLUICE_DRAIN_S": "1",
               "SLUICE_UPSTREAM_URL": self.upstream.url, "SLUICE_RUN_LIST": os.path.join(self.dir, "runs"),
               "SLUICE_FCGI": os.path.join(BUILD, self.program), **({"SLUICE_WINDOW_S": str(self.limited)} if self.limited else self.never)}
        if self.config:
            env["SLUICE_CONFIG"] = self.write("sluice.json", json.dumps(self.config))
            os.chmod(env["SLUICE_CONFIG"], 0o600)
            env["SLUICE_API_KEY_FILE"] = self.write("key", "nvapi-practice\n")
            os.chmod(env["SLUICE_API_KEY_FILE"], 0o600)
        return self.serve(os.path.join(ROOT, "conf", "run"), env=env)

    def web(self):
        with open(os.path.join(self.state, "lighttpd.pid"), encoding="ascii") as f:
            return int(f.read())

    def pids(self): # conf/run itself is a script that waits
        return tree(self.web())

    def victims(self):
        return children(self.web())

    @classmethod
    def version(cls):
        with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as f:
            mine = next(line.split("=")[1].strip() for line in f if line.startswith("VERSION"))
        web = first_line("lighttpd", "-v") # lighttpd/1.4.69 (ssl) - ...
        # The last one that changed what is measured here.
        commit = first_line("git", "-C", ROOT, "log", "-1", "--format=%h", "--", "fcgi", "lib", "state", "lighttpd.conf") or ""
        mine += f" ({commit})" if commit.isalnum() else ""
        return f"{mine}, {web.split()[0].replace('/', ' ')}" if web else None

    @classmethod
    def shown(cls):
        return "SLUICE_UPSTREAM_URL=http://127.0.0.1:UPSTREAM make run"


class Hello(Sluice):
    name, label, program, is_gateway = "hello", "FastCGI hello", "bench/hello", False
    settings = "the same `lighttpd.conf`, two processes of `tests/bench/hello.c`, which answer at once and ask nobody"
    limit, source = "none", "the floor for whatever is a FastCGI program"
    idle_path = "/"

    @classmethod
    def version(cls):
        return ""

    @classmethod
    def shown(cls):
        return "SLUICE_FCGI=build/bench/hello conf/run"


class Nginx(Peer):
    name, label = "nginx", "nginx"
    settings = ("`worker_processes auto`, connections to the upstream kept (`keepalive 64`, HTTP/1.1, empty `Connection`), "
                "`proxy_buffering off` for streams, `limit_req`")
    limit = "`limit_req_zone $server_port rate=40r/m`, `burst=500`"
    source = "nginx.org: ngx_http_upstream_module (keepalive), ngx_http_limit_req_module"
    idle_path = "/no-such-thing" # nginx's own

    def start(self):
        rate, burst = (f"{2400 // self.limited}r/m", "burst=500") if self.limited else ("100000r/s", "burst=1000 nodelay")
        temps = "\n".join(f"    {t}_temp_path {self.dir}/{t};" for t in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        conf = self.write("nginx.conf", f"""worker_processes auto; daemon off; pid {self.dir}/pid; error_log {self.dir}/log crit;
worker_rlimit_nofile 8192;
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_requests 1000000;
{temps}
    limit_req_zone $server_port zone=one:1m rate={rate}; limit_req_status 429;
    upstream sim {{ server 127.0.0.1:{self.upstream.port}; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen 127.0.0.1:{self.port};
        location /no-such-thing {{ return 204; }}
        location / {{
            limit_req zone=one {burst};
            proxy_pass http://sim; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off; proxy_read_timeout 900s;
        }}
    }}
}}
""")
        return self.serve("nginx", "-p", self.dir, "-c", conf)

    def victims(self):
        return children(self.process.pid)

    @classmethod
    def version(cls):
        said = first_line("nginx", "-v")
        return said and said.split("/")[-1]

    @classmethod
    def shown(cls):
        return "nginx -c nginx.conf (tests/bench/peers/servers.py writes it)"


class LiteLLM(Peer):
    name, label = "litellm", "LiteLLM"
    settings = ("two workers (one a core), `LITELLM_MODE=PRODUCTION`, `LITELLM_LOG=ERROR`, `set_verbose: false`, "
                "`request_timeout: 600`, a master key; where a limit is asked for, Redis, too")
    limit = "`rpm: 40` of the model with `enforce_model_rate_limits`, counted in Redis"
    source = "docs.litellm.ai: proxy/prod, proxy/redis_requirements"
    headers = ("Authorization: Bearer " + MASTER,)
    idle_path = "/health/liveliness"
    patience_s = 60 # its imports alone take 15 s of a quiet core, in each worker
    program = os.path.join(CACHE, "litellm", "bin", "litellm")

    def start(self):
        limit = router = ""
        if self.limited:
            redis = free_port()
            self.extra.append(Process(["redis-server", "--port", str(redis), "--bind", "127.0.0.1", "--save", "",
                                       "--appendonly", "no"], os.path.join(self.dir, "redis"), cwd=self.dir))
            limit = ", rpm: 40"
            router = ('router_settings: {optional_pre_call_checks: ["enforce_model_rate_limits"], '
                      f"redis_host: 127.0.0.1, redis_port: {redis}}}\n")
        config = self.write("config.yaml", f"""model_list:
  - model_name: "sim/*"
    litellm_params: {{model: "openai/sim/*", api_base: {self.upstream.url}/v1, api_key: none{limit}}}
general_settings: {{master_key: {MASTER}}}
litellm_settings: {{request_timeout: 600, set_verbose: false}}
{router}""")
        return self.serve(self.program, "--host", "127.0.0.1", "--port", str(self.port), "--config", config,
                          "--num_workers", "2", "--telemetry", "False",
                          env={"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"})

    def victims(self): # multiprocessing's own helper serves nobody
        return [p for p in children(self.process.pid) if "spawn_main" in command_of(p)]

    @classmethod
    def version(cls):
        return python_package("litellm", "litellm")

    @classmethod
    def shown(cls):
        return "litellm --host 127.0.0.1 --config config.yaml --num_workers 2 --telemetry False"


class Smg(Peer):
    name, label = "smg", "SMG"
    settings = "`smg launch --backend openai`, all else at its defaults (queue, retries, circuit breaker), `--log-level warn`"
    limit = ("`--rate-limit-tokens-per-second 1 --max-concurrent-requests 1`, `--queue-size 500 --queue-timeout-secs 900`: "
             "whole requests a second, so 60 a minute is the least; 40 a minute cannot be said")
    source = "`smg launch --help`; lightseek.org/smg, Getting Started"
    restarts_alone = False
    idle_path = "/health"
    program = os.path.join(CACHE, "smg", "bin", "smg")

    def start(self):
        limit = ["--rate-limit-tokens-per-second", "1", "--max-concurrent-requests", "1",
                 "--queue-size", "500", "--queue-timeout-secs", "900"] if self.limited else []
        return self.serve(self.program, "launch", "--host", "127.0.0.1", "--port", str(self.port),
                          "--worker-urls", self.upstream.url, "--backend", "openai",
                          "--prometheus-host", "127.0.0.1", "--prometheus-port", str(free_port()),
                          "--log-level", "warn", *limit)

    @classmethod
    def version(cls):
        return python_package("smg", "smg")

    @classmethod
    def shown(cls):
        return "smg launch --worker-urls http://127.0.0.1:UPSTREAM --backend openai --log-level warn"


class Portkey(Peer):
    name, label = "portkey", "Portkey"
    settings = ("as its README says (`npx @portkey-ai/gateway`), `NODE_ENV=production`; with @hono/node-server 1.8.2, "
                "for with the newest each stream is a 500")
    limit = "it has none; 5 retries, the most it allows"
    source = "README of @portkey-ai/gateway, Quickstart; Portkey-AI/gateway#1389"
    restarts_alone = False
    script = os.path.join(CACHE, "portkey", "node_modules", "@portkey-ai", "gateway")

    def start(self):
        self.headers = ("x-portkey-provider: openai", "Authorization: Bearer practice",
                        f"x-portkey-custom-host: {self.upstream.url}/v1")
        if self.limited:
            self.headers += ('x-portkey-config: {"retry":{"attempts":5}}',)
        return self.serve("node", os.path.join(self.script, "build", "start-server.js"), f"--port={self.port}", "--headless",
                          env={"NODE_ENV": "production"})

    @classmethod
    def version(cls):
        try:
            with open(os.path.join(cls.script, "package.json"), encoding="utf-8") as f:
                return json.load(f)["version"] + ", Node " + first_line("node", "--version").lstrip("v")
        except (OSError, AttributeError):
            return None

    @classmethod
    def shown(cls):
        return "npx @portkey-ai/gateway --headless"


PEERS = {p.name: p for p in (Sluice, Nginx, Smg, Portkey, LiteLLM)}
FLOORS = {p.name: p for p in (Direct, Hello)}


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().decode("utf-8", "replace")
    except OSError:
        return ""


def key_hash(key):
    return hashlib.sha256(key.encode()).hexdigest()
