"""LlamaIndex, with the class that it has for servers that are like OpenAI's."""

from shared import KEY, PROMPT, called, vectors
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai_like import OpenAILike

MESSAGES = [ChatMessage(role="user", content=PROMPT)]


def connect(url, model):
    return OpenAILike(
        api_base=url, api_key=KEY, model=model, is_chat_model=True, is_function_calling_model=True
    )


def weather(city: str, days: int) -> str:
    """What the weather will be."""
    return f"{city} {days}"


def chat(url, model):
    return connect(url, model).chat(MESSAGES).message.content


def stream(url, model):
    return "".join(part.delta or "" for part in connect(url, model).stream_chat(MESSAGES))


def tools(url, model):
    llm = connect(url, model)
    for answer in llm.stream_chat_with_tools([FunctionTool.from_defaults(weather)], user_msg=PROMPT):
        pass
    call = llm.get_tool_calls_from_response(answer)[0]
    return called(call.tool_name, call.tool_kwargs)


def embeddings(url, model):
    client = OpenAILikeEmbedding(api_base=url, api_key=KEY, model_name=model)
    return vectors(client.get_text_embedding_batch(["first", "second"]))
