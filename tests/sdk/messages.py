"""messages.py - the official Anthropic SDK for Python in front of a real Sluice,
whose upstream speaks chat completions.

run.sh starts the servers and tells where they are, as for python.py.  A line for
each fact, then "N passed, N failed".
"""

import json
import os
import sys
import time
import urllib.request

import anthropic

MAIN, TIGHT, SIM = os.environ["SLUICE_MAIN"], os.environ["SLUICE_TIGHT"], os.environ["SIM"]
hello = [{"role": "user", "content": "hello"}]
tools = [{"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}]
passed = failed = 0


def fact(what, holds, have=None):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(f"{'ok  ' if holds else 'FAIL'} messages: {what}" + ("" if holds else f"\n     have: {have!r:.600}"), flush=True)


def equal(what, want, have):
    fact(what, want == have, f"{have!r}, want {want!r}")


def client(base=MAIN, **options):
    return anthropic.Anthropic(base_url=base, api_key="unused", **options)


def raised(what, kind, call):
    """The error of CALL, which must be of KIND."""
    try:
        call()
    except anthropic.APIError as e:
        fact(what, isinstance(e, kind), e)
        return e
    except Exception as e:
        fact(what, False, e)
        return None
    fact(what, False, "nothing was raised")
    return None


def ask(model, c=None, **more):
    return (c or client(max_retries=0)).messages.create(model=model, max_tokens=50, messages=more.pop("messages", hello), **more)


def whole():
    m = ask("sim/tokens-3")
    equal("a whole answer", ("This is a", "end_turn", 8, 3, "sim/tokens-3"),
          (m.content[0].text, m.stop_reason, m.usage.input_tokens, m.usage.output_tokens, m.model))
    fact("with a request id", (m._request_id or "").startswith("req_"), m._request_id)
    equal("its bound", "max_tokens", client().messages.create(model="sim/tokens-20", max_tokens=4, messages=hello).stop_reason)


def streams():
    with client().messages.stream(model="sim/stream-6-0", max_tokens=50, messages=hello) as s:
        words = list(s.text_stream)
        m = s.get_final_message()
    equal("a stream, word by word", ["This", " is", " a", " practice", " answer", " from"], words)
    equal("and its message", ("This is a practice answer from", "end_turn", 6),
          (m.content[0].text, m.stop_reason, m.usage.output_tokens))
    began = time.monotonic()
    with client(TIGHT, max_retries=0, timeout=20).messages.stream(model="sim/stream-2-0", max_tokens=9, messages=hello) as s:
        s.until_done()
    with client(TIGHT, max_retries=0, timeout=20).messages.stream(model="sim/stream-2-0", max_tokens=9, messages=hello) as s:
        text = s.get_final_text()
    fact("one that waits in line", text == "This is" and time.monotonic() - began > 2, (text, time.monotonic() - began))


def calls():
    m = ask("sim/tools", tools=tools)
    call = m.content[0]
    equal("a call", ("tool_use", "weather", "Oslo"), (m.stop_reason, call.name, call.input.get("city")))
    with client().messages.stream(model="sim/tools", max_tokens=50, messages=hello, tools=tools) as s:
        m = s.get_final_message()
    equal("the same in a stream", ("tool_use", {"city": "Oslo", "days": 3}), (m.stop_reason, m.content[0].input))
    turn = hello + [{"role": "assistant", "content": m.content},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": m.content[0].id, "content": "rain"}]}]
    equal("its result", "This is a", ask("sim/tokens-3", messages=turn, tools=tools).content[0].text)


def counts():
    n = client().messages.count_tokens(model="sim/x", messages=hello).input_tokens
    fact("tokens are counted", 0 < n < 50, n)
    models = list(client().models.list())
    fact("models are listed", len(models) > 2 and models[0].type == "model", models[:1])


def errors():
    for model, kind in (("sim/400-openai", anthropic.BadRequestError), ("sim/422", anthropic.UnprocessableEntityError),
                        ("sim/unknown", anthropic.NotFoundError), ("sim/500", anthropic.InternalServerError)):
        raised(model, kind, lambda m=model: ask(m))
    e = raised("a PDF", anthropic.BadRequestError, lambda: ask("sim/x", messages=[{"role": "user", "content": [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}]}]))
    equal("is told as Anthropic does", "invalid_request_error", e and e.body["error"]["type"])

    def broken(model):
        with client(max_retries=0).messages.stream(model=model, max_tokens=50, messages=hello) as s:
            s.until_done()
    raised("an error in a stream", anthropic.APIStatusError, lambda: broken("sim/stream-6-0+stream-error-3-500"))
    raised("a cut stream", anthropic.APIStatusError, lambda: broken("sim/stream-9-0+cut-900"))


def patience():
    began = time.monotonic()
    # Sluice knows of it, and may be the first to say so.
    e = raised("a timeout is the client's", (anthropic.APITimeoutError, anthropic.APIStatusError),
               lambda: ask("sim/hang", client(max_retries=0, timeout=1)))
    fact("by whoever tells it", getattr(e, "status_code", 504) == 504, e)
    fact("and kept", time.monotonic() - began < 5, time.monotonic() - began)
    with client().messages.stream(model="sim/stream-400-50", max_tokens=400, messages=hello) as s:
        for _ in s.text_stream:
            break
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if json.load(urllib.request.urlopen(MAIN + "/api/status"))["queue"]["running"] == 0:
            break
        time.sleep(0.1)
    fact("who leaves a stream ends it", time.monotonic() < end)


for part in (whole, streams, calls, counts, errors, patience):
    try:
        part()
    except Exception as e:
        fact(f"{part.__name__}: runs to its end", False, e)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
