"""LiteLLM as a library."""

import json

import litellm
from shared import FUNCTION, KEY, MESSAGES, PROMPT, TOOL, called, vectors


def options(url, model):
    return {"model": f"openai/{model}", "api_base": url, "api_key": KEY}


def chat(url, model):
    return litellm.completion(**options(url, model), messages=MESSAGES).choices[0].message.content


def stream(url, model):
    chunks = litellm.completion(**options(url, model), messages=MESSAGES, stream=True)
    return "".join(c.choices[0].delta.content or "" for c in chunks)


def tools(url, model):
    chunks = litellm.completion(**options(url, model), messages=MESSAGES, tools=[TOOL], stream=True)
    call = litellm.stream_chunk_builder(list(chunks)).choices[0].message.tool_calls[0].function
    return called(call.name, json.loads(call.arguments))


def embeddings(url, model):
    answer = litellm.embedding(**options(url, model), input=["first", "second"])
    return vectors([d["embedding"] for d in answer.data])


def upload(url, path):
    with open(path, "rb") as file:
        answer = litellm.create_file(
            file=file, purpose="batch", custom_llm_provider="openai", api_base=url, api_key=KEY
        )
    return f"{answer.filename} {answer.bytes}"


def responses(url, model):
    return litellm.responses(**options(url, model), input=PROMPT).output_text


def last(url, model, **more):
    """Its stream has events only: the last one tells how it ended."""
    for event in litellm.responses(**options(url, model), input=PROMPT, stream=True, **more):
        pass
    if event.type != "response.completed":
        raise RuntimeError(f"the last event is {event.type}")
    return event.response


def rstream(url, model):
    return last(url, model).output_text


def rtools(url, model):
    call = last(url, model, tools=[{"type": "function", **FUNCTION}]).output[0]
    return called(call.name, json.loads(call.arguments))
