"""Compiles grammars as the sidecar does, without a sidecar."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.pipe import Json


class Compilation:
    """A model's tokenizer, warmed as at load."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer

        from sidecar.engine import grammar

        config = json.loads((folder / "config.json").read_text())
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        ends = frozenset(config["eos_token_id"])
        self._vocabulary = grammar.vocabulary(tokenizer, config["text_config"]["vocab_size"], ends)

    def milliseconds(self, members: Json) -> float:
        """Of one request with these members, its OpenAI `tools` or `response_format`."""
        from sidecar.engine import grammar
        from sidecar.engine.request import GenerationRequest

        form = members.get("response_format")
        request = GenerationRequest(
            request_id="compiled",
            messages=[{"role": "user", "content": "hello"}],
            schema=form["json_schema"]["schema"] if form else None,
            tools=members.get("tools", ()),
            tool_choice={"name": members["tool_choice"]["function"]["name"]} if "tool_choice" in members else "auto",
        )
        started = time.perf_counter()
        grammar.compiled(request, self._vocabulary)
        return 1e3 * (time.perf_counter() - started)
