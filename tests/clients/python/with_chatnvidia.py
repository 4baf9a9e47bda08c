"""NVIDIA's own, for LangChain."""

from functools import reduce
from operator import add

from shared import KEY, PROMPT, TOOL, called, vectors
from langchain_nvidia_ai_endpoints import ChatNVIDIA, NVIDIAEmbeddings


def connect(url, model):
    return ChatNVIDIA(base_url=url, api_key=KEY, model=model)


def chat(url, model):
    return connect(url, model).invoke(PROMPT).content


def stream(url, model):
    return "".join(chunk.content for chunk in connect(url, model).stream(PROMPT))


def tools(url, model):
    call = reduce(add, connect(url, model).bind_tools([TOOL]).stream(PROMPT)).tool_calls[0]
    return called(call["name"], call["args"])


def embeddings(url, model):
    return vectors(NVIDIAEmbeddings(base_url=url, api_key=KEY, model=model).embed_documents(["first", "second"]))
