"""messages.py - the official Anthropic SDK for Python in front of a real Sluice,
whose upstream speaks chat completions: what is asked and what is answered.

run.sh starts the servers and tells where they are:

  SLUICE_MAIN   room for everything
  SIM           nimsim, its upstream; sim/mirror says what reached it

A line for each fact, then "N passed, N failed".  messages.mjs is its twin; what
breaks and what waits is in messages_trouble.py.
"""

import json

import anthropic
from anthropic import beta_tool

from kit import MAIN, Listening, arrivals, direct, equal, fact, fetch, finish, hello, part, refused, sim, SIM

client = anthropic.Anthropic(base_url=MAIN, api_key="unused", max_retries=0)
tools = [
    {"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "clock", "description": "d", "input_schema": {"type": "object", "properties": {"zone": {"type": "string"}}}},
]
thinking = {"type": "enabled", "budget_tokens": 1024}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def ask(model, messages=hello, **more):
    return client.messages.create(model=model, max_tokens=2000, messages=messages, **more)


def streamed(model, messages=hello, **more):
    with client.messages.stream(model=model, max_tokens=2000, messages=messages, **more) as s:
        return s.get_final_message()


def shown(**more):
    """What reaches the upstream of a request."""
    return json.loads(ask("sim/mirror", **more).content[0].text)


def user(*blocks):
    return [{"role": "user", "content": list(blocks)}]


def bare(message):
    """Without what is of one answer alone, and what the SDK adds to a stream's."""
    m = message.to_dict()
    return json.loads(json.dumps({k: m[k] for k in ("type", "role", "model", "content", "stop_reason", "stop_sequence", "usage")}))


def without_ids(message):
    """Calls have other ids in another answer."""
    m = bare(message)
    for block in m["content"]:
        block.pop("id", None)
    return m


# ------------------------------------------------------- a message, a stream --

with part("whole"):
    m = ask("sim/tokens-3")
    equal(
        "whole: words, end and usage",
        ("message", "assistant", "This is a", "end_turn", 8, 3, "sim/tokens-3"),
        (m.type, m.role, m.content[0].text, m.stop_reason, m.usage.input_tokens, m.usage.output_tokens, m.model),
    )
    fact("whole: the SDK finds our request id", (m._request_id or "").startswith("req_"), m._request_id)
    fact("whole: and its message has one, too", m.id.startswith("msg_"), m.id)
    equal("whole: it was asked for as chat", ["/v1/chat/completions"], [a["path"] for a in arrivals("sim/tokens-3")])
    m = client.messages.create(model="sim/tokens-20", max_tokens=4, messages=hello)
    equal("whole: its bound is kept", ("max_tokens", 4), (m.stop_reason, m.usage.output_tokens))

with part("stream"):
    events = list(ask("sim/stream-3-0", stream=True))
    equal(
        "stream: all its events, in their order",
        ["message_start", "content_block_start"] + 3 * ["content_block_delta"] + ["content_block_stop", "message_delta", "message_stop"],
        [e.type for e in events],
    )
    equal(
        "stream: each is of its type",
        ["RawMessageStartEvent", "RawContentBlockStartEvent", "RawContentBlockDeltaEvent", "RawContentBlockStopEvent",
         "RawMessageDeltaEvent", "RawMessageStopEvent"],
        list(dict.fromkeys(type(e).__name__ for e in events)),
    )
    with client.messages.stream(model="sim/stream-6-0", max_tokens=50, messages=hello) as s:
        words = list(s.text_stream)
    equal("stream: word by word", ["This", " is", " a", " practice", " answer", " from"], words)
    quiet = ask("sim/stream-6-0+silence-2500", stream=True)
    seen = Listening(quiet)
    words = [e.delta.text for e in quiet if e.type == "content_block_delta"]
    pings = seen.text().count("event: ping")
    equal("stream: a silence does not end it", 6, len(words))
    fact(f"stream: it is filled with pings ({pings})", 2 <= pings <= 3, seen.text())
    for model, more in (
        ("sim/tokens-7", {}),
        ("sim/tools", {"tools": tools}),
        ("sim/pair-1", {"tools": tools}),
        ("sim/think-3+tokens-4", {"thinking": thinking}),
        ("sim/think-3+pair-1", {"thinking": thinking, "tools": tools}),
        ("sim/tokens-9+stops", {"stop_sequences": ["from"]}),
        ("sim/think-2+mirror", {"thinking": thinking, "system": 'a "b" \u2028 \\ ☃'}),
    ):
        whole, live = without_ids(ask(model, **more)), without_ids(streamed(model, **more))
        if model.endswith("mirror"):  # who asks for a stream asks for other things besides
            whole["content"].pop(), live["content"].pop()
        equal(f"stream: it makes the whole message: {model}", whole, live)

# ------------------------------------------------------------------- tools --

RESULTS = {"weather": [{"type": "text", "text": "rain"}], "clock": "noon"}


def loop(say, model):
    """A user's own loop; the turns that were sent, and the last answer."""
    turns = list(hello)
    for _ in range(9):
        m = say(model, turns, tools=tools)
        turns.append({"role": "assistant", "content": m.content})
        calls = [b for b in m.content if b.type == "tool_use"]
        if m.stop_reason != "tool_use":
            return turns, m
        turns.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": c.id, "content": RESULTS[c.name], "is_error": c.name == "clock"} for c in calls]})
    raise RuntimeError("it does not end")


def loop_is_sound(how, last, results):
    """LAST is an answer of sim/pair-2+mirror: what reached the upstream in the last turn."""
    sent = json.loads(last.content[-1].text)["messages"]
    calls = ["assistant", "tool", "tool"]
    equal(f"{how}: two calls and both results, twice", ["user"] + 2 * calls, [m["role"] for m in sent])
    equal(
        f"{how}: each result names its call",
        [c["id"] for m in sent if m["role"] == "assistant" for c in m["tool_calls"]],
        [m["tool_call_id"] for m in sent if m["role"] == "tool"],
    )
    equal(f"{how}: four ids", 4, len({m["tool_call_id"] for m in sent if m["role"] == "tool"}))
    equal(f"{how}: their results arrive", 2 * results, [m["content"] for m in sent if m["role"] == "tool"])
    equal(
        f"{how}: and with what they were called",
        [("weather", {"city": "Oslo", "days": 3}), ("clock", {"zone": "Europe/Oslo"})],
        [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in sent[1]["tool_calls"]],
    )


with part("tools"):
    m = ask("sim/tools", tools=tools)
    equal("tools: a call", ("tool_use", "weather", {"city": "Oslo", "days": 3}), (m.stop_reason, m.content[0].name, m.content[0].input))
    with client.messages.stream(model="sim/tools", max_tokens=50, messages=hello, tools=tools) as s:
        pieces = [e.partial_json for e in s if e.type == "input_json"]
    equal("tools: in pieces", ({"city": "Oslo", "days": 3}, True), (json.loads("".join(pieces)), len(pieces) > 1))
    for how, say in (("tools", ask), ("tools, in streams", streamed)):
        turns, last = loop(say, "sim/pair-2+mirror")
        equal(f"{how}: the loop ends after three answers", ("end_turn", 6), (last.stop_reason, len(turns)))
        loop_is_sound(how, last, ["rain", "Error:\n\nnoon"])
    for choice, want in (
        ({"type": "auto", "disable_parallel_tool_use": True}, ("auto", False)),
        ({"type": "any"}, ("required", None)),
        ({"type": "none"}, ("none", None)),
        ({"type": "tool", "name": "clock"}, ({"type": "function", "function": {"name": "clock"}}, None)),
    ):
        sent = shown(tools=tools, tool_choice=choice)
        equal(f"tools: the choice {choice['type']}", want, (sent.get("tool_choice", "auto"), sent.get("parallel_tool_calls")))
    equal("tools: they are declared", [("weather", tools[0]["input_schema"]), ("clock", tools[1]["input_schema"])],
          [(t["function"]["name"], t["function"]["parameters"]) for t in shown(tools=tools)["tools"]])

with part("runner"):
    called = []

    @beta_tool
    def weather(city: str, days: int) -> str:
        """The weather.

        Args:
            city: where
            days: how many
        """
        called.append((city, days))
        return "rain"

    @beta_tool
    def clock(zone: str) -> str:
        """The time.

        Args:
            zone: where
        """
        called.append(zone)
        return "noon"

    for how, more in (
        ("runner", {"thread": False}),
        ("runner, in streams", {"thread": False, "stream": True}),
        # The SDK first asks to have its conversation kept, and is told that nobody does.
        ("runner, as it comes", {}),
        ("runner, as it comes, in streams", {"stream": True}),
    ):
        model = f"sim/pair-2+mirror+{how}"
        called.clear()
        answers = client.beta.messages.tool_runner(
            model=model, max_tokens=2000, messages=hello, tools=[weather, clock], max_iterations=9, **more)
        answers = [a.get_final_message() if more.get("stream") else a for a in answers]
        equal(f"{how}: three answers, four calls", (3, 2 * [("Oslo", 3), "Europe/Oslo"]), (len(answers), called))
        equal(f"{how}: and as many requests of the upstream", 3, len(arrivals(model)))
        loop_is_sound(how, answers[-1], ["rain", "noon"])

# ---------------------------------------------------------------- thinking --

with part("thinking"):
    m = ask("sim/think-3+tokens-2", thinking=thinking)
    equal("thinking: a block of it, then the words", [("thinking", "Let me think"), ("text", "This is")],
          [(b.type, getattr(b, b.type)) for b in m.content])
    fact("thinking: it is signed", m.content[0].signature, m.content[0])
    with client.messages.stream(model="sim/think-3+tokens-2", max_tokens=2000, messages=hello, thinking=thinking) as s:
        events = list(s)
    equal("thinking: event by event", 3 * ["thinking"] + ["signature"] + 2 * ["text"],
          [e.type for e in events if e.type in ("thinking", "signature", "text")])
    equal("thinking: the signature is the whole's", [m.content[0].signature], [e.signature for e in events if e.type == "signature"])
    for what, more in (("unasked", {}), ("disabled", {"thinking": {"type": "disabled"}})):
        equal(f"thinking: {what}, it is not told", ["text"], [b.type for b in ask("sim/think-3+tokens-2", **more).content])
    m = ask("sim/tokens-2+no-template+no-effort", thinking=thinking)
    equal("thinking: of a model that knows nothing of it, the words", "This is", m.content[0].text)
    m = ask("sim/think-3+tokens-2", thinking={"type": "adaptive", "display": "omitted"})
    equal("thinking: omitted, only its signature is", ("", True), (m.content[0].thinking, bool(m.content[0].signature)))

    m = ask("sim/think-3+pair-1", thinking=thinking, tools=tools)
    turns = hello + [{"role": "assistant", "content": m.content}] + user(
        *({"type": "tool_result", "tool_use_id": b.id, "content": "x"} for b in m.content if b.type == "tool_use"))
    sent = shown(messages=turns, thinking=thinking, tools=tools)
    equal("thinking: its block goes back with its calls", ["user", "assistant", "tool", "tool"], [t["role"] for t in sent["messages"]])
    fact("thinking: and no signature reaches the upstream", m.content[0].signature not in json.dumps(sent), sent)
    turns = hello + [{"role": "assistant", "content": [*m.content[:1], {"type": "redacted_thinking", "data": "eA=="},
                                                       {"type": "text", "text": "so"}]}] + hello
    equal("thinking: so does one that is redacted, unsaid", "so", shown(messages=turns)["messages"][1]["content"])

# --------------------------------------------- images, documents, and others --

with part("images"):
    data = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    text = {"type": "text", "text": "what?"}
    as_data = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    as_url = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    equal("images: their data and their address arrive, in their order", [as_data, text, as_url],
          shown(messages=user(data, text, url))["messages"][0]["content"])
    call = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [text, data]}
    sent = shown(messages=hello + [{"role": "assistant", "content": [call]}] + user(result), tools=tools)["messages"]
    equal("images: of a tool, they follow its result", ["tool", "user"], [m["role"] for m in sent[-2:]])
    fact("images: all of them", as_data in sent[-1]["content"] and "what?" in sent[-2]["content"], sent[-2:])
    e = refused(ask, "sim/tokens-2", user({"type": "image", "source": {"type": "file", "file_id": "f"}}))
    fact("images: of a file of Anthropic's, a BadRequestError", isinstance(e, anthropic.BadRequestError), e)

with part("documents"):
    plain = {"type": "document", "title": "Rules", "source": {"type": "text", "media_type": "text/plain", "data": "be <kind>"}}
    made = {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}}
    said = json.dumps(shown(messages=user(plain, made))["messages"][0]["content"])
    fact("documents: their text and title arrive", all(w in said for w in ("<document>", "Rules", "be <kind>", "inner")), said)
    pdf = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}}
    e = refused(ask, "sim/tokens-2+pdf", user(pdf))
    fact("documents: a PDF is a BadRequestError of invalid_request_error",
         isinstance(e, anthropic.BadRequestError) and e.type == "invalid_request_error", e)
    equal("documents: and is not sent", [], arrivals("sim/tokens-2+pdf"))

with part("system"):
    for what, value, want in (
        ("a string", "be brief", "be brief"),
        ("blocks", [{"type": "text", "text": "be", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "brief"}],
         "be\n\nbrief"),
    ):
        equal(f"system: {what}", {"role": "system", "content": want}, shown(system=value)["messages"][0])

with part("stop"):
    m = ask("sim/tokens-9+stops", stop_sequences=["nobody", "from"])
    equal("stop: it says which", ("stop_sequence", "from", "This is a practice answer"),
          (m.stop_reason, m.stop_sequence, m.content[0].text))
    m = ask("sim/tokens-3+stops", stop_sequences=["nobody"])
    equal("stop: and says nothing if there was none", ("end_turn", None), (m.stop_reason, m.stop_sequence))
    equal("stop: they arrive", ["\n\nHuman:", "x"], shown(stop_sequences=["\n\nHuman:", "x"])["stop"])

with part("format"):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    sent = shown(output_config={"format": {"type": "json_schema", "schema": schema}})
    equal("format: its schema arrives", schema, sent["response_format"]["json_schema"]["schema"])

# ---------------------------------------------------------- tokens, models --

with part("count_tokens"):
    before = sim()["accepted"]
    few = client.messages.count_tokens(model="sim/x", messages=hello).input_tokens
    many = client.messages.count_tokens(model="sim/x", messages=user({"type": "text", "text": 400 * "word "}), tools=tools).input_tokens
    fact(f"count_tokens: few are few, and many more ({few}, {many})", 0 < few < 50 and 350 < many < 1200, (few, many))
    e = refused(client.messages.count_tokens, model="sim/x", messages=[])
    fact("count_tokens: of nothing, a BadRequestError", isinstance(e, anthropic.BadRequestError), e)
    equal("count_tokens: nobody is asked for it", before, sim()["accepted"])

with part("models"):
    want = [m["id"] for m in fetch(f"{SIM}/v1/models")["data"]]
    pages = list(client.models.list(limit=2).iter_pages())
    equal("models: all of them, page by page", sorted(want), sorted(m.id for p in pages for m in p.data))
    first = pages[0].data[0]
    equal("models: each is one", ("model", str, 4), (first.type, type(first.display_name), len(str(first.created_at.year))))
    name = "meta/llama-3.1-8b-instruct"
    one = next(m for p in pages for m in p.data if m.id == name)
    equal("models: one by its name, which has a slash, is the same", one.to_dict(), client.models.retrieve(name).to_dict())
    e = refused(client.models.retrieve, "no/such")
    fact("models: of none, a NotFoundError that names it, in Anthropic's shape",
         isinstance(e, anthropic.NotFoundError) and e.type == "not_found_error" and "no/such" in e.message and e.body.get("type") == "error", e)

finish()
