"""An endless, repeatable stream of training batches, drawn and encoded by worker processes ahead of the training
loop."""

from __future__ import annotations

import multiprocessing
import random
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from .conversation import Conversation
from .drawing import COLOURS, LARGEST_SIDE, SHAPES, SMALLEST_RADIUS, Drawing, draw_drawing, paint
from .encoding import Array, Batch, Encoded, Encoder, PictureBatch, collate, collate_pictures, picture_patches
from .pictures import draw_missing_picture, draw_pictures, draw_pictures_beside_tools
from .small_talk import draw_small_talk
from .tags import draw_tags
from .tools import draw_tools

SEED = 20261123
LARGE_RADIUS = 40  # pixels, of the first phase's first shapes
SHRINKING_STEPS = 2000
LABELLED_PICTURES = 96
SMALL_PICTURE_STEPS = 2200

T = TypeVar("T")
_ENCODER: Encoder | None = None


@dataclass(frozen=True)
class Labelled:
    """Pictures alone, with the merged token on each shape's centre and the numbers of their colours and shapes."""

    pictures: PictureBatch
    centres: Array
    colours: Array
    shapes: Array


def _start_worker(model: Path) -> None:
    global _ENCODER
    _ENCODER = Encoder(model)


def _encode(rng: random.Random, turn: Turn, most_pictures: int) -> Encoded:
    assert _ENCODER is not None
    while True:
        encoded = _ENCODER.encode(turn.draw(rng, False))
        if turn.shortest <= len(encoded.ids) <= turn.longest and len(encoded.grids) <= most_pictures:
            return encoded


def _centre_token(drawing: Drawing, grid: tuple[int, int]) -> int:
    rows, columns = grid[0] // 2, grid[1] // 2
    (x, y), width, height = drawing.centre, drawing.width, drawing.height
    return min(int(y / height * rows), rows - 1) * columns + min(int(x / width * columns), columns - 1)


def labelled_batch(step: int, size: int) -> Labelled:
    """Pictures of step `step` of the first phase, `size` percent of the usual number: small ones of large shapes first,
    where shapes are learned fastest, then ever smaller shapes, at last pictures of all sizes."""
    rng, count = random.Random(f"{SEED} labelled {step}"), max(2, LABELLED_PICTURES * size // 100)
    smallest = max(SMALLEST_RADIUS, LARGE_RADIUS * (1 - step / SHRINKING_STEPS))
    largest_side = 128 if step < SMALL_PICTURE_STEPS else LARGEST_SIDE
    drawings = [draw_drawing(rng, False, smallest_radius=smallest, largest_side=largest_side) for _ in range(count)]
    least = {"min_pixels": largest_side**2} if step < SMALL_PICTURE_STEPS else {}  # not enlarged: few patches a shape
    patches = [picture_patches(paint(drawing), **least) for drawing in drawings]
    grids = [grid for _, grid in patches]
    return Labelled(
        collate_pictures(
            [pixels for pixels, _ in patches], grids, count, longest=-(-max(h * w for h, w in grids) // 32) * 32
        ),
        np.array([_centre_token(drawing, grid) for drawing, grid in zip(drawings, grids, strict=True)]),
        np.array([COLOURS.index(d.colour) for d in drawings]),
        np.array([SHAPES.index(d.shape) for d in drawings]),
    )


def _draw_words(rng: random.Random, held_out: bool) -> Conversation:
    draw = rng.choices((draw_tags, draw_small_talk, draw_missing_picture), (72, 25, 3))[0]
    return draw(rng, held_out)


@dataclass(frozen=True)
class Turn:
    """What one step of the second phase is about. Conversations outside `shortest` to `longest` tokens are drawn
    again; every row is padded to `longest`, so that each kind of step has one shape and is compiled once."""

    draw: Callable[[random.Random, bool], Conversation]
    rows: int
    shortest: int
    longest: int
    pictures: int = 0  # slots; rows cost about 18,000 tokens a step


_TURNS = (
    Turn(draw_tools, 40, 0, 448),
    Turn(_draw_words, 112, 0, 160),
    Turn(draw_pictures, 48, 0, 384, pictures=64),
    Turn(_draw_words, 72, 129, 256),
    Turn(draw_tools, 30, 385, 640),
    Turn(draw_pictures, 48, 0, 384, pictures=64),
    Turn(draw_pictures_beside_tools, 24, 0, 704, pictures=32),
    Turn(_draw_words, 112, 0, 160),
)


KINDS = len(_TURNS)


def conversation_batch(step: int, size: int) -> Batch:
    """Step `step` of the second phase, `size` percent of the usual rows."""
    assert _ENCODER is not None
    rng, turn = random.Random(f"{SEED} conversation {step}"), _TURNS[step % len(_TURNS)]
    rows, pictures = max(2, turn.rows * size // 100), turn.pictures and max(4, turn.pictures * size // 100)
    encoded: list[Encoded] = []
    for remaining in range(rows, 0, -1):
        free = pictures - sum(len(e.grids) for e in encoded)
        encoded.append(_encode(rng, turn, min(2, free - (remaining - 1)) if pictures else 0))
    return collate(encoded, turn.longest, _ENCODER.pad, _ENCODER.image, pictures=pictures)


def stream(make: Callable[[int, int], T], size: int, steps: range, model: Path, workers: int) -> Iterator[T]:
    """`make(step, size)` for each of `steps`, in order, a few ahead; the same whatever the number of workers."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=_start_worker, initargs=(model,)) as pool:
        ahead: deque[Future[T]] = deque()
        for step in steps:
            ahead.append(pool.submit(make, step, size))
            if len(ahead) >= 3 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
