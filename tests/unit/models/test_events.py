"""When events of progress are told: one a second, whatever begins and ends meanwhile, and none that is not true."""

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from sidecar.models import Models
from sidecar.models.progress import EVENT_SECONDS
from tests.hub import Hub, faults
from tests.unit.models.conftest import PATIENCE, WEIGHTS, Recorder


async def test_progress_is_told_at_most_once_a_second_and_never_goes_back(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.rate = WEIGHTS / 2.5
    await models.download()
    end = await recorder.wait_for(lambda event: event.status == "completed")
    assert end.name == "builtin-model-download-completed"
    await recorder.wait_for(lambda event: event.status == "completed" and event.name != end.name)

    *events, last = recorder.progress
    times = [time for time, event in zip(recorder.times, recorder.events, strict=True) if event is not end]
    assert [event.status for event in events] == ["downloading"] * len(events)
    assert last.payload() == end.payload()
    assert len(events) >= 3
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))
    assert [event.progress for event in events] == sorted(event.progress for event in events)
    assert [event.downloaded_bytes for event in events] == sorted(event.downloaded_bytes for event in events)
    assert all(event.progress <= 99 for event in events)

    middle = events[2].payload()
    assert set(middle) == {
        "model_id", "progress", "status", "message", "downloaded_bytes", "total_bytes", "speed_mbps", "eta_seconds",
        "file",
    }  # fmt: skip
    assert middle["model_id"] == "tiny"
    assert middle["file"] == "model.safetensors"
    assert middle["message"].startswith("Downloading... ")
    assert middle["message"].endswith(" / 3.0MB")
    assert 0.6 < middle["speed_mbps"] < 1.8

    assert end.progress == 100
    assert end.downloaded_bytes == end.total_bytes


async def test_the_last_event_of_progress_tells_a_failure_too_unless_something_new_began(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.status(404), on="info", times=1)
    await models.download()
    await recorder.wait_for(lambda event: event.kind == "mirror_not_found")
    hub.fault(faults.html(), on="info")
    await models.download()
    await recorder.wait_for(lambda event: event.name.endswith("-progress") and event.status == "failed")
    assert [(event.name.rpartition("-")[2], event.kind) for event in recorder.events] == [
        ("progress", None), ("failed", "mirror_not_found"), ("failed", "mirror_invalid"),
        ("progress", "mirror_invalid"),
    ]  # fmt: skip


async def test_events_of_progress_keep_their_distance_over_cancels_and_retries(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    def asked_for(number: int) -> bool:
        return len(hub.log) >= number

    hub.fault(faults.no_answer(), on="info", times=3)
    hub.rate = WEIGHTS / 10
    for asked in range(3):
        await models.download()
        await asyncio.to_thread(hub.wait_until, partial(asked_for, asked + 1), PATIENCE)
        await models.cancel_download()
    await models.download()
    await recorder.wait_for(lambda _: len(recorder.progress) == 3)
    times = [time for time, event in zip(recorder.times, recorder.events, strict=True) if event in recorder.progress]
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))
    await models.cancel_download()


async def test_events_of_progress_keep_their_distance_over_a_deletion(models: Models, recorder: Recorder) -> None:
    await models.download()
    await recorder.wait_for(lambda event: event.status == "completed" and event.name.endswith("-progress"))
    await models.delete()
    await models.download()
    await recorder.wait_for(lambda _: len(recorder.progress) == 3)
    times = [time for time, event in zip(recorder.times, recorder.events, strict=True) if event in recorder.progress]
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))


async def test_of_a_model_that_was_deleted_nothing_more_is_told(models: Models, recorder: Recorder) -> None:
    await models.download()
    assert (await recorder.end()).status == "completed"
    await models.delete()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(EVENT_SECONDS + 0.2):
            await recorder.wait_for(lambda _: True)
