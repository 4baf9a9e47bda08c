"""The official SDK."""

import json

import openai
from shared import FUNCTION, KEY, MESSAGES, PROMPT, TOOL, called, vectors


def connect(url):
    return openai.OpenAI(base_url=url, api_key=KEY)


def chat(url, model):
    return connect(url).chat.completions.create(model=model, messages=MESSAGES).choices[0].message.content


def stream(url, model):
    chunks = connect(url).chat.completions.create(model=model, messages=MESSAGES, stream=True)
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def tools(url, model):
    with connect(url).chat.completions.stream(model=model, messages=MESSAGES, tools=[TOOL]) as events:
        call = events.get_final_completion().choices[0].message.tool_calls[0].function
    return called(call.name, json.loads(call.arguments))


def embeddings(url, model):
    answer = connect(url).embeddings.create(model=model, input=["first", "second"])
    return vectors([d.embedding for d in answer.data])


def upload(url, path):
    with open(path, "rb") as file:
        answer = connect(url).files.create(file=file, purpose="batch")
    return f"{answer.filename} {answer.bytes}"


def responses(url, model):
    return connect(url).responses.create(model=model, input=PROMPT).output_text


def final(url, model, **more):
    with connect(url).responses.stream(model=model, input=PROMPT, **more) as events:
        return events.get_final_response()


def rstream(url, model):
    return final(url, model).output_text


def rtools(url, model):
    call = final(url, model, tools=[{"type": "function", **FUNCTION}]).output[0]
    return called(call.name, json.loads(call.arguments))
