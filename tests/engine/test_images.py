"""A picture's URL leads to its bytes, and to no other file."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from sidecar.engine import RequestPriority, images
from sidecar.engine.images import (
    BACKGROUND_PIXELS,
    MAX_FILE_BYTES,
    MAX_PICTURES,
    MAX_PIXELS,
    open_pictures,
    read_picture,
)
from sidecar.errors import EngineFailed, InvalidImage
from sidecar.worker.picture import Bounds, Picture
from sidecar.worker.process import Worker
from tests.engine.conftest import Bench
from tests.engine.pictures import ANY_SIZE, WAIT_SECONDS, about, data_url, encoded, image_part, plain, text_part

QWEN = Bounds(multiple=32, min_pixels=256 * 256, max_pixels=4096 * 4096)  # the real model's


@pytest.fixture
def attachments(tmp_path: Path) -> Path:
    folder = tmp_path / "attachments"
    folder.mkdir()
    return folder


def attach(folder: Path, file: bytes, extension: str = ".png") -> str:
    sha256 = hashlib.sha256(file).hexdigest()
    (folder / f"{sha256}{extension}").write_bytes(file)
    return f"attachment:{sha256}"


def user(*parts: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def colour(picture: Picture) -> tuple[int, ...]:
    return tuple(picture.rgb[:3])


async def reason_of(url: str, attachments: Path, worker: Worker) -> str:
    with pytest.raises(InvalidImage) as refused:
        await open_pictures(user(image_part(url)), attachments, worker, ANY_SIZE)
    reason = refused.value.details["reason"]
    assert isinstance(reason, str)
    return reason


async def test_a_conversations_next_picture_is_in_line_while_one_is_opened(
    worker: Worker, attachments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [data_url(encoded(plain(name))) for name in ("red", "lime", "blue")]
    asked, ahead = [threading.Event() for _ in urls], []
    numbers, turns = itertools.count(), itertools.count()
    picture, exchange = Worker.picture, Worker._exchange

    def watched_picture(*arguments: Any, **members: Any) -> Future[Picture]:
        opening = picture(*arguments, **members)
        asked[next(numbers)].set()
        return opening

    def watched_exchange(*arguments: Any) -> Any:
        ahead.append(asked[min(next(turns) + 1, len(asked) - 1)].wait(10))
        return exchange(*arguments)

    monkeypatch.setattr(Worker, "picture", watched_picture)
    monkeypatch.setattr(Worker, "_exchange", staticmethod(watched_exchange))
    await open_pictures(user(*map(image_part, urls)), attachments, worker, ANY_SIZE, urgent=True)

    assert ahead == [True] * 3


async def test_pictures_of_a_conversation_come_in_its_order(attachments: Path, worker: Worker) -> None:
    red, lime, blue = (encoded(plain(name, (8, 8))) for name in ("red", "lime", "blue"))
    messages = [
        {"role": "system", "content": "no picture here"},
        *user(image_part(data_url(red)), text_part("and"), image_part(attach(attachments, lime))),
        {"role": "assistant", "content": "…"},
        *user(image_part(data_url(blue))),
    ]

    pictures = await open_pictures(messages, attachments, worker, ANY_SIZE)

    assert [colour(picture) for picture in pictures] == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


@pytest.mark.parametrize("extension", [".png", ".JPG", ""])
async def test_an_attachment_is_found_whatever_its_extension(attachments: Path, worker: Worker, extension: str) -> None:
    url = attach(attachments, encoded(plain("red", (8, 8))), extension)

    (picture,) = await open_pictures(user(image_part(url)), attachments, worker, ANY_SIZE)

    assert colour(picture) == (255, 0, 0)


async def test_low_detail_takes_fewer_pixels(attachments: Path, worker: Worker) -> None:
    url = data_url(encoded(plain("red", (2000, 2000))))
    parts = [image_part(url), image_part(url, detail="high"), image_part(url, detail="low")]

    auto, high, low = await open_pictures(user(*parts), attachments, worker, QWEN)

    assert auto == high
    assert high.width * high.height == MAX_PIXELS["high"]
    assert low.width * low.height == MAX_PIXELS["low"]


async def test_pictures_nobody_waits_for_are_bounded_whatever_their_detail(attachments: Path, worker: Worker) -> None:
    url = data_url(encoded(plain("red", (2000, 2000))))
    parts = [image_part(url, detail=detail) for detail in ("auto", "high", "low")]

    pictures = await open_pictures(user(*parts), attachments, worker, QWEN, most_pixels=BACKGROUND_PIXELS)
    smaller = await open_pictures(user(*parts), attachments, worker, QWEN, most_pixels=320 * 320)

    assert [(picture.width, picture.height) for picture in pictures] == [(448, 448)] * 3
    assert [(picture.width, picture.height) for picture in smaller] == [(320, 320)] * 3


async def test_a_picture_that_is_shown_again_is_opened_once(
    attachments: Path, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bytes] = []
    decode = worker.picture

    def counted(data: bytes, *arguments: Any, **options: Any) -> Any:
        opened.append(data)
        return decode(data, *arguments, **options)

    monkeypatch.setattr(worker, "picture", counted)
    red, lime = (data_url(encoded(plain(name, (8, 8)))) for name in ("red", "lime"))

    pictures = await open_pictures(user(*map(image_part, [red, lime, red])), attachments, worker, ANY_SIZE)

    assert [colour(picture) for picture in pictures] == [(255, 0, 0), (0, 255, 0), (255, 0, 0)]
    assert len(opened) == 2


async def test_more_pictures_than_any_context_holds_are_refused(attachments: Path, worker: Worker) -> None:
    part = image_part(data_url(encoded(plain("red", (8, 8)))))

    with pytest.raises(InvalidImage) as refused:
        await open_pictures(user(*[part] * (MAX_PICTURES + 1)), attachments, worker, ANY_SIZE)

    assert refused.value.details == {"reason": "too_many_pictures", "index": MAX_PICTURES}


async def test_a_closed_worker_is_the_engine_s_failure(attachments: Path) -> None:
    closed = Worker()
    closed.close()

    with pytest.raises(EngineFailed):
        await open_pictures(user(image_part("data:;base64,eA")), attachments, closed, ANY_SIZE)


async def test_what_is_in_line_to_be_read_when_all_is_closed_is_not_read(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, random_model)
    begun, go_on = threading.Event(), threading.Event()
    read: list[str] = []

    def held(url: str, _attachments: Path) -> bytes:
        read.append(url)
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        return b""

    monkeypatch.setattr(images, "read_picture", held)
    asked = [asyncio.ensure_future(bench.ask(about(f"{number} a", f"{number} b"))) for number in range(3)]
    assert await asyncio.to_thread(begun.wait, WAIT_SECONDS)

    bench.engine.close()
    go_on.set()

    for each in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(each, EngineFailed), each
        assert each.details["reason"] == "closed"
    assert read == ["0 a"]


async def test_a_request_given_up_while_its_picture_is_in_line_to_be_read_is_cancelled(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, random_model)
    begun, go_on = threading.Event(), threading.Event()
    read: list[str] = []
    good = data_url(encoded(plain("red")))

    def held(url: str, attachments: Path) -> bytes:
        read.append(url)
        begun.set()
        assert go_on.wait(WAIT_SECONDS)
        return read_picture(good, attachments)

    monkeypatch.setattr(images, "read_picture", held)
    first, given_up, waiting = (asyncio.ensure_future(bench.ask(about(url))) for url in "abc")
    assert await asyncio.to_thread(begun.wait, WAIT_SECONDS)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    go_on.set()

    await asyncio.gather(first, waiting)
    bench.engine.close()
    assert read == ["a", "c"]


async def test_of_a_priority_s_pictures_two_lie_in_memory_and_no_more(
    tmp_path: Path, random_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, random_model)
    opening, go_on = threading.Event(), threading.Event()
    exchange = Worker._exchange
    read: list[str] = []

    def noted(url: str, attachments: Path) -> bytes:
        read.append(url)
        return read_picture(url, attachments)

    def held(*arguments: Any) -> Any:
        opening.set()
        assert go_on.wait(WAIT_SECONDS)
        return exchange(*arguments)

    monkeypatch.setattr(images, "read_picture", noted)
    monkeypatch.setattr(Worker, "_exchange", staticmethod(held))
    urls = [data_url(encoded(plain("red", (64, number)))) for number in range(64, 70)]
    batch = [asyncio.ensure_future(bench.ask(about(url), max_tokens=1)) for url in urls[:5]]
    assert await asyncio.to_thread(opening.wait, WAIT_SECONDS)
    person = asyncio.ensure_future(bench.ask(about(urls[5]), max_tokens=1, priority=RequestPriority.HIGH))
    await asyncio.sleep(0)  # has it begin
    for beside in bench.engine._reading.values():
        await asyncio.get_running_loop().run_in_executor(beside, lambda: None)  # all that is in line there is read

    meanwhile = sorted(read)
    go_on.set()
    await asyncio.gather(*batch, person)
    bench.engine.close()

    assert meanwhile == sorted([*urls[:2], urls[5]])
    assert sorted(read) == sorted(urls)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "http://127.0.0.1/cat.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "cat.png",
        "",
        "data:image/png;base64",
    ],
)
async def test_other_urls_are_not_followed(attachments: Path, worker: Worker, url: str) -> None:
    assert await reason_of(url, attachments, worker) == "unsupported_url"


@pytest.mark.parametrize(
    "name",
    ["0" * 64, "../" + "0" * 64, "..", "*", "[0-9a-f]", "0" * 63, "A" * 64, "", "0" * 64 + "/../x"],
)
async def test_an_attachment_that_is_not_there_is_missing(attachments: Path, worker: Worker, name: str) -> None:
    attach(attachments, encoded(plain("red", (8, 8))))
    (attachments.parent / ("0" * 64)).write_bytes(encoded(plain("red", (8, 8))))

    assert await reason_of(f"attachment:{name}", attachments, worker) == "missing"


@pytest.mark.parametrize("extension", ["", ".png"])
async def test_a_link_out_of_the_folder_is_not_followed(attachments: Path, worker: Worker, extension: str) -> None:
    outside = attachments.parent / "outside.png"
    outside.write_bytes(encoded(plain("red", (8, 8))))
    (attachments / ("1" * 64 + extension)).symlink_to(outside)

    assert await reason_of("attachment:" + "1" * 64, attachments, worker) == "not_a_file"


async def test_a_device_behind_an_attachment_is_refused(attachments: Path, worker: Worker) -> None:
    (attachments / ("1" * 64)).symlink_to("/dev/zero")

    assert await reason_of("attachment:" + "1" * 64, attachments, worker) == "not_a_file"


async def test_a_pipe_that_nobody_writes_to_is_refused_at_once(attachments: Path, worker: Worker) -> None:
    os.mkfifo(attachments / ("1" * 64 + ".png"))

    assert await reason_of("attachment:" + "1" * 64, attachments, worker) == "not_a_file"


async def test_a_folder_behind_an_attachment_is_refused(attachments: Path, worker: Worker) -> None:
    (attachments / ("1" * 64 + ".png")).mkdir()

    assert await reason_of("attachment:" + "1" * 64, attachments, worker) == "not_a_file"


async def test_a_file_beyond_100_megabytes_is_refused(attachments: Path, worker: Worker) -> None:
    with (attachments / ("1" * 64 + ".png")).open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)

    assert await reason_of("attachment:" + "1" * 64, attachments, worker) == "too_large"


async def test_a_folder_that_is_not_there_holds_no_attachment(tmp_path: Path, worker: Worker) -> None:
    assert await reason_of("attachment:" + "2" * 64, tmp_path / "nowhere", worker) == "missing"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("data:image/png;base64,AAA", "not_a_picture"),
        ("data:image/png;base64,@@@@", "not_base64"),
        ("data:image/png;base64,A", "not_base64"),
        ("data:image/png;base64,é", "not_base64"),
        ("data:image/png;base64,", "not_a_picture"),
        ("data:image/png," + "%41" * 10, "unsupported_url"),
        ("data:" + ";a" * 5_000_000, "unsupported_url"),
        ("data:image/png;base64," + "A" * (MAX_FILE_BYTES // 3 * 4 + 8), "too_large"),
    ],
)
async def test_a_data_url_without_a_picture_is_refused(
    attachments: Path, worker: Worker, url: str, reason: str
) -> None:
    assert await reason_of(url, attachments, worker) == reason


async def test_the_error_names_the_picture_by_its_place(attachments: Path, worker: Worker) -> None:
    good = image_part(data_url(encoded(plain("red", (8, 8)))))

    with pytest.raises(InvalidImage) as refused:
        await open_pictures(user(good, good, image_part("data:;base64,eA")), attachments, worker, ANY_SIZE)

    assert refused.value.details == {"reason": "not_a_picture", "index": 2}


async def test_data_urls_are_read_with_any_media_type_and_parameters(attachments: Path, worker: Worker) -> None:
    payload = data_url(encoded(plain("red", (8, 8)))).partition(",")[2]
    urls = [f"{head},{payload}" for head in ("data:;base64", "DATA:image/x-strange;name=a.png;BASE64")]
    urls.append("data:image/png;base64,\r\n" + payload[:40] + "\n" + payload[40:].rstrip("="))

    pictures = await open_pictures(user(*map(image_part, urls)), attachments, worker, ANY_SIZE)

    assert len(pictures) == 3
