"""What benchmarks ask: prompts of a known number of tokens, never the same twice, so that no cache answers them."""

from __future__ import annotations

import base64
import io
import random

import numpy as np
from PIL import Image

from tests.bench.vocabulary import text_of
from tests.pipe import Json


def text_prompt(tokens: int, rng: random.Random) -> list[Json]:
    """A question of so many tokens; the chat template adds about 15."""
    return [{"role": "user", "content": text_of(tokens, rng)}]


def picture_prompt(side: int, tokens: int, rng: random.Random) -> list[Json]:
    """A question of so many tokens about a square picture with `side` pixels."""
    url = picture_url(side, side, rng)
    picture = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": [picture, {"type": "text", "text": text_of(tokens, rng)}]}]


def picture_url(width: int, height: int, rng: random.Random) -> str:
    """A PNG of noise, which does not compress: 3 bytes a pixel."""
    pixels = np.random.default_rng(rng.getrandbits(64)).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
