"""`python -m tests.bench.bare MODEL`: mlx-vlm's own generation with nothing round it, in a process of its own.

Reads one JSON order a line and answers each with one. It is what the sidecar's speed is compared with, on the same
weights, in the same precision, with the same BLAS.
"""

from __future__ import annotations

import base64
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from sidecar.engine import backend

Json = dict[str, Any]


class Bare:
    """A loaded model."""

    def __init__(self, folder: Path) -> None:
        import mlx.core as mx
        from mlx_vlm import load

        self._model, self._processor = load(str(folder))
        if backend.device() == "cpu":
            self._model.set_dtype(mx.float32)
        mx.eval(self._model.parameters())

    def stream(self, messages: list[Json], max_tokens: int, tools: list[Json] | None = None) -> Json:
        """One greedy answer of `mlx_vlm.stream_generate`."""
        from mlx_vlm import stream_generate

        prompt, images = self._prompt(messages, tools)
        arrivals, text = [], ""
        started = time.perf_counter()
        for piece in stream_generate(
            self._model, self._processor, prompt, image=images or None, max_tokens=max_tokens, temperature=0.0
        ):
            arrivals.append(time.perf_counter())
            text += piece.text
        return _timed(started, arrivals) | {"text": text}

    def one_row(self, messages: list[Json], max_tokens: int) -> Json:
        """One greedy answer of a `BatchGenerator` with one row."""
        generator = self._generator(rows=1)
        started = time.perf_counter()
        self._insert(generator, messages, max_tokens)
        arrivals = []
        while generator.has_work:
            _, responses = generator.next()
            arrivals += [time.perf_counter()] * len(responses)
        generator.close()
        return _timed(started, arrivals)

    def saturate(self, prompts: Sequence[list[Json]], max_tokens: int, seconds: float) -> Json:
        """A `BatchGenerator` with a row for each prompt and no bound on its steps: a prompt that is answered is asked
        again. The rate is of all rows together."""
        generator = self._generator(rows=len(prompts))
        asked = {self._insert(generator, messages, max_tokens): messages for messages in prompts}
        tokens, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < seconds:
            _, responses = generator.next()
            tokens += len(responses)
            for response in responses:
                if response.finish_reason is not None:
                    messages = asked.pop(response.uid)
                    asked[self._insert(generator, messages, max_tokens)] = messages
        generator.close()
        return {"tokens_per_second": tokens / elapsed}

    def _prompt(self, messages: list[Json], tools: list[Json] | None = None) -> tuple[str, list[Image.Image]]:
        prompt: str = self._processor.apply_chat_template(
            messages, tools=tools, tokenize=False, add_generation_prompt=True
        )
        parts = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
        urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        return prompt, [Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) for url in urls]

    def _generator(self, rows: int) -> Any:
        from mlx_vlm.generate import BatchGenerator

        return BatchGenerator(
            self._model.language_model,
            self._processor,
            completion_batch_size=rows,
            prefill_batch_size=1,
            compute_logprobs=False,
        )

    def _insert(self, generator: Any, messages: list[Json], max_tokens: int) -> int:
        from mlx_vlm.utils import prepare_inputs

        prompt, images = self._prompt(messages)
        inputs = prepare_inputs(
            self._processor,
            images=images or None,
            prompts=prompt,
            image_token_index=self._model.config.image_token_index,
        )
        ids, pixels, mask = (inputs.pop(name, None) for name in ("input_ids", "pixel_values", "attention_mask"))
        embedded = self._model.get_input_embeddings(ids, pixels, mask=mask, **inputs)
        inputs |= {name: value for name, value in embedded.to_dict().items() if value is not None}
        (uid,) = generator.insert([ids[0].tolist()], max_tokens=[max_tokens], prompt_kwargs=[inputs])
        return int(uid)


def _timed(started: float, arrivals: list[float]) -> Json:
    """`ttft` and `seconds_per_token`, the first one not counted, in seconds."""
    return {
        "tokens": len(arrivals),
        "ttft": arrivals[0] - started,
        "seconds_per_token": (arrivals[-1] - arrivals[0]) / max(len(arrivals) - 1, 1),
    }


def main() -> None:
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # libraries may print
    backend.prepare(Path(tempfile.gettempdir()) / "bench-kernels")
    bare = Bare(Path(sys.argv[1]))
    orders: dict[str, Callable[..., Json]] = {
        "stream": bare.stream,
        "one_row": bare.one_row,
        "saturate": bare.saturate,
    }
    print("{}", file=replies)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(orders[order.pop("order")](**order)), file=replies)


if __name__ == "__main__":
    main()
    os._exit(0)  # the interpreter's own exit can abort after MLX has run
