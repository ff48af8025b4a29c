"""A network that is gone for a while, and mirrors that ask for one, once a download has begun."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.errors import DownloadError, MirrorFailed, MirrorRateLimited, MirrorUnreachable, NoNetwork
from sidecar.models import BuiltinModel, Catalog, Models, NetworkLimits
from sidecar.models.stop import Stop
from tests.hub import Hub, faults
from tests.hub.reply import Reply
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder, failure


class Passing(Stop):
    """Time passes without anybody waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def outlasted(error: DownloadError, *, arrived: bool) -> list[float]:
    """The waits between tries that all fail at once, with the limits that people have, until it is given up."""
    stop, failures = Passing(), 0
    while True:
        failures += 1
        try:
            NetworkLimits().wait_to_retry(error, failures, stop, sum(stop.waits) if arrived else None)
        except DownloadError:
            return stop.waits


PASSES = [MirrorUnreachable, NoNetwork, MirrorFailed, MirrorRateLimited]


@pytest.mark.parametrize("kind", PASSES)
def test_an_outage_of_a_minute_is_outlasted_once_bytes_arrived(kind: type[DownloadError]) -> None:
    waits = outlasted(kind("gone"), arrived=True)
    assert 60 <= sum(waits) <= 180
    assert waits[:4] == [0.5, 1, 2, 4]
    assert set(waits[4:]) == {8}


@pytest.mark.parametrize("kind", PASSES)
def test_what_never_worked_is_given_up_within_seconds(kind: type[DownloadError]) -> None:
    assert sum(outlasted(kind("gone"), arrived=False)) <= 5


def test_a_minute_that_a_mirror_asks_for_is_waited_once_bytes_arrived() -> None:
    assert 60 in outlasted(MirrorRateLimited("busy", retry_after_seconds=60), arrived=True)
    assert not outlasted(MirrorRateLimited("busy", retry_after_seconds=61), arrived=True)
    assert not outlasted(MirrorRateLimited("busy", retry_after_seconds=60), arrived=False)


@pytest.fixture
def patient(root: Path, model: BuiltinModel, recorder: Recorder) -> Callable[[float], Models]:
    """Models whose downloads outlast so many seconds without a byte."""

    def make(outage_seconds: float) -> Models:
        limits = replace(LIMITS, outage_seconds=outage_seconds)
        return Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=limits)

    return make


def failing_ranges(code: int) -> faults.Fault:
    """The mirror's servers fail once a download is under way: who asks for a file from its start gets it."""
    return lambda reply: Reply(code) if reply.status == 206 else reply


async def part_of_weights_sent(hub: Hub) -> None:
    def some() -> bool:
        return sum(request.sent for request in hub.log if request.file == "model.safetensors") >= WEIGHTS // 5

    await asyncio.to_thread(hub.wait_until, some, PATIENCE)


async def test_a_hub_that_is_gone_for_several_tries_is_taken_up_when_it_is_back(
    patient: Callable[[float], Models], recorder: Recorder, folder: Path
) -> None:
    models, tries, enough = patient(PATIENCE), 0, asyncio.Event()

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.close()
        if tries == 4 * LIMITS.attempts:
            enough.set()

    with Hub({REPOSITORY: folder}, rate=WEIGHTS / 2) as hub:
        await models.download(mirror=hub.url)
        await part_of_weights_sent(hub)
    port = int(hub.url.rpartition(":")[2])
    gone = await asyncio.start_server(hang_up, "127.0.0.1", port)
    async with gone, asyncio.timeout(PATIENCE):
        await enough.wait()
    assert models.status().state == "downloading"
    with Hub({REPOSITORY: folder}, port=port) as back:
        assert (await recorder.end()).status == "completed"
        (weights,) = back.requests("get", "model.safetensors")
        assert "range" in weights.headers
    await models.close()


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_mirror_whose_servers_fail_for_several_tries_under_way_is_taken_up_where_it_broke(
    patient: Callable[[float], Models], recorder: Recorder, hub: Hub, code: int
) -> None:
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=1)
    hub.fault(failing_ranges(code), on="get", path="model.safetensors", times=1 + 4 * LIMITS.attempts)
    await patient(PATIENCE).download()
    assert (await recorder.end()).status == "completed"
    first, *failed, last = hub.requests("get", "model.safetensors")
    assert [request.status for request in failed] == [code] * 4 * LIMITS.attempts
    assert last.headers["range"] == failed[0].headers["range"]
    assert first.sent + last.sent == WEIGHTS


@pytest.mark.parametrize("code", [429, 503])
async def test_a_mirror_whose_servers_fail_for_good_under_way_fails_the_download_in_the_end(
    patient: Callable[[float], Models], recorder: Recorder, hub: Hub, code: int
) -> None:
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=1)
    hub.fault(failing_ranges(code), on="get", path="model.safetensors")
    since = time.monotonic()
    kind = "mirror_rate_limited" if code == 429 else "mirror_failed"
    assert (await failure(patient(0.3), recorder)).kind == kind
    assert time.monotonic() - since >= 0.3


async def test_a_hub_that_stays_away_fails_the_download_in_the_end(
    patient: Callable[[float], Models], recorder: Recorder, hub: Hub
) -> None:
    models = patient(0.3)
    hub.rate = WEIGHTS / 2
    await models.download()
    await part_of_weights_sent(hub)
    since = time.monotonic()
    hub.close()
    assert (await recorder.end()).kind == "mirror_unreachable"
    assert time.monotonic() - since >= 0.3


async def test_a_hub_that_never_answered_is_not_waited_for(
    patient: Callable[[float], Models], recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.cut(after=0))
    assert (await failure(patient(600), recorder)).kind == "mirror_unreachable"
    assert len(hub.log) == LIMITS.attempts


@pytest.mark.parametrize("asked", [None, 50], ids=["ours", "asked for"])
async def test_a_long_wait_before_another_try_can_be_cancelled_at_once(
    root: Path, model: BuiltinModel, recorder: Recorder, hub: Hub, asked: int | None
) -> None:
    limits = replace(LIMITS, outage_seconds=600, first_wait=60, longest_wait=60)
    models = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=limits)
    hub.fault(faults.status(503, retry_after=asked), on="get", path="model.safetensors")
    await models.download()
    await asyncio.to_thread(hub.wait_until, lambda: any(r.status == 503 and r.done for r in hub.log), PATIENCE)
    assert models.status().state == "downloading"
    since = time.monotonic()
    await models.cancel_download()
    assert time.monotonic() - since < 20, "it waited, and either wait is 50 s at least"
    assert (await recorder.end()).kind == "cancelled"
