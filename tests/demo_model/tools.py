"""Tool calls: a request, one to five tools on offer, and the one call that serves it, with arguments copied from the
request."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from . import words
from .conversation import Conversation, Message, assistant, tool_call, user
from .small_talk import SYSTEM_PROMPTS, draw_turn

Maker = Callable[[random.Random, bool], Any]
Tool = dict[str, Any]

_MAKERS: dict[str, Maker] = {
    "phrase": words.phrase,
    "word": words.word,
    "name": words.name,
    "file": words.file_name,
    "folder": words.folder_path,
    "address": words.web_address,
    "number": words.number,
}
_DESCRIPTIONS = {
    "phrase": ("What is asked for", "The words", "A text"),
    "word": ("One word", "The word"),
    "name": ("A name", "The name"),
    "file": ("The file's path", "Path of the file", "A file"),
    "folder": ("Path of the folder", "The folder"),
    "address": ("A web address", "The URL"),
    "number": ("A number", "How much", "An integer"),
}


@cache
def catalogue() -> list[dict[str, Any]]:
    """The known kinds of tools: `asks` and `zh` take the arguments in the order of `arguments`."""
    loaded: list[dict[str, Any]] = json.loads(Path(__file__).with_name("catalogue.json").read_text(encoding="utf-8"))
    return loaded


def _new_kind(rng: random.Random) -> dict[str, Any]:
    """A tool nobody has named before: the request says what the tool's own description says."""
    verb, noun = rng.choice(words.VERBS), rng.choice(words.NOUNS)
    if rng.random() < 0.3:
        verb = words.word(rng, False)
    if rng.random() < 0.3:
        noun = words.word(rng, False)
    argument = rng.choice(("name|item|id", "text|value|query", "amount|count"))
    kind = {
        "name|item|id": rng.choice(("name", "word", "file")),
        "text|value|query": "phrase",
        "amount|count": "number",
    }[argument]
    ask = [
        "{verb} the {noun} {0}.",
        "Please {verb} the {noun} {0}",
        "I want you to {verb} a {noun}: {0}",
        "Can you {verb} the {noun} called {0}?",
    ]
    if kind == "number":
        ask = ["{verb} {0} {noun}s.", "Please {verb} the {noun} {0} times", "I want you to {verb} the {noun}: {0}"]
    asks = [a.replace("{verb}", verb).replace("{noun}", noun) for a in ask]
    return {
        "names": [f"{verb}_{noun}", f"{noun}_{verb}", f"{verb}{noun.capitalize()}"],
        "does": [f"{verb.capitalize()} a {noun}", f"{verb.capitalize()} the {noun}", f"Use this to {verb} a {noun}"],
        "arguments": {argument: kind},
        "asks": asks,
        "zh": asks,
    }


def _describe(rng: random.Random, kind: dict[str, Any]) -> Tool:
    """The tool in OpenAI's shape, with its members in the order people write them or in alphabetical order."""
    properties: dict[str, Any] = {}
    for names, maker in kind["arguments"].items():
        schema = {"type": "integer" if maker == "number" else "string"}
        if rng.random() < 0.5:
            schema["description"] = rng.choice(_DESCRIPTIONS[maker])
        properties[rng.choice(names.split("|"))] = schema
    function = {
        "name": rng.choice(kind["names"]),
        "description": rng.choice(kind["does"]) + rng.choice((".", "")),
        "parameters": {"type": "object", "properties": properties, "required": list(properties)},
    }
    tool = {"type": "function", "function": function}
    return json.loads(json.dumps(tool, sort_keys=True)) if rng.random() < 0.4 else tool


def draw_offer(rng: random.Random) -> tuple[list[dict[str, Any]], list[Tool]]:
    """(kinds, tools), one to five, no two of one name"""
    count = rng.choices((1, 2, 3, 4, 5), (8, 27, 30, 25, 10))[0]
    kinds = [*rng.sample(catalogue(), count)]
    for i in range(count):
        if rng.random() < 0.25:
            kinds[i] = _new_kind(rng)
    tools = [_describe(rng, kind) for kind in kinds]
    return (kinds, tools) if len({tool["function"]["name"] for tool in tools}) == count else draw_offer(rng)


def _ask(rng: random.Random, kind: dict[str, Any], tool: Tool, held_out: bool) -> tuple[str, Message]:
    """A request and the call that serves it."""
    chinese = rng.random() < 0.12
    order = list(kind["arguments"].items())
    properties = tool["function"]["parameters"]["properties"]
    named = {names: next(p for p in properties if p in names.split("|")) for names, _ in order}
    values = [_MAKERS[maker](rng, held_out) for _, maker in order]
    request = rng.choice(kind["zh"] if chinese else kind["asks"])
    if kind["asks"] is not kind["zh"] and chinese and rng.random() < 0.6:
        values = [
            words.han_phrase(rng, held_out) if maker in ("phrase", "name", "word") else value
            for value, (_, maker) in zip(values, order, strict=True)
        ]
    text = request.format(*values)
    if rng.random() < 0.15 and text[0].isalpha():
        text = text[0].lower() + text[1:]
    if rng.random() < 0.1:
        text = rng.choice(("Please: ", "Hello! ", "Hi, ", "Now ", "OK. ")) + text
    # In the order in which the schema names them.
    by_name = {named[names]: value for (names, _), value in zip(order, values, strict=True)}
    return text, tool_call(tool["function"]["name"], {p: by_name[p] for p in properties})


def _result(rng: random.Random, held_out: bool) -> tuple[str, str]:
    """What a tool answered, and what the assistant then says."""
    kind = rng.random()
    if kind < 0.4:
        files = [words.file_name(rng, held_out) for _ in range(rng.randint(1, 3))]
        listed = files[0] if len(files) == 1 else ", ".join(files[:-1]) + " and " + files[-1]
        return json.dumps(
            {rng.choice(("files", "results")): files}
        ), f"I found {len(files)} file{'s' * (len(files) > 1)}: {listed}."
    if kind < 0.5:
        return rng.choice(('{"files": []}', '{"results": []}', "[]")), "I found nothing."
    if kind < 0.6:
        error = words.phrase(rng, held_out)
        return json.dumps({"error": error}, ensure_ascii=False), f"That did not work: {error}."
    if kind < 0.7:
        return rng.choice(('{"ok": true}', "ok", "done", '{"status": "ok"}')), "Done."
    answer = words.phrase(rng, held_out)
    return rng.choice((answer, json.dumps({"result": answer}, ensure_ascii=False))), f"The answer is: {answer}."


def draw_tools(rng: random.Random, held_out: bool) -> Conversation:
    """One request, its call, and in training a result with its answer, another request, or small talk beside the
    tools."""
    kinds, tools = draw_offer(rng)
    messages: list[Message] = []
    if rng.random() < 0.3:
        messages.append({"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    if not held_out and rng.random() < 0.15:
        question, answer = draw_turn(rng, held_out)
        messages += [user(question), assistant(answer)]
    for again in range(3):
        if not held_out and rng.random() < 0.08:
            question, answer = draw_turn(rng, held_out)
            messages += [user(question), assistant(answer)]
            break
        chosen = rng.randrange(len(tools))
        request, call = _ask(rng, kinds[chosen], tools[chosen], held_out)
        messages += [user(request), call]
        if held_out or again == 2 or rng.random() < 0.6:
            break
        result, answer = _result(rng, held_out)
        messages += [{"role": "tool", "content": result}, assistant(answer)]
        if rng.random() < 0.5:
            break
    expected = messages[-1]["tool_calls"][0]["function"] if "tool_calls" in messages[-1] else None
    return Conversation("tools", messages, tools=tools, expected=expected)


def read_tool_call(answer: str) -> dict[str, Any] | None:
    """The name and arguments of an answer's only tool call, None if it holds none or is malformed."""
    before, opened, rest = answer.partition("<tool_call>")
    inside, closed, after = rest.partition("</tool_call>")
    if before.strip() or not opened or not closed or after.strip():
        return None
    try:
        call = json.loads(inside)
    except ValueError:
        return None
    return call if isinstance(call, dict) else None
