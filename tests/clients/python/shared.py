"""shared.py - what all drivers ask with."""

KEY = "sk-clients"
PROMPT = "hello"
MESSAGES = [{"role": "user", "content": PROMPT}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
ABOUT = "What the weather will be."
FUNCTION = {"name": "weather", "description": ABOUT, "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}


def called(name, arguments):
    return f"{name} {arguments['city']} {arguments['days']}"


def vectors(vectors):
    last = vectors[-1]
    return f"{len(vectors)} {len(last)} {round(last[0] * 100)} {round(last[31] * 100)}"
