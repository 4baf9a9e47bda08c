"""LangChain.  Its embeddings count tokens with a table from elsewhere unless they are told not to."""

from functools import reduce
from operator import add

from shared import KEY, PROMPT, TOOL, called, vectors
from langchain_openai import ChatOpenAI, OpenAIEmbeddings


def connect(url, model, **more):
    return ChatOpenAI(base_url=url, api_key=KEY, model=model, **more)


def call_of(llm):
    call = reduce(add, llm.bind_tools([TOOL]).stream(PROMPT)).tool_calls[0]
    return called(call["name"], call["args"])


def chat(url, model):
    return connect(url, model).invoke(PROMPT).text


def stream(url, model):
    return "".join(chunk.text for chunk in connect(url, model).stream(PROMPT))


def tools(url, model):
    return call_of(connect(url, model))


def embeddings(url, model):
    client = OpenAIEmbeddings(base_url=url, api_key=KEY, model=model, check_embedding_ctx_length=False)
    return vectors(client.embed_documents(["first", "second"]))


def responses(url, model):
    return connect(url, model, use_responses_api=True).invoke(PROMPT).text


def rstream(url, model):
    return "".join(chunk.text for chunk in connect(url, model, use_responses_api=True).stream(PROMPT))


def rtools(url, model):
    return call_of(connect(url, model, use_responses_api=True))
