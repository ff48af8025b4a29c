"""Pictures of one shape on a plain background, with the shape's name and colour known."""

from __future__ import annotations

import colorsys
import io
import math
import random
from dataclasses import astuple, dataclass

from PIL import Image, ImageDraw

from .split import is_held_out

RGB = tuple[int, int, int]

# Each colour's usual values on screens, and its range of hue (degrees), saturation and value.
_USUAL: dict[str, tuple[str, ...]] = {
    "red": ("ff0000", "dc143c", "ef4444", "e53935", "cc0000", "b91c1c", "d62728"),
    "green": ("008000", "00ff00", "22c55e", "16a34a", "00aa00", "228b22", "2ca02c"),
    "blue": ("0000ff", "3b82f6", "1e90ff", "2563eb", "0000cc", "4169e1", "1f77b4"),
    "yellow": ("ffff00", "ffd700", "facc15", "ffeb3b", "eab308", "ffdd00"),
    "purple": ("800080", "a020f0", "a855f7", "9c27b0", "7e22ce", "8a2be2", "9467bd"),
    "black": ("000000", "111111", "1a1a1a", "111827", "202020"),
}
_RANGES: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((-10, 8), (0.7, 1), (0.6, 1)),
    "green": ((90, 152), (0.5, 1), (0.35, 1)),
    "blue": ((204, 246), (0.6, 1), (0.45, 1)),
    "yellow": ((46, 61), (0.65, 1), (0.85, 1)),
    "purple": ((266, 304), (0.45, 1), (0.4, 0.95)),
    "black": ((0, 360), (0, 0.6), (0, 0.13)),
}
COLOURS = tuple(_USUAL)
SHAPES = ("circle", "square", "triangle", "star")
_USUAL_SIZES = (
    (640, 480),
    (480, 640),
    (512, 512),
    (256, 256),
    (1024, 768),
    (800, 600),
    (1024, 1024),
    (300, 200),
    (224, 224),
    (320, 240),
)

CLEAR_CONTRAST = 120  # Euclidean distance in 8-bit RGB between shape and background
SMALLEST_RADIUS = 10  # pixels, in a picture of `REFERENCE_SIDE` squared or less; in proportion in a larger one
REFERENCE_SIDE = 256
LARGEST_SIDE = 1024


@dataclass(frozen=True)
class Drawing:
    """Everything that decides a picture; lengths in pixels, angles in radians, `corners` empty for a circle."""

    colour: str
    shape: str
    rgb: RGB
    background: RGB
    width: int
    height: int
    centre: tuple[float, float]
    radius: float
    corners: tuple[tuple[float, float], ...]
    smooth: bool
    outline: RGB | None
    jpeg_quality: int | None

    @property
    def name(self) -> str:
        """Such as "red circle"."""
        return f"{self.colour} {self.shape}"


def _rgb(hue: float, saturation: float, value: float) -> RGB:
    red, green, blue = colorsys.hsv_to_rgb(hue / 360 % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _shade(rng: random.Random, colour: str) -> RGB:
    if rng.random() < 0.4:
        code = rng.choice(_USUAL[colour])
        return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)
    return _rgb(*(rng.uniform(*limits) for limits in _RANGES[colour]))


def _background(rng: random.Random, shape: RGB) -> RGB:
    while True:
        kind = rng.choices(("white", "light", "grey", "mid"), (30, 35, 15, 20))[0]
        if kind == "white":
            found = (255, 255, 255)
        elif kind == "light":
            found = _rgb(rng.uniform(0, 360), rng.uniform(0, 0.25), rng.uniform(0.85, 1))
        elif kind == "grey":
            found = _rgb(0, 0, rng.uniform(0.45, 0.95))
        else:
            found = _rgb(rng.uniform(0, 360), rng.uniform(0.05, 0.45), rng.uniform(0.5, 0.9))
        if math.dist(found, shape) >= CLEAR_CONTRAST:
            return found


def _ring(count: int, turn: float, radii: tuple[float, ...] = (1.0,)) -> tuple[tuple[float, float], ...]:
    """Corners on circles about the origin, the first one upwards but for `turn`; radii alternate."""
    angles = [turn - math.pi / 2 + 2 * math.pi * i / count for i in range(count)]
    return tuple(
        (radii[i % len(radii)] * math.cos(a), radii[i % len(radii)] * math.sin(a)) for i, a in enumerate(angles)
    )


def _corners(rng: random.Random, shape: str) -> tuple[tuple[float, float], ...]:
    """Corners within the unit circle."""
    if shape == "circle":
        return ()
    upright = rng.random() < 0.6
    turn = 0.0 if upright else rng.uniform(0, 2 * math.pi)
    if shape == "square":
        return _ring(4, turn + math.pi / 4)
    if shape == "star":
        points = rng.choices((5, 6), (92, 8))[0]
        return _ring(2 * points, turn, (1.0, rng.uniform(0.36, 0.5) if points == 5 else rng.uniform(0.5, 0.58)))
    if rng.random() < 0.5:
        return _ring(3, turn)
    apex, half, base = rng.uniform(-0.7, 0.7), rng.uniform(0.6, 0.8), 0.6
    raw = ((apex * half, -rng.uniform(0.5, 0.8)), (half, base), (-half, base))
    if rng.random() < 0.3:
        raw = ((-half, -base), (half, base), (-half, base))
    return tuple((x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)) for x, y in raw)


def _size(rng: random.Random, largest_side: int) -> tuple[int, int]:
    def side() -> int:
        return round(math.exp(rng.uniform(math.log(64), math.log(largest_side))))

    kind = rng.random()
    if kind < 0.2 and largest_side == LARGEST_SIDE:
        return rng.choice(_USUAL_SIZES)
    if kind < 0.5:
        return (both := side(), both)
    return side(), side()


def draw_drawing(
    rng: random.Random, held_out: bool, *, smallest_radius: float = SMALLEST_RADIUS, largest_side: int = LARGEST_SIDE
) -> Drawing:
    """A drawing on the wanted side of the split; both limits are in pixels, `smallest_radius` as `SMALLEST_RADIUS`
    explains."""
    while True:
        colour, shape = rng.choice(COLOURS), rng.choice(SHAPES)
        rgb = _shade(rng, colour)
        width, height = _size(rng, largest_side)
        largest = min(width, height) * 0.49
        smallest = min(smallest_radius * max(1.0, math.sqrt(width * height) / REFERENCE_SIDE), largest)
        radius = smallest * (largest / smallest) ** rng.random()
        middle = rng.random() < 0.3
        drawing = Drawing(
            colour=colour,
            shape=shape,
            rgb=rgb,
            background=_background(rng, rgb),
            width=width,
            height=height,
            centre=(width / 2, height / 2)
            if middle
            else (rng.uniform(radius, width - radius), rng.uniform(radius, height - radius)),
            radius=radius,
            corners=_corners(rng, shape),
            smooth=rng.random() < 0.6,
            outline=_rgb(0, 0, rng.uniform(0, 0.3)) if rng.random() < 0.08 else None,
            jpeg_quality=rng.randint(60, 95) if rng.random() < 0.2 else None,
        )
        if is_held_out(f"drawing {astuple(drawing)}") == held_out:
            return drawing


def paint(drawing: Drawing) -> Image.Image:
    """The picture as an RGB image of the drawing's width and height."""
    picture = Image.new("RGB", (drawing.width, drawing.height), drawing.background)
    fine = 3 if drawing.smooth else 1
    (x, y), radius = drawing.centre, drawing.radius
    left, top = math.floor(x - radius) - 1, math.floor(y - radius) - 1
    side = math.ceil(2 * radius) + 3
    mask = Image.new("L", (side * fine, side * fine))
    _fill(ImageDraw.Draw(mask), drawing, ((x - left) * fine, (y - top) * fine), radius * fine)
    picture.paste(drawing.rgb, (left, top), mask.resize((side, side), Image.Resampling.BOX) if fine > 1 else mask)
    if drawing.outline and drawing.colour != "black":
        _outline(ImageDraw.Draw(picture), drawing)
    if drawing.jpeg_quality:
        stored = io.BytesIO()
        picture.save(stored, "JPEG", quality=drawing.jpeg_quality)
        picture = Image.open(stored).convert("RGB")
    return picture


def _fill(canvas: ImageDraw.ImageDraw, drawing: Drawing, centre: tuple[float, float], radius: float) -> None:
    if drawing.corners:
        canvas.polygon([(centre[0] + radius * x, centre[1] + radius * y) for x, y in drawing.corners], fill=255)
    else:
        canvas.ellipse((centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius), fill=255)


def _outline(canvas: ImageDraw.ImageDraw, drawing: Drawing) -> None:
    (x, y), radius = drawing.centre, drawing.radius
    thick = max(1, round(radius * 0.04))
    if drawing.corners:
        points = [(x + radius * a, y + radius * b) for a, b in drawing.corners]
        canvas.line([*points, points[0], points[1]], fill=drawing.outline, width=thick, joint="curve")
    else:
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), outline=drawing.outline, width=thick)
