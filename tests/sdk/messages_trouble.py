"""messages_trouble.py - the official Anthropic SDK for Python in front of a real
Sluice, whose upstream speaks chat completions: what breaks, what waits, and who
leaves.

run.sh starts the servers and tells where they are:

  SLUICE_MAIN   room for everything
  SLUICE_TIGHT  1 request in 3 s, a queue of one, pings every second
  SLUICE_LONG   2 requests in 20 s
  SIM           nimsim, upstream of all three

A line for each fact, then "N passed, N failed".  messages_trouble.mjs is its twin.
"""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic

from kit import MAIN, Listening, arrivals, becomes, equal, fact, finish, hello, ms_since, noticed, part, refused, sim, sluice

TIGHT, LONG = os.environ["SLUICE_TIGHT"], os.environ["SLUICE_LONG"]
UNTOLD = {"X-Stainless-Timeout": "600", "X-Stainless-Read-Timeout": "600"}  # so that Sluice does not know of one


def connect(base=MAIN, sdk=anthropic.Anthropic, **options):
    return sdk(base_url=base, api_key="unused", **options)


def watched(tries, base=MAIN, **options):
    """A client as users have it; TRIES: what it did, and what it was told."""

    def began(_):
        tries.append({"start": time.monotonic()})

    def ended(answer):
        tries[-1].update(end=time.monotonic(), status=answer.status_code, told=int(answer.headers.get("retry-after-ms") or 0))

    return connect(base, http_client=anthropic.DefaultHttpxClient(event_hooks={"request": [began], "response": [ended]}), **options)


def impatient(base, seconds):
    """One whose timeout Sluice does not know of.  It has a connection already: lighttpd
    tells of a hang-up only where it had to wait for the request (conf/README.md)."""
    client = connect(base, max_retries=0, timeout=seconds, default_headers=UNTOLD)
    client.models.list(timeout=9)
    return client


once = connect(max_retries=0)
tight = connect(TIGHT, max_retries=0)


def ask(client, model, **more):
    return client.messages.create(model=model, max_tokens=400, messages=hello, **more)


def words(client, model, **more):
    """The words of a stream."""
    with client.messages.stream(model=model, max_tokens=400, messages=hello, **more) as s:
        return s.get_final_text()


def at_once(what, *lists):
    """Side by side, as each waits for another."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(what, *lists))


# ------------------------------------------- twenty seconds in line, beside all --


def patient(what):
    """Each with the timeouts of the SDK, and no others."""
    tries = []
    client = watched(tries, LONG)
    start = time.monotonic()
    if what == "whole":
        return ask(client, "sim/tokens-3+whole").content[0].text, ms_since(start), tries, ""
    stream = ask(client, "sim/stream-3-0+live", stream=True)
    seen = Listening(stream)
    text = "".join(e.delta.text for e in stream if e.type == "content_block_delta")
    return text, ms_since(start), tries, seen.text()


with part("in line"):
    for i in range(2):
        ask(connect(LONG), f"sim/tokens-1+first-{i}")
    pool = ThreadPoolExecutor(2)
    waits = {what: pool.submit(patient, what) for what in ("whole", "live")}

# ------------------------------------------------------------------ errors --

ERRORS = (
    ("status-400", anthropic.BadRequestError, 400, "invalid_request_error"),
    ("status-401", anthropic.AuthenticationError, 401, "authentication_error"),
    ("dear", anthropic.PaymentRequiredError, 402, "billing_error"),
    ("status-403", anthropic.PermissionDeniedError, 403, "permission_error"),
    ("status-404", anthropic.NotFoundError, 404, "not_found_error"),
    ("status-408", anthropic.RequestTimeoutError, 408, "timeout_error"),
    ("status-409", anthropic.ConflictError, 409, "invalid_request_error"),
    ("status-413", anthropic.ContentTooLargeError, 413, "request_too_large"),
    ("status-418", anthropic.APIStatusError, 418, "invalid_request_error"),
    ("status-422", anthropic.UnprocessableEntityError, 422, "invalid_request_error"),
    ("status-500", anthropic.InternalServerError, 500, "api_error"),
    ("status-502", anthropic.InternalServerError, 502, "api_error"),
    ("status-503", anthropic.ServiceUnavailableError, 503, "overloaded_error"),
    ("status-504", anthropic.GatewayTimeoutError, 504, "timeout_error"),
)


def error_is(what, e, kind, status, type_, says):
    """A typed error, with all that the SDK finds in it."""
    fact(
        f"{what}: a {kind.__name__} of {type_}",
        type(e) is kind and (e.status_code, e.type) == (status, type_) and says in e.message and says in (e.api_message or "")
        and (e.request_id or "").startswith("req_") and e.body.get("request_id") == e.request_id and e.body.get("type") == "error",
        e,
    )


with part("errors"):
    for (model, *want), e in zip(ERRORS, at_once(lambda row: refused(ask, once, f"sim/{row[0]}"), ERRORS)):
        error_is(f"errors: {model}", e, *want, "credits" if model == "dear" else f"asked for {model.replace('-', ' ')}")
    for (model, *want), e in zip(ERRORS, at_once(lambda row: refused(ask, once, f"sim/{row[0]}+s", stream=True), ERRORS)):
        fact(f"errors: {model}, of a stream: the same", type(e) is want[0] and e.type == want[2], e)
    e = refused(once.messages.create, model="sim/x", max_tokens=9, messages=[{"role": "user", "content": [{"type": "hologram"}]}])
    error_is("errors: ours", e, anthropic.BadRequestError, 400, "invalid_request_error", "hologram")
    equal("errors: with a code of ours", "sluice_bad_request", e.error_code)
    e = refused(once.messages.create, model="sim/x", max_tokens=9, messages=[{"role": "user", "content": (33 << 20) * "x"}])
    fact("errors: more than the web server takes is a ContentTooLargeError", type(e) is anthropic.ContentTooLargeError, e)

# -------------------------------------------------------- errors in streams --

BROKEN = (
    ("stream-error-4-500", "api_error", "error 500 in its stream"),
    ("stream-error-4-503", "overloaded_error", "ResourceExhausted"),
    ("stream-error-4-529", "overloaded_error", "error 529"),
    ("stream-error-4-429", "rate_limit_error", "error 429"),
    ("stream-error-4-400", "invalid_request_error", "error 400"),
    ("cut-900", "api_error", "broke"),
    ("early-end-900", "api_error", ""),
    ("reset-900", "api_error", ""),
)

with part("broken"):
    for model, type_, says in BROKEN:
        events = []
        e = refused(lambda: events.extend(ask(once, f"sim/stream-9-20+{model}", stream=True)))
        seen = [event.type for event in events]
        # extend() keeps what came before it was raised
        equal(f"broken: {model}: what came before it comes, and no end", ["message_start", "content_block_start", "content_block_delta"],
              list(dict.fromkeys(seen)))
        fact(f"broken: {model}: then an APIStatusError of {type_}", isinstance(e, anthropic.APIStatusError) and e.type == type_
             and says in (e.api_message or "") and (e.request_id or "").startswith("req_"), e)
        e = refused(words, once, f"sim/stream-9-20+{model}+again")
        fact(f"broken: {model}: from the SDK's own helper, too", isinstance(e, anthropic.APIStatusError) and e.type == type_, e)
    ask(tight, "sim/tokens-1")
    start = time.monotonic()
    stream = ask(tight, "sim/status-422", stream=True)
    headers = ms_since(start)
    e = refused(list, stream)
    fact(f"broken: an error after a wait in line (headers after {headers} ms, it after {ms_since(start)} ms)",
         isinstance(e, anthropic.APIStatusError) and e.type == "invalid_request_error" and "status 422" in (e.api_message or "")
         and headers < 2000 < ms_since(start), e)

# --------------------------------------------------------------- who leaves --


async def cancelled(**ask):
    async with connect(MAIN, anthropic.AsyncAnthropic) as sdk:

        async def run():
            answer = await sdk.messages.create(max_tokens=400, messages=hello, **ask)
            if ask.get("stream"):
                async for _ in answer:
                    pass

        await sdk.models.list()  # as impatient() does
        task = asyncio.create_task(run())
        await asyncio.to_thread(becomes, lambda: sim()["open"] == 1)
        task.cancel()
        return (await asyncio.gather(task, return_exceptions=True))[0]


with part("leaving"):
    gone = sim()["client_gone"]
    with once.messages.stream(model="sim/stream-400-50", max_tokens=400, messages=hello) as s:
        for _ in s.text_stream:
            break
        ms = becomes(lambda: sluice()["limits"][0]["in_flight"] == 1)
        fact("leaving: in_flight is 1 while it runs", ms is not None, sluice())
    noticed("leaving a stream", gone)
    for what, more in (("a cancelled stream", {"model": "sim/stream-400-50", "stream": True}), ("a cancelled call", {"model": "sim/hang"})):
        gone = sim()["client_gone"]
        e = asyncio.run(cancelled(**more))
        fact(f"leaving: {what} is", isinstance(e, asyncio.CancelledError), e)
        noticed(what, gone)

with part("timeout"):
    start = time.monotonic()
    e = refused(ask, connect(max_retries=0, timeout=1), "sim/hang+told")
    # Sluice knows of it, and may be the first to say so.
    fact("timeout: of a whole answer", isinstance(e, anthropic.APITimeoutError) or getattr(e, "type", "") == "timeout_error", e)
    fact("timeout: it is kept", ms_since(start) < 4000, ms_since(start))
    becomes(lambda: sluice()["queue"]["running"] == 0)
    gone = sim()["client_gone"]
    e = refused(ask, impatient(MAIN, 1), "sim/hang+untold")
    fact("timeout: one that Sluice does not know of", isinstance(e, anthropic.APITimeoutError), e)
    noticed("timeout of a whole answer", gone)
    gone = sim()["client_gone"]
    e = refused(words, impatient(MAIN, 0.5), "sim/stream-9-0+silence-60000")  # heartbeat_s is 1
    fact("timeout: in a stream that is silent", "Timeout" in type(e).__name__, e)
    noticed("timeout in a stream", gone)
    for stream in (False, True):
        what = "a stream" if stream else "a call"
        model = f"sim/tokens-2+{what}"
        client = impatient(TIGHT, 0.6)
        ask(connect(TIGHT), "sim/tokens-1")  # the slot is gone for 3 s
        e = refused(words if stream else ask, client, model)
        ms = becomes(lambda: sluice(TIGHT)["queue"]["waiting"] == 0)
        fact(f"timeout: {what} in line leaves it (after {ms} ms)", "Timeout" in type(e).__name__ and ms is not None and ms < 1500, (e, ms))
        equal(f"timeout: {what} in line is not sent", [], arrivals(model))

# ---------------------------------------------------------------- who tries again --

with part("refusal"):
    tries, model = [], "sim/tokens-2+refusal"
    becomes(lambda: sluice(TIGHT)["queue"]["waiting"] == 0)
    patient_one = connect(TIGHT)
    ask(patient_one, model)
    waiter = threading.Thread(target=lambda: refused(ask, patient_one, model))
    waiter.start()
    becomes(lambda: sluice(TIGHT)["queue"]["waiting"] == 1)
    e = refused(ask, tight, model)
    error_is("refusal: of a full queue", e, anthropic.RateLimitError, 429, "rate_limit_error", "queue.max")
    equal("refusal: with its code", "sluice_queue_full", e.error_code)
    m = refused(ask, watched(tries, TIGHT), model)
    equal("refusal: the SDK's own tries succeed", ("message", 429, 200), (getattr(m, "type", m), tries[0]["status"], tries[-1]["status"]))
    told = [(a["told"], round((b["start"] - a["end"]) * 1000)) for a, b in zip(tries, tries[1:])]
    fact(f"refusal: it waits as retry-after-ms says (told, waited: {told} ms)",
         all(0 < t and t - 5 <= w < t + 500 for t, w in told), tries)
    waiter.join()
    equal("refusal: three were answered, and three arrived", 3, len(arrivals(model)))

with part("retries"):
    passing = [f"sim/{fault}+times-1+{n}" for fault in ("429+retry-after-1", "exhausted", "status-503", "529", "status-500") for n in range(2)]

    def passes(model):
        tries = []
        say = words if model.endswith("1") else lambda *a: ask(*a).content[0].text
        return refused(say, watched(tries), f"{model}+tokens-2"), len(tries), len(arrivals(f"{model}+tokens-2"))

    for model, have in zip(passing, at_once(passes, passing)):
        equal(f"retries: {model} is repeated by Sluice, and nothing is seen of it", ("This is", 1, 2), have)
    tries = []
    e = refused(ask, watched(tries), "sim/status-503+for-ever")
    fact("retries: what stays a 503 is told as one", type(e) is anthropic.ServiceUnavailableError, e)
    equal("retries: and not tried again by the SDK", (1, int(e.response.headers["x-sluice-attempts"])),
          (len(tries), len(arrivals("sim/status-503+for-ever"))))
    tries = []
    e = refused(ask, watched(tries), "sim/429+retry-after-1+for-ever", extra_headers={"X-Sluice-Deadline": "2"})
    sent = len(arrivals("sim/429+retry-after-1+for-ever"))
    fact(f"retries: what stays a 429 is a RateLimitError, after {len(tries)} tries of the SDK", type(e) is anthropic.RateLimitError
         and len(tries) == 3, e)
    fact(f"retries: which are no more than two sends each ({sent})", 0 < sent <= 6, sent)
    fact("retries: and wait as they are told", all(b["start"] - a["end"] >= a["told"] / 1000 - 0.005 for a, b in zip(tries, tries[1:])), tries)

# ----------------------------------------------------------- in line, at last --

with part("in line"):
    done = {what: wait.result() for what, wait in waits.items()}
    lived = {"whole": arrivals("sim/tokens-3+whole"), "live": arrivals("sim/stream-3-0+live")}
    equal("in line: each was sent once", [1, 1], [len(sent) for sent in lived.values()])
    firsts = [arrivals(f"sim/tokens-1+first-{i}")[0]["t_ns"] for i in range(2)]
    gaps = [round((b - a) / 1e9, 2) for a, b in zip(firsts, sorted(sent[0]["t_ns"] for sent in lived.values()))]
    fact(f"in line: when it was its turn, 20 s behind another ({gaps} s)", all(20 <= gap < 25 for gap in gaps), gaps)
    for what in lived:
        text, took, tries, seen = done[what]
        equal(f"in line: {what}: its answer after {took} ms, with one try of the SDK", ("This is a", [200]),
              (text, [t["status"] for t in tries]))
        if what == "live":
            pings = seen.count("event: ping")
            fact(f"in line: {what}: told so with pings ({pings}), behind the beginning",
                 pings >= 15 and seen.index("event: message_start") < seen.index("event: ping"), seen[:300])

finish()
