"""What the tests of chats ask, and of which model."""

from tests.pipe import Json

REPOSITORY = "knowledge-focus/qwen3-vl-demo"
MODEL = "qwen3-vl-demo"


def asking(text: str, **members: object) -> Json:
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 8, "seed": 1, "priority": 1} | members
