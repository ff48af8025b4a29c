"""Trains the demo model from nothing, in two phases: the vision tower as a classifier, then the whole model on
conversations.

A small vision tower learns shapes slowly through the language loss alone; as a classifier it takes a minute.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
from mlx.nn.layers.base import Module
from mlx.nn.layers.linear import Linear
from mlx.nn.losses import cross_entropy
from mlx.nn.utils import value_and_grad
from mlx.utils import tree_flatten

from . import batches, network
from .architecture import CONTEXT, VISION, write_configuration
from .batches import SEED, Labelled
from .conversation import Conversation
from .drawing import COLOURS, SHAPES
from .encoding import Batch, PictureBatch
from .pictures import draw_pictures
from .small_talk import draw_small_talk
from .tags import draw_tags
from .tokenizer import SPECIAL_TOKENS, train_tokenizer, write_tokenizer
from .tools import draw_tools

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Recipe:
    """How long and how fast. `batch_percent` scales the second phase's rows; less than 100 is for trying the script
    out."""

    vision_steps: int = 2800
    vision_batch: int = 64
    vision_rate: float = 1e-3
    steps: int = 5800
    rate: float = 1.2e-3
    batch_percent: int = 100
    corpus: int = 12000  # conversations the tokenizer is fitted to


def prepare(folder: Path, recipe: Recipe) -> None:
    """Writes tokenizer, chat template and configuration into `folder`."""
    rng = random.Random(f"{SEED} corpus")
    template = (HERE / "chat_template.jinja").read_text(encoding="utf-8")

    def texts(conversation: Conversation) -> Iterator[str]:
        for message in conversation.messages:
            content = message["content"]
            yield from [content] if isinstance(content, str) else [p["text"] for p in content if "text" in p]
            yield from (json.dumps(call["function"]) for call in message.get("tool_calls", []))
        yield from (json.dumps(tool) for tool in conversation.tools)

    draws = (draw_tags, draw_tools, draw_small_talk, draw_pictures)
    corpus = chain.from_iterable(
        texts(draws[i % 4 if i % 20 == 3 else i % 3](rng, False)) for i in range(recipe.corpus)
    )
    roles = ["user\n", "assistant\n", "system\n"]
    frame = [*(part.replace("\\n", "\n") for part in template.split("'")), *roles] * 200
    tokenizer = train_tokenizer(chain(corpus, frame))
    write_tokenizer(tokenizer, folder, template, CONTEXT)
    vocabulary = tokenizer.get_vocab()
    ids = {token: vocabulary[token] for token in SPECIAL_TOKENS}
    write_configuration(folder, ids, len(vocabulary))


def new_model(folder: Path) -> Any:
    """A Qwen3-VL of the shape in `folder`'s config.json, with weights drawn from the committed seed."""
    from mlx_vlm.models.qwen3_vl import Model, ModelConfig

    mx.random.seed(SEED)
    model = Model(ModelConfig.from_dict(json.loads((folder / "config.json").read_text())))
    for layer in model.language_model.model.layers:
        layer.self_attn.rotary_emb.fused_apply = False  # the fused Metal kernel has no gradient
    return model


def save(model: Any, folder: Path) -> None:
    """Writes the weights as float16: half the size of float32, and finer than bfloat16 at the size weights have."""
    parameters: list[tuple[str, mx.array]] = tree_flatten(model.parameters())  # type: ignore[assignment]
    weights = {name: value.astype(mx.float16) for name, value in parameters}
    mx.save_safetensors(str(folder / "model.safetensors"), weights, metadata={"format": "mlx"})


def as_arrays(record: Batch | PictureBatch) -> network.Arrays:
    """A record of NumPy arrays as MLX arrays by their names."""
    return {
        f.name: mx.array(v)
        for f in fields(record)
        if not isinstance(v := getattr(record, f.name), PictureBatch) and v is not None
    }


def rate_at(step: int, highest: float, steps: int) -> float:
    """The learning rate of step `step` of `steps`: up in a line over the first few hundred, then down in a half
    cosine."""
    warm = min(300, steps // 10 + 1)
    if step < warm:
        return highest * (step + 1) / warm
    return highest * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))))


def _optimizer() -> optim.Optimizer:
    return optim.AdamW(0.0, betas=[0.9, 0.98], weight_decay=0.02)


def _descend(module: Module, optimizer: optim.Optimizer, gradients: Any, rate: float) -> None:
    clipped, _ = optim.clip_grad_norm(gradients, 1.0)  # type: ignore[no-untyped-call]
    optimizer.learning_rate = rate
    optimizer.update(module, clipped)


class _Heads(Module):
    """The tower with one pair of classifiers for each of its outputs, so that the deepstack mergers learn as well."""

    def __init__(self, tower: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tower = tower
        outputs = 1 + len(VISION["deepstack_visual_indexes"])
        self.heads = [Linear(VISION["out_hidden_size"], len(COLOURS) + len(SHAPES)) for _ in range(outputs)]

    def loss(
        self, pictures: network.Arrays, centres: mx.array, colours: mx.array, shapes: mx.array
    ) -> tuple[mx.array, mx.array]:
        """(mean cross-entropy, share of pictures whose colour and shape are both right)

        Classifies the token on the shape's centre, and the largest features of all tokens (not their mean: a small
        shape fills one token of 64)."""
        total, right = mx.array(0.0), mx.array(0.0)
        present = pictures["present"][:, ::4, None]
        for output, head in zip(network.vision_features(self.tower, pictures), self.heads, strict=True):
            features = output.reshape(*present.shape[:2], -1)
            pooled = mx.where(present, features, -1e9).max(axis=1)
            for scores in (head(mx.take_along_axis(features, centres[:, None, None], axis=1)[:, 0]), head(pooled)):
                colour, shape = scores[:, : len(COLOURS)], scores[:, len(COLOURS) :]
                total = total + cross_entropy(colour, colours).mean() + cross_entropy(shape, shapes).mean()
                if head is self.heads[0]:
                    right = ((colour.argmax(-1) == colours) & (shape.argmax(-1) == shapes)).astype(mx.float32).mean()
        return total, right


def train_vision(model: Any, folder: Path, recipe: Recipe, workers: int) -> None:
    """Phase one: colour and shape from the tower's pooled features."""
    heads = _Heads(model.vision_tower)
    optimizer = _optimizer()
    step = value_and_grad(heads, heads.loss)
    begun = time.monotonic()
    made: Iterator[Labelled] = batches.stream(
        batches.labelled_batch, recipe.vision_batch, range(recipe.vision_steps), folder, workers
    )
    for number, batch in enumerate(made, 1):
        (loss, right), gradients = step(
            as_arrays(batch.pictures), mx.array(batch.centres), mx.array(batch.colours), mx.array(batch.shapes)
        )
        _descend(heads, optimizer, gradients, rate_at(number - 1, recipe.vision_rate, recipe.vision_steps))
        mx.eval(heads.state, optimizer.state, loss, right)
        if number % 100 == 0 or number == recipe.vision_steps:
            print(
                f"vision {number}: loss {loss.item():.3f}, right {right.item():.2f}, {time.monotonic() - begun:.0f} s",
                flush=True,
            )


def train_conversations(model: Any, folder: Path, recipe: Recipe, workers: int) -> None:
    """Phase two: every weight, next-token loss; a prompt's tokens count a tenth of an answer's."""
    made = batches.stream(batches.conversation_batch, recipe.batch_percent, range(recipe.steps), folder, workers)
    _learn(model, folder, made, "conversations", recipe.rate, recipe.steps)


def _learn(model: Any, folder: Path, made: Iterator[Batch], phase: str, rate: float, steps: int) -> None:
    optimizer = _optimizer()

    def loss_of(batch: network.Arrays, pictures: network.Arrays | None) -> mx.array:
        scores = network.logits(model, batch, pictures)[:, :-1]
        weights = batch["weights"][:, 1:]
        each = cross_entropy(scores, batch["ids"][:, 1:])
        return (each * weights).sum() / weights.sum()

    step = value_and_grad(model, loss_of)
    begun = time.monotonic()
    recent = [mx.array(0.0)] * batches.KINDS
    for number, batch in enumerate(made, 1):
        loss, gradients = step(as_arrays(batch), as_arrays(batch.pictures) if batch.pictures else None)
        _descend(model, optimizer, gradients, rate_at(number - 1, rate, steps))
        mx.async_eval(model.state, optimizer.state, loss)  # type: ignore[no-untyped-call]
        mx.eval(recent[-1])  # one step ahead of the accelerator, no more
        recent = [*recent[1:], loss]
        if number % 50 == 0 or number == steps:
            losses = " ".join(f"{kind.item():.4f}" for kind in recent)
            print(f"{phase} {number}: losses {losses}, {time.monotonic() - begun:.0f} s", flush=True)
            save(model, folder)


def train(folder: Path, recipe: Recipe, workers: int) -> None:
    """Everything, into `folder`, which then is a model repository but for its card. Progress goes to standard output.

    What is saved on the way makes a run that is cut short leave a usable model."""
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, recipe)
    model = new_model(folder)
    train_vision(model, folder, recipe, workers)
    train_conversations(model, folder, recipe, workers)
