"""instructor: an object in the place of words, by the call of a tool of its name."""

import instructor
import openai
from shared import KEY, MESSAGES
from pydantic import BaseModel


class weather(BaseModel):
    """What the weather will be."""

    city: str
    days: int


def connect(url):
    return instructor.from_openai(openai.OpenAI(base_url=url, api_key=KEY))


def said(it):
    return f"weather {it.city} {it.days}"


def chat(url, model):
    return said(connect(url).chat.completions.create(model=model, messages=MESSAGES, response_model=weather))


def stream(url, model):
    parts = connect(url).chat.completions.create_partial(model=model, messages=MESSAGES, response_model=weather)
    return said(list(parts)[-1])


def tools(url, model):
    return stream(url, model)
