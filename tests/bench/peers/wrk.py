"""wrk.py - runs wrk and reads what it saw."""

import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
BODY = '{"model":"sim/tokens-3","messages":[{"role":"user","content":"hello"}]}'
FIELDS = ("requests", "duration_us", "p50_us", "p99_us", "max_us", "status", "socket", "timeout")


class WrkError(Exception):
    pass


def command(url, clients, seconds, headers=()):
    return ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "20s", "-s", os.path.join(HERE, "wrk.lua"),
            url, "--", BODY, *headers]


def parse(text):
    """The figures of one run.  A run in which an answer was no 2xx, or did not
    come, measured something else: it is an error, not a figure."""
    lines = [line for line in text.splitlines() if line.startswith("peers: ")]
    if len(lines) != 1:
        raise WrkError("wrk did not tell what it saw: " + text[-200:].strip())
    said = dict(word.split("=", 1) for word in lines[0].split()[1:] if "=" in word)
    try:
        seen = {name: int(said[name]) for name in FIELDS}
    except (KeyError, ValueError) as e:
        raise WrkError(f"wrk's line lacks {e}: {lines[0]}") from e
    bad = seen["status"] + seen["socket"] + seen["timeout"]
    if bad:
        raise WrkError(f"{bad} of {seen['requests']} requests failed "
                       f"(status {seen['status']}, socket {seen['socket']}, timeout {seen['timeout']})")
    if seen["requests"] == 0 or seen["duration_us"] <= 0:
        raise WrkError("no request was answered")
    seen["per_s"] = seen["requests"] * 1e6 / seen["duration_us"]
    return seen


def run(url, clients, seconds, headers=()):
    done = subprocess.run(command(url, clients, seconds, headers), capture_output=True, text=True,
                          timeout=seconds + 60, check=False)
    return parse(done.stdout + done.stderr)
