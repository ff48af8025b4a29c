"""Answers with something wrong about their bytes, waits that are asked for, and hosts that are none."""

import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

from sidecar.errors import DownloadError
from sidecar.models import Models
from sidecar.models.hub import HubClient
from sidecar.models.mirrors import Mirror
from sidecar.models.stop import Stop
from tests.hub import Hub, faults
from tests.hub.reply import Reply
from tests.unit.models.conftest import LIMITS, REPOSITORY, UNREACHABLE, WEIGHTS, Recorder, failure


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_connection_that_is_cut_every_so_many_bytes_is_outlasted(
    models: Models, recorder: Recorder, hub: Hub, reset: bool
) -> None:
    hub.fault(faults.cut(after=500_000, reset=reset), on="get")
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert len(hub.requests("get", "model.safetensors")) >= WEIGHTS // 500_000


@pytest.mark.parametrize("cuts", [0, 2], ids=["whole", "cut"])
async def test_an_answer_in_chunks_is_put_together(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, cuts: int
) -> None:
    hub.fault(faults.chunked(), on="any")
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=cuts)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert (models.get_model_path() / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()


async def test_a_mirror_that_dribbles_a_little_in_each_answer_is_given_up(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.cut(after=10_000), on="get", path="model.safetensors")
    assert (await failure(models, recorder)).kind == "mirror_unreachable"
    assert len(hub.requests("get", "model.safetensors")) == LIMITS.attempts


@pytest.mark.parametrize("length", ["said", "unsaid"])
@pytest.mark.parametrize("fault", [faults.refuse_range(), faults.ignore_range()], ids=["refused", "ignored"])
async def test_a_mirror_that_never_resumes_and_always_breaks_off_is_given_up_and_said_to_be_that(
    models: Models, recorder: Recorder, hub: Hub, fault: faults.Fault, length: str
) -> None:
    if length == "unsaid":
        hub.fault(faults.chunked(), on="get", path="model.safetensors")
    hub.fault(fault, on="get", path="model.safetensors")
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors")
    failed = await failure(models, recorder)
    assert failed.kind == "mirror_unreachable"
    assert failed.details is not None
    assert failed.details["resumes"] is False
    assert len(hub.requests("get", "model.safetensors")) <= 2 * LIMITS.attempts


async def test_only_of_a_file_that_was_begun_anew_last_it_is_said_that_the_mirror_does_not_resume(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.ignore_range(), on="get", path="model.safetensors", times=2)
    hub.fault(faults.cut(after=10_000), on="get", path="model.safetensors")
    failed = await failure(models, recorder)
    assert [request.status for request in hub.requests("get", "model.safetensors")] == [200, 200, 206]
    assert (failed.kind, failed.file) == ("mirror_unreachable", "model.safetensors")
    assert failed.details is not None
    assert "resumes" not in failed.details


async def test_of_a_mirror_that_is_gone_it_is_not_said_that_it_does_not_resume(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.ignore_range(), on="get", path="model.safetensors", times=2)
    hub.fault(faults.cut(after=10_000), on="get", path="model.safetensors", times=2)
    hub.fault(lambda reply: replace(reply, answer=reply.status != 206), on="get", path="model.safetensors")
    failed = await failure(models, recorder)
    assert [request.status for request in hub.requests("get", "model.safetensors")] == [200, 200, 0]
    assert failed.details is not None
    assert "resumes" not in failed.details


async def test_of_a_file_that_never_began_it_is_not_said_that_the_mirror_does_not_resume(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.ignore_range(), on="get", path="model.safetensors")
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=1)
    hub.fault(faults.slow(WEIGHTS / 3), on="get", path="model.safetensors")
    # Until the weights come from their start again.
    hub.fault(faults.no_answer(), on="get", path="config.json")
    failed = await failure(models, recorder)
    assert (failed.kind, failed.file) == ("mirror_unreachable", "config.json")
    assert len(hub.requests("get", "model.safetensors")) > 1
    assert failed.details is not None
    assert "resumes" not in failed.details


async def test_a_page_in_place_of_a_file_of_unsaid_length_does_not_become_its_beginning(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    page = Reply(200, {"Content-Type": "text/plain"}, b"please log in " * 4000, chunked=True)
    hub.fault(lambda _: page, on="get", path="model.safetensors", times=1)
    await models.download()
    assert (await recorder.end()).status == "completed"
    ranges = [request.headers.get("range") for request in hub.requests("get", "model.safetensors")]
    assert ranges == [None, None]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "mirror_invalid"),
        ("", "mirror_invalid"),
        ("bytes nonsense", "mirror_invalid"),
        ("bytes 700000-2999999/99", "file_damaged"),
    ],
    ids=["none", "empty", "nonsense", "another size"],
)
async def test_a_part_with_a_wrong_content_range_is_not_taken(
    models: Models, recorder: Recorder, hub: Hub, text: str | None, kind: str
) -> None:
    hub.fault(faults.content_range(text), on="get", path="model.safetensors")
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=1)
    assert (await failure(models, recorder)).kind == kind


async def test_a_part_that_claims_to_begin_further_on_is_never_put_where_it_does_not_belong(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(
        faults.content_range(f"bytes 800000-{WEIGHTS - 1}/{WEIGHTS}"), on="get", path="model.safetensors", times=1
    )
    hub.fault(faults.cut(after=700_000), on="get", path="model.safetensors", times=1)
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_part_that_was_not_asked_for_is_refused(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.fault(faults.partial(), on="get", path="model.safetensors")
    assert (await failure(models, recorder)).kind == "mirror_invalid"


async def test_a_file_that_is_shorter_than_announced_is_damaged(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.fault(faults.shorter(by=1), on="get", path="model.safetensors")
    failed = await failure(models, recorder)
    assert (failed.kind, failed.file) == ("file_damaged", "model.safetensors")


async def test_the_other_way_of_transfer_that_a_mirror_advertises_is_left_aside(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.xet(hub.url), on="any")
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert {request.endpoint for request in hub.log} == {"info", "tree", "get"}


async def test_a_date_to_retry_after_is_reported_in_seconds(hub: Hub) -> None:
    hub.fault(faults.status(503, retry_after=formatdate(time.time() + 3600, usegmt=True)), on="info")
    with HubClient(Mirror.parse(hub.url), LIMITS, Stop()) as client, pytest.raises(DownloadError) as caught:
        client.revision(REPOSITORY)
    seconds = caught.value.details["retry_after_seconds"]
    assert isinstance(seconds, int)
    assert 3500 < seconds <= 3601
    assert len(hub.log) == 1


@pytest.mark.parametrize("text", ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00", "0", "soon", "-1", ""])
async def test_a_wait_that_is_over_or_cannot_be_read_holds_up_nothing(
    models: Models, recorder: Recorder, hub: Hub, text: str
) -> None:
    hub.fault(faults.status(429, retry_after=text), on="get", times=1)
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_host_that_does_not_exist_is_unreachable(models: Models, recorder: Recorder) -> None:
    assert (await failure(models, recorder, "https://nowhere.invalid")).kind == UNREACHABLE


async def test_tokens_that_lie_about_are_not_sent(
    models: Models, recorder: Recorder, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("hf_secret")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login person password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "hf_secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    hub.redirect_lfs = True
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert not [request for request in hub.log if "authorization" in request.headers]
    assert not [request for request in hub.log if "secret" in str(request.headers)]
