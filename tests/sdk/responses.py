"""responses.py - the official OpenAI SDK for Python asks /v1/responses of a real
Sluice, whose upstream speaks chat completions and answers at random.

It is that upstream, too, at the port that run.sh names.  Of each answer the
SDK's own types must accept every event and the whole, and both must say what the
upstream has said.  A line for each fact, then "N passed, N failed".
"""

import http.server
import json
import os
import random
import sys
import threading

import openai
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

ANSWERS = 400
WORDS = ["a", " the", "\n", '"', "\\", "{}", "\t", "</", "漢", "😀", " <b>", "data: x\n\n"]
TOOLS = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "p"},
    {"type": "namespace", "name": "n", "description": "d", "tools": [{"type": "function", "name": "g"}]},
    {"type": "web_search"},
]


def words(r, most):
    return "".join(r.choices(WORDS, k=r.randint(0, most)))


class Answer:
    """What the upstream says to who asks for model r/SEED."""

    def __init__(self, seed):
        r = random.Random(seed)
        self.thought = words(r, 8).strip() if r.random() < 0.5 else ""
        self.text = words(r, 14).strip()
        self.calls = [self.call(r, i) for i in range(r.choice([0, 0, 1, 2, 3]))]
        self.reason = r.choice(["stop", "length", "content_filter"]) if not self.calls else "tool_calls"
        self.usage = {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 2}}
        self.r = r

    @staticmethod
    def call(r, i):
        name = r.choice(["f", "p", "n__g"])
        said = words(r, 9)
        return f"c{i}", name, json.dumps({"input": said}, ensure_ascii=r.random() < 0.5), said

    def whole(self):
        calls = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a, _ in self.calls]
        return {"id": "x", "object": "chat.completion", "model": "other", "usage": self.usage, "choices": [{
            "index": 0, "finish_reason": self.reason,
            "message": {"role": "assistant", "content": self.text, "reasoning_content": self.thought, "tool_calls": calls}}]}

    def pieces(self, text):
        while text:
            n = self.r.randint(1, 6)
            yield text[:n]
            text = text[n:]

    def deltas(self):
        yield {"role": "assistant", "content": ""}
        yield from ({"reasoning_content": p} for p in self.pieces(self.thought))
        yield from ({"content": p} for p in self.pieces(self.text))
        for at, (i, n, a, _) in enumerate(self.calls):
            yield {"tool_calls": [{"index": at, "id": i, "type": "function", "function": {"name": n, "arguments": ""}}]}
            yield from ({"tool_calls": [{"index": at, "function": {"arguments": p}}]} for p in self.pieces(a))

    def stream(self):
        for d in self.deltas():
            yield {"choices": [{"index": 0, "delta": d, "finish_reason": None}]}
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": self.reason}]}
        yield {"choices": [], "usage": self.usage}

    def said(self):
        """The same as a response has it: one row for each item."""
        rows = [("reasoning", self.thought)] if self.thought else []
        rows += [("message", self.text)] if self.text else []
        for i, n, a, said in self.calls:
            rows.append({"f": ("function_call", i, "f", None, json.loads(a)), "p": ("custom_tool_call", i, "p", said),
                         "n__g": ("function_call", i, "g", "n", json.loads(a))}[n])
        return rows


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send(json.dumps({"object": "list", "data": []}).encode(), "application/json")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = Answer(int(asked["model"].split("/")[1]))
        if asked.get("stream"):
            data = "".join(f"data: {json.dumps(e)}\n\n" for e in answer.stream()) + "data: [DONE]\n\n"
            self.send(data.encode(), "text/event-stream")
        else:
            self.send(json.dumps(answer.whole()).encode(), "application/json")

    def send(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def rows_of(response):
    rows = []
    for item in response.output:
        if item.type == "reasoning":
            rows.append(("reasoning", "".join(s.text for s in item.summary)))
        elif item.type == "message":
            rows.append(("message", "".join(c.text for c in item.content)))
        elif item.type == "custom_tool_call":
            rows.append((item.type, item.call_id, item.name, item.input))
        else:
            rows.append((item.type, item.call_id, item.name, item.namespace, json.loads(item.arguments)))
    return rows


def ends_of(response):
    reason = response.incomplete_details and response.incomplete_details.reason
    u = response.usage
    return response.status, reason, u.input_tokens, u.output_tokens, u.output_tokens_details.reasoning_tokens


def want_end(answer):
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(answer.reason)
    return "incomplete" if reason else "completed", reason, 9, 5, 2


events = TypeAdapter(ResponseStreamEvent)


def stream_of(c, model):
    """The last response of a stream, each of whose events is of the SDK's types."""
    last, deltas = None, {}
    for e in c.responses.create(model=model, input="hello", tools=TOOLS, stream=True):
        raw = e.to_dict(mode="json")
        events.validate_python(raw)
        if e.type.endswith(".delta"):
            deltas[e.item_id] = deltas.get(e.item_id, "") + e.delta
        if e.type == "response.output_item.done":
            have = json.dumps(e.item.to_dict(), ensure_ascii=False)
            assert json.dumps(deltas.get(e.item.id, ""), ensure_ascii=False)[1:-1] in have, (deltas, have)
        last = getattr(e, "response", last)
    return last


def whole_of(c, model):
    raw = c.responses.with_raw_response.create(model=model, input="hello", tools=TOOLS)
    Response.model_validate(json.loads(raw.http_response.text), strict=False)
    return raw.parse()


def check(c, seed):
    answer, model = Answer(seed), f"r/{seed}"
    for how in whole_of, stream_of:
        response = how(c, model)
        assert rows_of(response) == answer.said(), (how.__name__, rows_of(response), answer.said())
        assert ends_of(response) == want_end(answer), (how.__name__, ends_of(response))
        assert response.model == model and response.output_text == answer.text, response


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    c = openai.OpenAI(base_url=os.environ["SLUICE_MAIN"] + "/v1", api_key="unused", max_retries=0)
    passed = failed = 0
    for seed in range(ANSWERS):
        try:
            check(c, seed)
            passed += 1
        except Exception as e:
            failed += 1
            print(f"FAIL responses: answer {seed}\n     {type(e).__name__}: {str(e)[:600]}", flush=True)
    with c.responses.stream(model="r/1", input="hello") as s:
        s.until_done()
        same = s.get_final_response().output_text == Answer(1).text
    passed, failed = passed + same, failed + (not same)
    print(f"{'ok  ' if same else 'FAIL'} responses: the SDK's own way to put a stream together")
    print(f"{'ok  ' if not failed else 'FAIL'} responses: {ANSWERS} answers, whole and in events")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
