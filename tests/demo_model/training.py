"""Trains the demo model from nothing, in two phases: the vision tower as a classifier, then the whole model on
conversations.

A small vision tower learns shapes slowly through the language loss alone; as a classifier it takes a minute.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

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
from .checkpoint import EVERY, Checkpoint
from .conversation import Conversation
from .drawing import COLOURS, SHAPES
from .encoding import Batch, PictureBatch
from .pictures import draw_pictures
from .small_talk import draw_small_talk
from .tags import draw_tags
from .tokenizer import SPECIAL_TOKENS, train_tokenizer, write_tokenizer
from .tools import draw_tools

HERE = Path(__file__).parent
T = TypeVar("T")


@dataclass(frozen=True)
class Recipe:
    """How long and how fast. `batch_percent` scales pictures and rows a step; less than 100 is for trying the script
    out."""

    vision_steps: int = 5000
    vision_rate: float = 1e-3
    steps: int = 9000
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


def as_arrays(record: Batch | PictureBatch | Labelled) -> network.Arrays:
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


Loss = Callable[..., mx.array]
Draw = Callable[[range], Iterator[T]]


def _descend(
    phase: str,
    module: Module,
    loss_of: Loss,
    draw: Draw[tuple[network.Arrays, ...]],
    *,
    rate: float,
    steps: int,
    checkpoint: Checkpoint,
) -> None:
    """Gradient descent from where `checkpoint` stands. `draw` gives each step's arguments of `loss_of`."""
    optimizer = optim.AdamW(0.0, betas=[0.9, 0.98], weight_decay=0.02)
    optimizer.init(module.trainable_parameters())  # type: ignore[no-untyped-call]
    first = checkpoint.restore(phase, module, optimizer)
    losses_and_gradients = value_and_grad(module, loss_of)

    begun, waited = time.monotonic(), 0.0
    recent = [mx.array(0.0)] * batches.KINDS
    made = draw(range(first, steps))
    for number in range(first + 1, steps + 1):
        asked = time.monotonic()
        arguments = next(made)
        waited += time.monotonic() - asked
        optimizer.learning_rate = rate_at(number - 1, rate, steps)
        loss, gradients = losses_and_gradients(*arguments)
        clipped, _ = optim.clip_grad_norm(gradients, 1.0)  # type: ignore[no-untyped-call]
        optimizer.update(module, clipped)
        mx.async_eval(module.state, optimizer.state, loss)  # type: ignore[no-untyped-call]
        mx.eval(recent[-1])  # one step ahead of the accelerator, no more
        recent = [*recent[1:], loss]
        if number % 100 == 0 or number == steps:
            losses = " ".join(f"{kind.item():.4f}" for kind in recent)
            seconds = time.monotonic() - begun
            print(f"{phase} {number}: losses {losses}, {seconds:.0f} s, {waited:.0f} of them for data", flush=True)
        if number % EVERY == 0 or number == steps:
            checkpoint.save(phase, number, module, optimizer)


class _Heads(Module):
    """The tower with one pair of classifiers for each of its outputs, so that the deepstack mergers learn as well."""

    def __init__(self, tower: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tower = tower
        outputs = 1 + len(VISION["deepstack_visual_indexes"])
        self.heads = [Linear(VISION["out_hidden_size"], len(COLOURS) + len(SHAPES)) for _ in range(outputs)]

    def loss(self, pictures: network.Arrays, labels: network.Arrays) -> mx.array:
        """Mean cross-entropy. Classifies the token on the shape's centre, and the largest features of all tokens (not
        their mean: a small shape fills a few tokens of many)."""
        total = mx.array(0.0)
        present = pictures["present"][:, ::4, None]
        for output, head in zip(network.vision_features(self.tower, pictures), self.heads, strict=True):
            features = output.reshape(*present.shape[:2], -1)
            pooled = mx.where(present, features, -1e9).max(axis=1)
            central = mx.take_along_axis(features, labels["centres"][:, None, None], axis=1)[:, 0]
            for scores in (head(central), head(pooled)):
                colour, shape = scores[:, : len(COLOURS)], scores[:, len(COLOURS) :]
                total = total + cross_entropy(colour, labels["colours"]).mean()
                total = total + cross_entropy(shape, labels["shapes"]).mean()
        return total


def train_vision(model: Any, folder: Path, recipe: Recipe, workers: int, checkpoint: Checkpoint) -> None:
    """Phase one: colour and shape from the tower's features."""

    def draw(steps: range) -> Iterator[tuple[network.Arrays, ...]]:
        for batch in batches.stream(batches.labelled_batch, recipe.batch_percent, steps, folder, workers):
            yield as_arrays(batch.pictures), as_arrays(batch)

    heads = _Heads(model.vision_tower)
    _descend(
        "vision",
        heads,
        heads.loss,
        draw,
        rate=recipe.vision_rate,
        steps=recipe.vision_steps,
        checkpoint=checkpoint,
    )


def train_conversations(model: Any, folder: Path, recipe: Recipe, workers: int, checkpoint: Checkpoint) -> None:
    """Phase two: every weight, next-token loss; a prompt's tokens count a tenth of an answer's."""

    def draw(steps: range) -> Iterator[tuple[network.Arrays, ...]]:
        for batch in batches.stream(batches.conversation_batch, recipe.batch_percent, steps, folder, workers):
            yield (as_arrays(batch), as_arrays(batch.pictures)) if batch.pictures else (as_arrays(batch),)

    def loss_of(batch: network.Arrays, pictures: network.Arrays | None = None) -> mx.array:
        scores = network.logits(model, batch, pictures)[:, :-1]
        weights = batch["weights"][:, 1:]
        each = cross_entropy(scores, batch["ids"][:, 1:])
        return (each * weights).sum() / weights.sum()

    _descend(
        "conversations",
        model,
        loss_of,
        draw,
        rate=recipe.rate,
        steps=recipe.steps,
        checkpoint=checkpoint,
    )


def train(folder: Path, recipe: Recipe, workers: int) -> None:
    """Everything, into `folder`, which then is a model repository but for its card. Progress goes to standard output.

    A run that was cut short goes on where it stood, with the same recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint(folder)
    phase = checkpoint.phase
    if phase is None:
        prepare(folder, recipe)
    model = new_model(folder)
    if phase != "conversations":
        train_vision(model, folder, recipe, workers, checkpoint)
    train_conversations(model, folder, recipe, workers, checkpoint)
    save(model, folder)
    checkpoint.discard()
