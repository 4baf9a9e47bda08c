"""pydantic-ai: an agent, which calls its tools itself."""

import asyncio

from shared import KEY, PROMPT
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider


def agent(kind, url, model):
    return Agent(kind(model, provider=OpenAIProvider(base_url=url, api_key=KEY)))


def say(agent):
    return agent.run_sync(PROMPT).output


def flow(agent):
    async def run():
        async with agent.run_stream(PROMPT) as answer:
            return "".join([piece async for piece in answer.stream_text(delta=True)])

    return asyncio.run(run())


def call_of(agent):
    calls = []

    @agent.tool_plain
    def weather(city: str, days: int) -> str:
        """What the weather will be."""
        calls.append(f"weather {city} {days}")
        return "rain"

    flow(agent)
    return " ".join(calls)


def chat(url, model):
    return say(agent(OpenAIChatModel, url, model))


def stream(url, model):
    return flow(agent(OpenAIChatModel, url, model))


def tools(url, model):
    return call_of(agent(OpenAIChatModel, url, model))


def responses(url, model):
    return say(agent(OpenAIResponsesModel, url, model))


def rstream(url, model):
    return flow(agent(OpenAIResponsesModel, url, model))


def rtools(url, model):
    return call_of(agent(OpenAIResponsesModel, url, model))
