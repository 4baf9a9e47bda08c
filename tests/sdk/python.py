"""python.py - the official OpenAI SDK for Python in front of a real Sluice.

run.sh starts the servers and tells where they are:

  SLUICE_MAIN   room for everything
  SLUICE_TIGHT  1 request in 3 s, a queue of one, comments every second
  SLUICE_FIVE   5 requests in 2 s
  SIM, SIM_FIVE nimsim, upstream of the first two and of the third; the
                second refuses a sixth request in 2 s

A line for each fact, then "N passed, N failed".  node.mjs is its twin, kit.py
has what other scripts need, too.
"""

import asyncio
import os
import re
import threading
import time
import urllib.request

import openai

from kit import Listening, MAIN, SIM, becomes, direct, equal, fact, fetch, finish, ms_since, noticed, part, refused, show, sim, sluice
from kit import hello as messages

TIGHT, FIVE, SIM_FIVE = (os.environ[n] for n in ("SLUICE_TIGHT", "SLUICE_FIVE", "SIM_FIVE"))


def connect(url, sdk=openai.OpenAI, **options):
    return sdk(base_url=f"{url}/v1", api_key="sk-sdk", **options)


def text(chunks):
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


client = connect(MAIN)
tight = connect(TIGHT)
chat, waiting_chat = client.chat.completions.create, tight.chat.completions.create

# ------------------------------------------------------ what everyone does --

with part("chat"):
    model = "sim/tokens-7"
    want = direct("/chat/completions", model=model, messages=messages)["choices"][0]["message"]["content"]
    raw = client.chat.completions.with_raw_response.create(model=model, messages=messages)
    data = raw.parse()
    equal("chat: the text is the upstream's", want, data.choices[0].message.content)
    equal("chat: finish_reason and usage", ("stop", 7), (data.choices[0].finish_reason, data.usage.completion_tokens))
    fact("chat: the SDK finds our request id", re.fullmatch(r"req_[0-9a-f]{24}", data._request_id or ""), data._request_id)
    equal("chat: tried once", "1", raw.headers.get("x-sluice-attempts"))
    short = chat(model="sim/echo", messages=messages, max_tokens=3)
    equal("chat: max_tokens arrives", ("length", 3), (short.choices[0].finish_reason, short.usage.completion_tokens))

with part("stream"):
    model = "sim/stream-30-10"
    want = direct("/chat/completions", model=model, messages=messages)["choices"][0]["message"]["content"]
    chunks = list(chat(model=model, messages=messages, stream=True, stream_options={"include_usage": True}))
    equal(
        "stream: 33 chunks: role, 30 words, finish, usage",
        (33, "assistant", 30),
        (len(chunks), chunks[0].choices[0].delta.role, sum(bool(c.choices and c.choices[0].delta.content) for c in chunks)),
    )
    equal("stream: the words in their order make the buffered text", want, text(chunks))
    ends = [i for i, c in enumerate(chunks) if c.choices and c.choices[0].finish_reason]
    equal("stream: finish_reason in the last but one", ([31], "stop"), (ends, chunks[31].choices[0].finish_reason))
    equal("stream: usage in the last", 30, chunks[32].usage.completion_tokens)
    equal("stream: one id in all", 1, len({c.id for c in chunks}))
    with client.chat.completions.stream(model=model, messages=messages) as helper:
        equal(
            "stream: the SDK's own helper puts the same text together",
            want,
            helper.get_final_completion().choices[0].message.content,
        )
    quiet = list(chat(model="sim/stream-6-0+silence-2500", messages=messages, stream=True))
    equal(
        "stream: a silence filled with comments, heartbeat_s=1, all 6 words",
        6,
        sum(bool(c.choices[0].delta.content) for c in quiet),
    )

with part("embeddings"):
    ask = {"input": ["first", "second"], "model": "nvidia/nv-embed-v1"}
    packed = client.embeddings.create(**ask)
    plain = client.embeddings.create(**ask, encoding_format="float")
    equal("embeddings: two of 32 numbers", [32, 32], [len(d.embedding) for d in packed.data])
    gap = max(abs(a - b) for d, e in zip(packed.data, plain.data) for a, b in zip(d.embedding, e.embedding))
    fact("embeddings: base64, which the SDK asks for, and float agree", gap < 1e-6, gap)
    equal("embeddings: float is the upstream's", direct("/embeddings", **ask)["data"][1]["embedding"], plain.data[1].embedding)

with part("models"):
    ids = [m.id for m in client.models.list()]
    name = "meta/llama-3.1-8b-instruct"
    fact("models: the list has the upstream's", name in ids, ids)
    equal("models: retrieve, an id with a slash", name, client.models.retrieve(name).id)
    e = refused(client.models.retrieve, "no/such")
    fact(
        "models: retrieve of an unknown one is a NotFoundError with our code",
        isinstance(e, openai.NotFoundError) and e.code == "model_not_found" and "no/such" in e.message,
        e,
    )

with part("completions"):
    ask = {"model": "sim/stream-5-10", "prompt": "x"}
    want = direct("/completions", **ask)["choices"][0]["text"]
    whole = client.completions.create(**ask).choices[0]
    equal("completions: the text is the upstream's", (want, "stop"), (whole.text, whole.finish_reason))
    chunks = client.completions.create(**ask, stream=True)
    equal("completions: the stream makes the same text", want, "".join(c.choices[0].text for c in chunks))

with part("responses"):
    ask = {"model": "sim/stream-8-10", "input": "hello"}
    want = direct("/responses", **ask)["output"][0]["content"][0]["text"]
    whole = client.responses.create(**ask)
    equal("responses: the text is the upstream's", (want, "completed"), (whole.output_text, whole.status))
    events = list(client.responses.create(**ask, stream=True))
    equal("responses: 16 events in their order", list(range(16)), [e.sequence_number for e in events])
    equal(
        "responses: from created to completed",
        ("response.created", "response.completed"),
        (events[0].type, events[-1].type),
    )
    deltas = [e.delta for e in events if e.type == "response.output_text.delta"]
    equal("responses: the deltas make the text", want, "".join(deltas))

# ------------------------------------------------------------- what breaks --

with part("errors"):
    e = refused(chat, model=42, messages=messages)
    fact(
        "errors: a 400 of ours is a BadRequestError with message, code, type and request id",
        isinstance(e, openai.BadRequestError)
        and (e.status_code, e.code, e.type) == (400, "sluice_bad_request", "invalid_request_error")
        and '"model" must be a string' in e.message
        and e.request_id.startswith("req_"),
        e,
    )
    e = refused(chat, model="sim/unknown", messages=messages)
    fact(
        "errors: an unknown model is a NotFoundError with a request id",
        isinstance(e, openai.NotFoundError) and e.request_id.startswith("req_"),
        e,
    )
    e = refused(chat, model="sim/status-418", messages=messages)
    fact(
        "errors: an upstream's own error keeps status and message",
        isinstance(e, openai.APIStatusError) and e.status_code == 418 and isinstance(e.body, dict),
        e,
    )
    e = refused(connect(MAIN, max_retries=0).chat.completions.create, model="sim/tokens-30+cut-100", messages=messages)
    fact(
        "errors: a buffered answer cut short is a 502, sluice_upstream_truncated",
        isinstance(e, openai.InternalServerError) and (e.status_code, e.code) == (502, "sluice_upstream_truncated"),
        e,
    )

with part("truncated"):
    chunks = []
    e = refused(lambda: chunks.extend(chat(model="sim/stream-6-0+cut-700", messages=messages, stream=True)))
    fact(f"truncated: the {len(chunks)} whole chunks before the cut come", chunks, chunks)
    fact("truncated: then the stream throws", isinstance(e, Exception), e)
    fact(
        "truncated: what it throws is an APIError with our code and message",
        isinstance(e, openai.APIError) and e.code == "sluice_upstream_truncated" and "broke" in e.message,
        e,
    )

    events = []
    ask = {"input": "hello", "stream": True}
    e = refused(lambda: events.extend(client.responses.create(model="sim/stream-6-0+early-end-2000", **ask)))
    fact(
        f"truncated: a response that just ends gives its {len(events) - 1} events",
        len(events) > 1 and events[-2].type == "response.output_text.delta",
        events,
    )
    equal(
        "truncated: then response.failed, numbered on",
        ("response.failed", len(events) - 1, "server_error"),
        (events[-1].type, events[-1].sequence_number, events[-1].response.error.code),
    )
    fact(
        "truncated: then an APIError with our code, too",
        isinstance(e, openai.APIError) and e.code == "sluice_upstream_truncated",
        e,
    )
    events = list(client.responses.create(model="sim/stream-6-0+failed-7", **ask))
    equal("truncated: one that failed ends with that", "response.failed", events[-1].type)
    equal("truncated: and with nothing of ours", 8, len(events))

with part("abort"):
    ask = {"model": "sim/stream-200-50", "messages": messages, "stream": True}
    gone = sim()["client_gone"]
    with chat(**ask) as stream:
        for _ in range(4):
            next(stream)
        ms = becomes(lambda: sluice(MAIN)["limits"][0]["in_flight"] == 1)
        fact("abort: in_flight is 1 while it runs", ms is not None, sluice(MAIN))
    noticed("abort by close", gone)

    async def cancelled(**ask):
        async with connect(MAIN, openai.AsyncOpenAI) as sdk:

            async def run():
                answer = await sdk.chat.completions.create(**ask)
                if ask.get("stream"):
                    async for _ in answer:
                        pass

            await sdk.models.list()  # lighttpd tells of a hang-up where it had to wait for the request (conf/README.md)
            task = asyncio.create_task(run())
            await asyncio.to_thread(becomes, lambda: sim()["open"] == 1)
            task.cancel()
            return (await asyncio.gather(task, return_exceptions=True))[0]

    gone = sim()["client_gone"]
    e = asyncio.run(cancelled(**ask))
    fact("abort by a cancelled task: CancelledError", isinstance(e, asyncio.CancelledError), e)
    noticed("abort by a cancelled task", gone)

    gone = sim()["client_gone"]
    e = asyncio.run(cancelled(model="sim/hang", messages=messages))
    fact("abort of a buffered call: CancelledError", isinstance(e, asyncio.CancelledError), e)
    noticed("abort of a buffered call", gone)

# ------------------------------------------------------------ what waits --

with part("refusal"):
    tries = []  # what the SDK did, and what it was told

    def began(_):
        tries.append({"start": time.monotonic()})

    def ended(answer):
        wait = answer.headers.get("retry-after-ms")
        tries[-1].update(end=time.monotonic(), status=answer.status_code, told=wait)

    watched = connect(
        TIGHT, http_client=openai.DefaultHttpxClient(event_hooks={"request": [began], "response": [ended]})
    )
    ask = {"model": "sim/tokens-2", "messages": messages}
    waiting_chat(**ask)
    waiter = threading.Thread(target=lambda: refused(waiting_chat, **ask))
    waiter.start()
    becomes(lambda: sluice(TIGHT)["queue"]["waiting"] == 1)
    e = refused(connect(TIGHT, max_retries=0).chat.completions.create, **ask)
    fact(
        "refusal: without retries a full queue is a RateLimitError that names queue.max",
        isinstance(e, openai.RateLimitError) and e.code == "sluice_queue_full" and "queue.max" in e.message,
        e,
    )
    answer = refused(watched.chat.completions.create, **ask)
    fact("refusal: with the SDK's two retries it succeeds", getattr(answer, "object", "") == "chat.completion", answer)
    equal("refusal: first 429, at last 200", (429, 200), (tries[0]["status"], tries[-1]["status"]))
    waits = [(int(a["told"] or 0), round((b["start"] - a["end"]) * 1000)) for a, b in zip(tries, tries[1:])]
    fact(
        f"refusal: it waits as retry-after-ms says (told, waited: {waits} ms)",
        all(told > 0 and told - 5 <= waited < told + 500 for told, waited in waits),
        tries,
    )
    waiter.join()

with part("waiting"):
    start = time.monotonic()
    stream = waiting_chat(model="sim/stream-6-20", messages=messages, stream=True)
    headers = ms_since(start)
    seen = Listening(stream)  # none after [DONE]
    chunks = list(stream)
    total = ms_since(start)
    fact(
        f"waiting: the stream is committed (headers after {headers} ms, all after {total} ms)",
        headers < 2000 < total,
        (headers, total),
    )
    seen = seen.text()
    comments = len(re.findall(r"^: queued position=\d+ eta=\d+s$", seen, re.M))
    fact(f'waiting: ": queued" comments came ({comments})', comments >= 2, seen)
    words = sum(bool(c.choices[0].delta.content) for c in chunks)
    equal("waiting: the SDK reads 8 chunks, 6 words, stop", (8, 6, "stop"), (len(chunks), words, chunks[-1].choices[0].finish_reason))

with part("committed"):
    # The one upstream error is in OpenAI's shape, the other in NVIDIA's.
    for model, want in (("sim/status-422", "asked for status 422"), ("sim/403", "Authorization failed")):
        start = time.monotonic()
        stream = waiting_chat(model=model, messages=messages, stream=True)
        waited = ms_since(start)
        e = refused(list, stream)
        fact(
            f"committed: {model} after the commit (headers after {waited} ms) throws an APIError",
            isinstance(e, openai.APIError) and not isinstance(e, openai.APIConnectionError),
            e,
        )
        fact(f"committed: {model}: its message is the upstream's", want in str(e), e)
    # An upstream that ignores `stream` answers after our head with JSON.
    model = "sim/slow-1500+tokens-5+json-for-stream"
    want = direct("/chat/completions", model="sim/tokens-5", messages=messages)["choices"][0]["message"]["content"]
    chunks = list(waiting_chat(model=model, messages=messages, stream=True))
    equal("committed: JSON becomes the chunks of a stream", want, text(chunks))
    equal(
        "committed: with finish_reason and usage",
        ("stop", 5),
        (chunks[-1].choices[0].finish_reason, chunks[-1].usage.completion_tokens),
    )
    with tight.chat.completions.stream(model=model, messages=messages) as helper:
        equal("committed: the SDK's own helper reads them", want, helper.get_final_completion().choices[0].message.content)
    whole = tight.completions.create(model=model, prompt="x", stream=True)
    equal("committed: a completion's, too", want, "".join(c.choices[0].text for c in whole))
    with tight.responses.stream(model=model, input="x") as helper:
        said = "".join(e.delta for e in helper if e.type == "response.output_text.delta")
        equal("committed: a response's, too, in deltas and whole", (want, want), (said, helper.get_final_response().output_text))

with part("deadline"):
    ask = {"model": "sim/tokens-2", "messages": messages}
    for what, call in (
        ("a request's", lambda: waiting_chat(**ask, timeout=1)),
        ("a client's", lambda: connect(TIGHT, timeout=1).chat.completions.create(**ask)),
    ):
        waiting_chat(**ask)  # the slot is gone for 3 s
        start = time.monotonic()
        e = refused(call)
        took = ms_since(start)
        fact(
            f"deadline: {what} timeout of 1 s that cannot be met is refused at once ({took} ms) and not tried again",
            isinstance(e, openai.RateLimitError) and e.code == "sluice_deadline" and took < 900,
            e,
        )


async def leaver(after, **ask):
    """Asks, leaves after that many seconds; was it in the queue till then?"""
    async with connect(TIGHT, openai.AsyncOpenAI) as sdk:

        async def run():
            answer = await sdk.chat.completions.create(model="sim/tokens-2", messages=messages, **ask)
            if ask.get("stream"):
                async for _ in answer:
                    pass

        task = asyncio.create_task(run())
        await asyncio.sleep(after)
        waits = (await asyncio.to_thread(sluice, TIGHT))["queue"]["waiting"] == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return waits


with part("leaving"):
    for what, after, ask in (
        ("a stream that leaves before its commit", 0.4, {"stream": True}),
        ("a stream that leaves after its commit", 1.5, {"stream": True}),
        ("a buffered call that leaves", 0.4, {}),
    ):
        # lighttpd does not tell of a request that it found together with its
        # connection (conf/README.md): that is luck, so there are three tries.
        for _ in range(3):
            accepted = sim()["accepted"]
            waiting_chat(model="sim/tokens-2", messages=messages)  # the slot is gone for 3 s
            waits = asyncio.run(leaver(after, **ask))
            ms = becomes(lambda: sluice(TIGHT)["queue"]["waiting"] == 0)
            if waits and ms is not None and ms < 100:
                break
        fact(f"leaving: {what} is out of the queue (after {ms} ms)", waits and ms is not None and ms < 1500, (waits, ms))
        equal(f"leaving: {what} does not reach the upstream", accepted + 1, sim()["accepted"])


async def twenty():
    async with connect(FIVE, openai.AsyncOpenAI, max_retries=0) as sdk:
        calls = [sdk.chat.completions.create(model="sim/tokens-3", messages=messages) for _ in range(20)]
        return await asyncio.gather(*calls, return_exceptions=True)


with part("many"):
    with urllib.request.urlopen(urllib.request.Request(f"{SIM_FIVE}/sim/reset", method="POST")):
        pass
    start = time.monotonic()
    answers = asyncio.run(twenty())
    took = ms_since(start)
    good = sum(getattr(a, "object", "") == "chat.completion" for a in answers)
    fact(
        f"many: 20 at once, 5 in 2 s, max_retries 0: all succeed ({took} ms)",
        good == 20,
        [show(a) for a in answers if isinstance(a, Exception)],
    )
    most = fetch(f"{SIM_FIVE}/sim/max?window_ms=2000")
    most = most.get("max", most.get("max_in_window"))
    fact(f"many: at most 5 arrive in any 2 s ({most})", most == 5, most)
    stats = sim(SIM_FIVE)
    equal("many: the upstream took 20 and refused none", (20, 0), (stats["accepted"], stats["refused"]))
    fact("many: no slot was left unused for long", 7400 <= took < 9500, took)

finish()
