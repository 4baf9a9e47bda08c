"""words.py - has every state words of its own, in both languages: its word, why it is so, and one next step?

A table of made-up snapshots against verdict.js and say.js as they are, in the browser. A row: the code, its tone, what differs
from a calm moment, what is said in English (the whole of it), and in Chinese (its head). No word that fcgi/API.md has may be missing.
"""
import pathlib
import re

API = pathlib.Path(__file__).resolve().parents[2] / "fcgi" / "API.md"

WHEN = 1790000000.0


def limit(**more):
    return {"name": "nim", "upstream": "nim", "line": None, "requests": 40, "window_s": 60, "window_used": 9, "in_flight": 3, "in_flight_max": 0, "tokens": 31,
            "tokens_used": 0, "tokens_reserved": 0, "tokens_limit": 0, "next_slot_s": 0, "eta_s": 0, "waiting": {"high": 0, "normal": 0, "low": 0}, "opens_s": [],
            "retreat": {"state": "normal", "reason": "", "age_s": 0, "ends_s": None, "streak": 0, "allowance": 40}, "learned": {"kind": "as_set", "requests": 0},
            "unpaid": None, "key": {"ours": True, "state": "ok", "status": None, "since_s": 9, "message": None}} | more


def retreat(state, allowance=40):
    return {"limits": [limit(retreat={"state": state, "reason": "429", "age_s": 20, "ends_s": None, "streak": 1, "allowance": allowance})]}


def left(cause):
    return {"limits": [limit(unpaid={"cause": cause, "status": 503, "reason": "", "ends_s": 41, "streak": 1})]}


def refused(**more):
    return {"limits": [limit(key={"ours": True, "state": "refused", "status": None, "since_s": 95, "message": None} | more)]}


def word(word, tone, ends=None):
    return {"verdict": {"word": word, "tone": tone, "title": "T", "reason": "R", "next_step": "N", "upstream": "nim", "model": None, "client": None, "waiting": 0, "ends_s": ends}}


def waiting(*groups, **more):
    """Groups of those who wait, the most first: (cause, how many, what else)."""
    told = [{"cause": c, "upstream": "nim", "model": None, "client": None, "waiting": k, "next_eta_s": 3, "last_eta_s": 90} | x for c, k, x in groups]
    return {"waiting_by_cause": told, "queue": sum(g["waiting"] for g in told)} | more


def calm(**more):
    queue, runs = more.pop("queue", 0), more.pop("runs", 0)
    return {"version": "0", "time": WHEN, "uptime": 900, "paused": None, "limits": [limit()], "models": [], "clients": [], "waiting": [], "running": [],
            "recent": [], "workers": [{"pid": 1, "stalled": False, "age_s": 9, "seen_s": 0.1}], "counters": {"joined": 7}, "more": {}, "waiting_by_cause": [],
            "queue": {"waiting": queue, "running": runs, "max": 500, "oldest_s": None}} | more


def ended(outcome, n, of):
    return {"recent": [{"id": str(i), "at": WHEN - i, "outcome": outcome if i < n else "ok"} for i in range(of)]}


BUSY = {"models": [{"name": "kimi-k2", "upstream": "nim", "waiting": 37, "in_flight": 3, "ceiling": 3}]}
FULL = {"limits": [limit(window_used=40)]}
LEARNED = {"limits": [limit(window_used=20, learned={"kind": "window", "requests": 20, "age_s": 640}, retreat={"state": "normal", "allowance": 20})]}
KEY = "Give Sluice a valid key (NVIDIA_API_KEY, api_key_file) and restart it."
MODEL = "They go as it gets free; another model may be quicker."
ADOPT = "Adopt it, so that finding out costs no more requests."

TABLE = [
    ("first", "fine", word("idle", "fine") | {"counters": {"joined": 0}}, "Ready for the first request", "Nothing has come yet.", "Send the call below.", "等待第一个请求"),
    ("fine", "fine", word("idle", "fine"), "All is well", "Nobody waits.", "Nothing to do.", "一切正常"),
    ("fine", "fine", word("running", "fine") | {"runs": 3}, "All is well", "Nobody waits; 3 requests run.", "Nothing to do.", "一切正常"),
    ("paused", "hold", word("paused", "hold") | {"paused": {"since_s": 95, "by": "admin"}} | waiting(("paused", 23, {})), "23 wait · Paused",
     "An operator paused it 1 min 35 s ago: nothing is sent.", "Press “Resume sending” to go on.", "23 个在等 · 已暂停"),
    ("key", "bad", word("key_refused", "bad") | refused(status=403, message="Authorization failed"), "Our key is refused",
     "nim answered 403 to Sluice’s own key: every request there fails. It says “Authorization failed”.", KEY, "我方密钥被拒"),
    ("key", "bad", word("key_refused", "bad") | refused() | waiting(("key", 2, {})), "2 wait · Our key is refused", "nim answered 401/403 to Sluice’s own key: every request there fails.", KEY,
     "2 个在等 · 我方密钥被拒"),
    ("unpaid", "hold", word("unpaid", "hold", 41) | left("unpaid") | waiting(("unpaid", 1, {})), "One waits · Not paid for", "nim wants to be paid (402): its requests are refused. It is tried again in 41 s.",
     "Pay there, or use another upstream.", "1 个在等 · 未付费"),
    ("quota", "hold", word("unpaid", "hold", 41) | left("quota"), "Quota used up", "What was paid for at nim is used up: its requests are refused. It is tried again in 41 s.",
     "Buy more there, or wait for the next period.", "额度已用完"),
    ("away", "bad", word("upstream_away", "bad", 0) | left("away") | waiting(("away", 3, {})), "3 wait · Upstream cannot be reached", "nim does not answer: its requests wait. It is being tried again.",
     "Check its address, the network and the proxy.", "3 个在等 · 上游无法连接"),
    ("faulty", "bad", word("upstream_away", "bad", 41) | left("faulty"), "Upstream answers with errors", "nim answers with errors alone: its requests wait. It is tried again in 41 s.",
     "Look at its status page: this is not ours to mend.", "上游只返回错误"),
    ("hold", "hold", word("hold", "hold", 42) | retreat("holding", 0) | waiting(("hold", 37, {})), "37 wait · Holding back", "nim asked for a pause. It is tried again in 42 s.",
     "Nothing to do: it goes on by itself.", "37 个在等 · 暂缓发送"),
    ("probing", "hold", word("hold", "hold") | retreat("probing"), "Trying one request", "One request is out to see whether nim is ready.", "Nothing to do: if it succeeds, all others follow.",
     "正在试探"),
    ("recovering", "wait", word("recovering", "wait") | retreat("recovering", 22) | waiting(("recovering", 1, {})), "One waits · Recovering", "nim gets 22 of 40 sends in 1 min for now.",
     "Nothing to do: it climbs back by itself.", "1 个在等 · 正在恢复"),
    ("store", "bad", word("store_lost", "bad"), "Shared store lost", "What others send by the same limit is not known.", "See whether the store runs and can be reached.", "共享存储失联"),
    ("full", "bad", word("queue_nearly_full", "bad") | waiting(("window", 480, {}), **FULL), "480 wait · Queue nearly full", "480 of 500 places are taken; then requests are refused.",
     "Let clients send less, or raise “queue.max” in Settings.", "480 个在等 · 队列快满了"),
    ("window", "wait", word("window", "wait") | waiting(("window", 60, {}), **FULL), "60 wait · Window full", "All wait for the window of nim: 40 of 40 sent in 1 min.",
     "They go as slots open. May the account do more? Raise “requests” in Settings.", "60 个在等 · 窗口已满"),
    ("model", "wait", word("busy_model", "wait") | waiting(("model", 37, {"model": "kimi-k2"}), ("window", 4, {}), **BUSY, **FULL), "41 wait · Model busy",
     "37 wait for kimi-k2, which takes 3 at a time; 4 for the window of nim: 40 of 40 sent in 1 min.", MODEL, "41 个在等 · 模型繁忙"),
    ("model", "wait", word("busy_model", "wait") | waiting(("model", 1, {"model": "new"})), "One waits · Model busy", "It waits for new, which is busy.", MODEL, "1 个在等 · 模型繁忙"),
    ("model", "wait", word("busy_model", "wait") | waiting(("model", 5, {"model": "kimi-k2"}), ("recovering", 2, {}), ("gap", 2, {}), ("retry", 1, {}), **BUSY), "10 wait · Model busy",
     "5 wait for kimi-k2, which takes 3 at a time; 2 for nim (Recovering); 3 for other reasons.", MODEL, "10 个在等 · 模型繁忙"),
    ("concurrency", "wait", word("concurrency", "wait") | waiting(("concurrency", 5, {}), limits=[limit(in_flight=8, in_flight_max=8)]), "5 wait · Enough are running",
     "All wait until one ends: 8 may run.", "They go as others end; “in_flight” in Settings says how many run.", "5 个在等 · 运行数已满"),
    ("client_limit", "wait", word("client_limit", "wait") | waiting(("client_limit", 12, {"client": "ci"})), "12 wait · A client’s own limit", "All wait for ci’s own limit.",
     "They go as it allows; it is set in Keys.", "12 个在等 · 客户端限额"),
    ("gap", "wait", word("gap", "wait") | waiting(("gap", 3, {})), "3 wait · Spaced out", "All wait for the gap between two sends.",
     "They go one by one, as “burst” and “min_gap_ms” in Settings say.", "3 个在等 · 逐个发送"),
    ("tokens", "wait", word("tokens", "wait") | waiting(("tokens", 3, {}), limits=[limit(tokens_used=15000, tokens_reserved=4000, tokens_limit=20000)]), "3 wait · Tokens used up",
     "All wait for tokens of nim: 19K of 20K are taken.", "They go as tokens come free; a smaller max_tokens takes fewer.", "3 个在等 · 词元用完"),
    ("retry", "wait", word("retry", "wait") | waiting(("retry", 2, {})), "2 wait · Between two tries", "All wait to be tried again.", "Nothing to do: they go after a pause.", "2 个在等 · 两次尝试之间"),
    ("state", "bad", word("state_trouble", "bad") | waiting(("state", 3, {})), "3 wait · Shared state is new",
     "The shared state is new: nobody knows what was sent before, so the window counts as full.", "Nothing to do, unless it comes again: then see the log.", "3 个在等 · 共享状态为新建"),
    ("stalled", "bad", word("state_trouble", "bad") | {"workers": [{"pid": 1, "stalled": True}, {"pid": 2, "stalled": True}]}, "No worker moves", "None of 2 workers gives a sign of life.",
     "Look at the log; restart Sluice if it stays so.", "进程无响应"),
    ("learned", "wait", word("learned_lower", "wait") | LEARNED, "Lower limit learned", "nim takes about 20 in 1 min; 40 are set.", ADOPT, "得知更低限额"),
    ("learned", "wait", word("learned_lower", "wait") | waiting(("window", 9, {}), **LEARNED), "9 wait · Lower limit learned", "nim takes about 20 in 1 min; 40 are set.", ADOPT, "9 个在等 · 得知更低限额"),
    ("failing", "bad", word("failing", "bad") | ended("upstream_error", 4, 10), "Many requests fail", "4 of the last 10 failed.", "See Reliability.", "大量失败"),
    # A service of before there were words.
    ("turn", "wait", {"queue": 8, "waiting_by_cause": None}, "8 wait · In turn", "All wait for a turn.", "Nothing to do: they go in turn.", "8 个在等 · 轮流发送"),
]
# One of tomorrow is said in its own words.
NEW = word("moonstruck", "bad")

ASK = """const base = location.origin + '/dashboard/js/';
  return Promise.all(['say.js', 'text.js'].map((f) => import(base + f))).then(([{say}, {createText}]) => {
    const out = {};
    for (const lang of ['en', 'zh']) {
      const text = createText(lang);
      out[lang] = arguments[0].map((s) => { const {code, tone, head, why, step} = say(text, s); return {code, tone, head, why, step}; });
    }
    return out;
  });"""


def visit(b, check):
    """Wherever a page of the dashboard is open."""
    got = b.run(ASK, [calm(**row[2]) for row in TABLE] + [calm(**NEW)])
    new = got["en"].pop()
    check("a word that is not known yet is said by the service", (new["head"], new["why"], new["step"]) == ("T", "R", "N"), new)
    for (code, tone, _, head, why, step, zh_head), en, zh in zip(TABLE, got["en"], got["zh"]):
        check(f"{code} is said in English", en == {"code": code, "tone": tone, "head": head, "why": why, "step": step}, en)
        check(f"{code} is said in Chinese", zh["head"] == zh_head and (zh["code"], zh["tone"]) == (code, tone), zh)
        said = zh["why"] + zh["step"]
        odd = re.sub(r"nim|kimi-k2|\bci\b|\bnew\b|Sluice|NVIDIA_API_KEY|api_key_file|Authorization failed|queue\.max|requests|in_flight|burst|min_gap_ms|max_tokens|\d+(\.\d+)?K", "", said)
        check(f"all of {code} is Chinese", re.search(r"[\u4e00-\u9fff]", said) and not re.search(r"[A-Za-z{}–]", odd), said)
        check(f"no blank stands between Chinese words of {code}", not re.search(r"[\u4e00-\u9fff] [\u4e00-\u9fff]", said), said)
    for lang in ("en", "zh"):
        for what in ("head", "why", "step"):
            said = {}
            for g in got[lang][:len(TABLE)]:
                said.setdefault(re.sub(r"^.* · ", "", g[what]), set()).add(g["code"])
            check(f"each code's {what} is its own ({lang})", all(len(codes) == 1 for codes in said.values()), [s for s in said.items() if len(s[1]) > 1])
    told = API.read_text()
    words = set(re.findall(r"`(\w+)`", told.split("| `word` |")[1].split("\n")[0]))
    tried = {row[2]["verdict"]["word"] for row in TABLE if "verdict" in row[2]}
    check("every word of a verdict that there is has a row", len(words) > 15 and words == tried, words ^ tried)
    causes = set(re.findall(r"`(\w+)`", "".join(re.findall(r"\n\|([^|]*)\|", told.split("A *cause* is")[1].split("A row of")[0])))) - {"cause"}
    tried = {g["cause"] for row in TABLE for g in row[2].get("waiting_by_cause") or []}
    check("every cause that there is has one", len(causes) > 10 and causes == tried, causes ^ tried)
