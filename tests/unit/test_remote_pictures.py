"""Pictures as they leave for a provider's server."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sidecar.errors import InvalidImage
from tests.engine.pictures import data_url, encoded, image_part, noise, plain, text_part
from tests.provider import Provider, replies
from tests.provider.asking import answer, remote, request

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        provider.will(replies.chat("x"))
        yield provider


def sent(provider: Provider) -> list[tuple[bytes, Image.Image]]:
    """The pictures of the last request."""
    urls = [
        part["image_url"]["url"]
        for message in provider.bodies[-1]["messages"]
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    files = []
    for url in urls:
        head, data = url.split(",")
        assert head == "data:image/jpeg;base64"
        files.append(base64.b64decode(data))
    return [(file, Image.open(io.BytesIO(file))) for file in files]


def photo() -> bytes:
    """A photo taken lying on its side, that tells where."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[MAKER] = "TellTale"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (48.0, 51.0, 29.0)
    return encoded(noise((400, 300)), "JPEG", exif=exif, comment=b"my house")


async def test_an_attachment_leaves_upright_and_without_its_metadata(provider: Provider, tmp_path: Path) -> None:
    file = photo()
    assert b"TellTale" in file
    name = hashlib.sha256(file).hexdigest()
    (tmp_path / f"{name}.jpg").write_bytes(file)
    content = [image_part(f"attachment:{name}", detail="high"), text_part("Where?")]
    async with remote(provider.url, attachments=tmp_path) as asked:
        await answer(asked, request(content))
    ((left, image),) = sent(provider)
    assert image.format == "JPEG"
    assert image.size == (300, 400)
    assert not dict(image.getexif())
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not re.search(rb"TellTale|my house|Exif", left)
    (message,) = provider.bodies[0]["messages"]
    assert message["content"][0]["image_url"]["detail"] == "high"
    assert message["content"][1] == text_part("Where?")


@pytest.mark.parametrize(
    ("size", "longest", "shortest"), [((3000, 1500), 2048, 1024), ((6000, 60), 2048, 20), ((2000, 1500), 2000, 1500)]
)
async def test_the_longest_side_has_2048_pixels_at_most(
    provider: Provider, size: tuple[int, int], longest: int, shortest: int
) -> None:
    async with remote(provider.url) as asked:
        await answer(asked, request([image_part(data_url(encoded(plain("red", size))))]))
    ((_, image),) = sent(provider)
    assert max(image.size) == pytest.approx(longest, abs=1)
    assert max(image.size) <= 2048
    assert min(image.size) == pytest.approx(shortest, abs=2)


async def test_what_is_transparent_is_white(provider: Provider) -> None:
    clear = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    async with remote(provider.url) as asked:
        await answer(asked, request([image_part(data_url(encoded(clear)))]))
    ((_, image),) = sent(provider)
    assert image.getpixel((20, 20)) == (255, 255, 255)


async def test_pictures_keep_their_order_and_may_come_twice(provider: Provider) -> None:
    red, blue = (image_part(data_url(encoded(plain(colour, (40, 40))))) for colour in ("red", "blue"))
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": [red, blue]},
        {"role": "assistant", "content": [text_part("Well")]},
        {"role": "user", "content": [red]},
    ]
    async with remote(provider.url) as asked:
        await answer(asked, request(messages=messages))
    colours = [image.getpixel((20, 20)) for _, image in sent(provider)]
    assert [colour[0] > 200 for colour in colours if isinstance(colour, tuple)] == [True, False, True]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("attachment:" + "0" * 64, "missing"),
        (data_url(b"no picture"), "not_a_picture"),
        ("https://example.com/a.png", "unsupported_url"),
        ("file:///etc/passwd", "unsupported_url"),
    ],
)
async def test_what_cannot_be_opened_is_not_sent(provider: Provider, tmp_path: Path, url: str, reason: str) -> None:
    async with remote(provider.url, attachments=tmp_path) as asked:
        with pytest.raises(InvalidImage) as raised:
            await answer(asked, request([image_part(data_url(encoded(plain("red")))), image_part(url)]))
    assert (raised.value.details["reason"], raised.value.details["index"]) == (reason, 1)
    assert provider.log == []
