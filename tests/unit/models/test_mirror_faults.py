"""Mirrors that fail, lie or are none: each ends in its own error, and nothing counts as done."""

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.errors import DownloadError, MirrorInvalid
from sidecar.models import BuiltinModel, Catalog, Models
from sidecar.models.hub import HubClient
from sidecar.models.mirrors import Mirror
from sidecar.models.stop import Stop
from tests.hub import Hub, faults
from tests.unit.models.conftest import LIMITS, REPOSITORY, WEIGHTS, Recorder, failure


def found(folder: Path, pattern: str) -> list[Path]:
    return list(folder.rglob(pattern))


@pytest.mark.parametrize("on", ["info", "tree", "get"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.status(404), "mirror_not_found"),
        (faults.status(401), "mirror_not_found"),
        (faults.status(403), "mirror_not_found"),
        (faults.status(416), "mirror_invalid"),
        (faults.status(429, retry_after=3600), "mirror_rate_limited"),
        (faults.status(500), "mirror_failed"),
        (faults.status(503), "mirror_failed"),
        (faults.status(400), "mirror_invalid"),
        (faults.html(), "mirror_invalid"),
        (faults.no_answer(), "mirror_unreachable"),
        (faults.stall(after=1), "mirror_unreachable"),
        (faults.cut(after=0), "mirror_unreachable"),
        (faults.cut(after=10, reset=True), "mirror_unreachable"),
        (faults.redirect("http://192.0.2.1/x"), "mirror_invalid"),
        (faults.redirect("file:///etc/passwd"), "mirror_invalid"),
        (faults.redirect("http://["), "mirror_invalid"),
        (faults.status(503, retry_after="Fri, 01 Jan 2027 00:00:00 +99999999999999999999"), "mirror_failed"),
    ],
    ids=[
        "404",
        "401",
        "403",
        "416",
        "429",
        "500",
        "503",
        "400",
        "html",
        "silent",
        "stalled",
        "cut",
        "reset",
        "to-http",
        "to-file",
        "to-nowhere",
        "never-again",
    ],
)
async def test_a_mirror_that_fails_is_reported_by_its_kind(
    models: Models, recorder: Recorder, hub: Hub, on: str, fault: faults.Fault, kind: str
) -> None:
    hub.fault(fault, on=on)
    assert (await failure(models, recorder)).kind == kind


async def test_a_mirror_that_has_recovered_serves_the_retry(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.fault(faults.status(500), on="get")
    await failure(models, recorder)
    hub.heal()
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert (models.status().state, models.status().kind) == ("ready", None)


SHORT = {
    "cut": faults.cut(after=1),
    "reset": faults.cut(after=1, reset=True),
    "stall": faults.stall(after=1),
    "silent": faults.no_answer(),
    "429": faults.status(429),
    "429-at-once": faults.status(429, retry_after=0),
    "500": faults.status(500),
    "502": faults.status(502),
}


@pytest.mark.parametrize("on", ["info", "tree", "get"])
@pytest.mark.parametrize("fault", SHORT.values(), ids=SHORT)
async def test_a_short_failure_is_outlasted(
    models: Models, recorder: Recorder, hub: Hub, on: str, fault: faults.Fault
) -> None:
    path = "model.safetensors" if on == "get" else "*"
    hub.fault(fault, on=on, path=path, times=2)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert len(hub.requests(on, "model.safetensors" if on == "get" else None)) == 3


async def test_a_long_retry_after_is_reported_instead_of_waited_for(hub: Hub) -> None:
    hub.fault(faults.status(429, retry_after=3600), on="info")
    with HubClient(Mirror.parse(hub.url), LIMITS, Stop()) as client, pytest.raises(DownloadError) as caught:
        client.revision(REPOSITORY)
    assert caught.value.kind == "mirror_rate_limited"
    assert caught.value.details == {"mirror": hub.url, "status": 429, "retry_after_seconds": 3600}
    assert len(hub.log) == 1


async def test_a_mirror_where_nobody_listens_is_unreachable(models: Models, recorder: Recorder, folder: Path) -> None:
    gone = Hub({REPOSITORY: folder})
    with gone:
        url = gone.url
    assert (await failure(models, recorder, url)).kind == "mirror_unreachable"


async def test_no_other_mirror_is_asked_when_one_fails(
    model: BuiltinModel, root: Path, hub: Hub, recorder: Recorder, folder: Path
) -> None:
    with Hub({REPOSITORY: folder}) as other:
        models = Models(
            root=root,
            catalog=Catalog((replace(model, mirrors=(hub.url, other.url)),)),
            notify=recorder,
            limits=LIMITS,
        )
        hub.fault(faults.status(404), on="info")
        await failure(models, recorder)
        assert other.log == []


async def test_a_repository_that_the_mirror_does_not_carry_is_not_found(
    model: BuiltinModel, root: Path, recorder: Recorder
) -> None:
    models = Models(
        root=root,
        catalog=Catalog((replace(model, repository="knowledge-focus/absent"),)),
        notify=recorder,
        limits=LIMITS,
    )
    assert (await failure(models, recorder)).kind == "mirror_not_found"


async def test_a_revision_that_is_gone_is_resolved_anew_by_the_retry(
    models: Models, recorder: Recorder, hub: Hub, folder: Path
) -> None:
    hub.fault(faults.cut(after=1_000_000), on="get", path="model.safetensors", times=1)
    hub.fault(faults.status(500), on="get", path="model.safetensors")
    await failure(models, recorder)
    hub.heal()
    (folder / "generation_config.json").write_text("{}")
    hub.repositories[REPOSITORY].snapshots.clear()
    newest = hub.repositories[REPOSITORY].publish(folder).revision
    here = models.status().downloaded_bytes
    assert (await failure(models, recorder)).kind == "mirror_not_found"
    assert models.status().downloaded_bytes == here > 0
    hub.fault(faults.status(404), on="info", times=1)
    assert (await failure(models, recorder)).kind == "mirror_not_found"
    assert models.status().downloaded_bytes == here
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert models.get_model_path().name == newest


async def test_a_damaged_model_that_the_mirror_lacks_a_file_of_is_still_known(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    await models.download()
    await recorder.end()
    (models.get_model_path() / "model.safetensors").resolve().unlink()
    before = models.status()
    hub.fault(faults.status(404), on="get", path="model.safetensors", times=1)
    assert (await failure(models, recorder)).kind == "mirror_not_found"
    assert models.status().downloaded_bytes == before.downloaded_bytes
    assert models.status().damaged_files == ("model.safetensors",)
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_damaged_file_is_fetched_once_more_and_then_named(
    models: Models, recorder: Recorder, hub: Hub, root: Path
) -> None:
    hub.fault(faults.corrupt(at=WEIGHTS // 2), on="get", path="model.safetensors")
    failed = await failure(models, recorder)
    assert (failed.kind, failed.file) == ("file_damaged", "model.safetensors")
    assert len(hub.requests("get", "model.safetensors")) == 2
    digest = hub.repositories[REPOSITORY].main.files["model.safetensors"].sha256
    assert not found(root, digest)


@pytest.mark.parametrize("path", ["model.safetensors", "config.json"], ids=["sha256", "git-sha1"])
async def test_damage_under_way_is_healed_by_the_second_fetch(
    models: Models, recorder: Recorder, hub: Hub, folder: Path, path: str
) -> None:
    hub.fault(faults.corrupt(), on="get", path=path, times=1)
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert (models.get_model_path() / path).read_bytes() == (folder / path).read_bytes()


async def test_while_a_damaged_file_is_fetched_again_the_figure_stays_and_the_time_left_is_told(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    hub.fault(faults.corrupt(), on="get", path="model.safetensors", times=1)
    hub.fault(faults.slow(WEIGHTS / 2), on="get", path="model.safetensors")
    await models.download()
    again = await recorder.wait_for(
        lambda event: bool(event.eta_seconds) and event.downloaded_bytes == event.total_bytes
    )
    assert len(hub.requests("get", "model.safetensors")) == 2
    assert again.verifying is None
    assert again.progress == 99
    downloaded = [event.downloaded_bytes for event in recorder.progress]
    assert downloaded == sorted(downloaded)


async def test_a_file_that_is_longer_than_announced_is_damaged(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.fault(faults.longer(by=1), on="get", path="config.json")
    failed = await failure(models, recorder)
    assert (failed.kind, failed.file) == ("file_damaged", "config.json")


@pytest.mark.parametrize(
    ("on", "text"),
    [
        ("info", "{"),
        ("info", "[]"),
        ("info", '{"sha": "main"}'),
        ("info", '{"sha": "../../../../etc"}'),
        ("tree", "{}"),
        ("tree", "[]"),
        ("tree", "[1]"),
        ("tree", '[{"type": "file"}]'),
        ("tree", '[{"type": "file", "path": "config.json", "oid": "../x", "size": 1}]'),
        ("tree", '[{"type": "file", "path": "config.json", "oid": "%s", "size": -1}]' % ("0" * 40)),
        ("tree", "[" * 100_000),
    ],
)
async def test_an_answer_that_is_no_hubs_is_refused(
    models: Models, recorder: Recorder, hub: Hub, on: str, text: str
) -> None:
    hub.fault(faults.json(text), on=on)
    assert (await failure(models, recorder)).kind == "mirror_invalid"


async def test_redirects_in_a_circle_are_refused(models: Models, recorder: Recorder, hub: Hub) -> None:
    hub.fault(faults.redirect("/round"), on="any")
    assert (await failure(models, recorder)).kind == "mirror_invalid"


@pytest.mark.parametrize(
    "address",
    ["", "huggingface.co", "ftp://huggingface.co", "http://huggingface.co", "http://127.0.0.1.evil.example",
     "https://", "https://a b", "https://host:99999", "https://user:secret@huggingface.co", "https://h/?token=1",
     "file:///etc/passwd", "javascript:alert(1)", "https://h\\@evil", "http://10.0.0.1"],
)  # fmt: skip
async def test_what_is_not_the_address_of_a_mirror_is_refused_at_once(
    models: Models, recorder: Recorder, address: str
) -> None:
    with pytest.raises(MirrorInvalid) as caught:
        await models.download(mirror=address)
    assert "secret" not in str(caught.value.details) + caught.value.message
    assert models.status().state == "absent"
    assert not recorder.events


@pytest.mark.parametrize(
    "address",
    ["https://huggingface.co", "https://hf-mirror.com/", " https://mirror.example:8443/hub ", "http://127.0.0.1:60399",
     "http://localhost:1", "http://[::1]:1"],
)  # fmt: skip
def test_https_and_loopback_addresses_are_mirrors(address: str) -> None:
    assert Mirror.parse(address).url == address.strip().rstrip("/")


def test_https_is_never_redirected_to_http() -> None:
    mirror = Mirror.parse("https://huggingface.co")
    assert mirror.may_redirect_to("https://cdn-lfs.huggingface.co/x?Signature=y")
    assert not mirror.may_redirect_to("http://cdn-lfs.huggingface.co/x")
    assert not mirror.may_redirect_to("http://127.0.0.1/x")
    assert not mirror.may_redirect_to("https://user@cdn-lfs.huggingface.co/x")
    local = Mirror.parse("http://127.0.0.1:1")
    assert local.may_redirect_to("http://127.0.0.1:2/x")
    assert not local.may_redirect_to("http://192.0.2.1/x")


async def test_a_folder_that_cannot_be_written_ends_the_download(
    model: BuiltinModel, tmp_path: Path, recorder: Recorder
) -> None:
    (tmp_path / "builtin_models").write_text("a file where the folder should be")
    models = Models(root=tmp_path / "builtin_models", catalog=Catalog((model,)), notify=recorder, limits=LIMITS)
    assert (await failure(models, recorder)).kind == "internal_error"
