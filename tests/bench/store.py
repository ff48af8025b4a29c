"""The database: how long the window waits for it, empty and with years of chats in it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench import chats
from tests.bench.client import Client
from tests.bench.figure import Figure, median, p99
from tests.bench.goal import Goal
from tests.bench.setting import Setting
from tests.pipe import Json

READS = 500
APPENDS = 200
REPEATS = 21
SPAWNS = 11
PAGE = 50  # chats, as the window asks for them


def run(setting: Setting) -> Iterator[Figure]:
    """`settings_read_p99`: `settings/get`. `append_p99`: `sessions/send` to its answer, by which question and answer
    are on disk. `list_first`, `list_last`: a page of 50 of 10,000 chats. `search_…`: the first page of what is found in
    100,000 messages: a word of 1 % of them and one of nearly all, in English, and two characters of 1 % and one of most
    in Chinese. `spawn_to_initialized` with that database, all of whose pages are read, and against a start without."""
    small, large = setting.scratch / "small", setting.scratch / "large"
    with _sidecar(setting, small) as client:
        reads = _timed(setting.rounds(READS), lambda: client.request("settings/get"))
        yield Figure("settings_read_p99", p99(reads), "ms", goals=(Goal("<", 5),))
        yield Figure("append_p99", p99(_appends(client, setting.rounds(APPENDS))), "ms", goals=(Goal("<", 50),))
    count = 20 if setting.quick else chats.SESSIONS
    setting.tell(f"{count} chats are written")
    chats.write(large, count)
    yield Figure("database", (large / "knowledge-focus.db").stat().st_size / 1e6, "MB")
    with _sidecar(setting, large) as client:
        yield from _lists(client, setting.rounds(REPEATS))
        yield from _searches(client, setting.rounds(REPEATS))
    starts = [(_start(setting, large), _start(setting, small)) for _ in range(setting.rounds(SPAWNS))]
    with_it, without = median([large for large, _ in starts]), median([small for _, small in starts])
    yield Figure("spawn_to_initialized", with_it, "s", goals=(Goal("<", 1),))
    yield Figure("spawn_to_initialized_empty", without, "s", goals=(Goal("<", 0.5),))


def _sidecar(setting: Setting, data_dir: Path) -> Client:
    client = Client.sidecar(data_dir, setting.repository.catalog)
    client.initialize()
    return client


def _timed(count: int, ask: Callable[[], Json]) -> list[float]:
    """Milliseconds that each took, after one that does not count."""
    ask()
    times = []
    for _ in range(count):
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    return times


def _appends(client: Client, count: int) -> list[float]:
    """Each in a chat of its own, without a model on disk: what is asked ends at once, and nothing else is measured."""
    rng = random.Random(3)
    begun = iter([client.request("sessions/create")["session"]["id"] for _ in range(count + 1)])

    def send() -> Json:
        parts = [{"type": "text", "text": chats.english(rng)}]
        return client.request("sessions/send", {"sessionId": next(begun), "parts": parts})

    return _timed(count, send)


def _lists(client: Client, repeats: int) -> Iterator[Figure]:
    first = _timed(repeats, lambda: client.request("sessions/list", {"limit": PAGE}))
    yield Figure("list_first", median(first), "ms", goals=(Goal("<", 20),))
    cursor = last = None
    while True:
        page = client.request("sessions/list", {"limit": PAGE, "cursor": cursor})
        if page["cursor"] is None:
            break
        last = cursor = page["cursor"]
    pages = _timed(repeats, lambda: client.request("sessions/list", {"limit": PAGE, "cursor": last}))
    yield Figure("list_last", median(pages), "ms", goals=(Goal("<", 20),))


def _searches(client: Client, repeats: int) -> Iterator[Figure]:
    for name, words, most in (
        ("search_english", chats.RARE_ENGLISH, 100),
        ("search_english_common", chats.COMMON_ENGLISH, 500),
        ("search_chinese", chats.RARE_CHINESE, 100),
        ("search_chinese_common", chats.COMMON_CHINESE, 500),
    ):
        found = client.request("sessions/list", {"limit": PAGE, "search": words})["sessions"]
        assert found, words
        times = _timed(repeats, lambda: client.request("sessions/list", {"limit": PAGE, "search": words}))  # noqa: B023
        yield Figure(name, median(times), "ms", goals=(Goal("<", most),))


def _start(setting: Setting, data_dir: Path) -> float:
    started = time.perf_counter()
    with Client.sidecar(data_dir, setting.repository.catalog) as client:
        client.initialize()
        return time.perf_counter() - started
