"""A mirror's list of files that is wrong: it is refused where that can be seen, and else what it said binds no other
mirror, nor itself once it is right again."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sidecar.models import BuiltinModel, Catalog, Models
from tests.hub import Hub, faults
from tests.hub.reply import Reply, json_reply
from tests.unit.models.conftest import LIMITS, PATIENCE, REPOSITORY, WEIGHTS, Recorder, failure

Entry = dict[str, Any]


def another_digest(entry: Entry) -> None:
    if entry["path"] == "tokenizer.json":
        entry["oid"] = "1" * 40


def another_size(entry: Entry) -> None:
    if entry["path"] == "config.json":
        entry["size"] = 7


def larger_than_any_disk(entry: Entry) -> None:
    if entry.get("lfs"):
        entry["lfs"]["size"] = 10**15


def other_weights(entry: Entry) -> None:
    if entry.get("lfs"):
        entry["lfs"]["oid"] = "1" * 64


def with_each(change: Callable[[Entry], None]) -> faults.Fault:
    """A list at the right revision, in which this is wrong."""

    def wrong(reply: Reply) -> Reply:
        entries = json.loads(b"".join(reply.pieces()))
        for entry in entries:
            change(entry)
        return json_reply(entries)

    return wrong


WRONG = [(another_digest, "file_damaged"), (another_size, "file_damaged"), (larger_than_any_disk, "disk_full")]


@pytest.fixture
def wrong(folder: Path) -> Iterator[Hub]:
    """Another mirror of the same repository."""
    with Hub({REPOSITORY: folder}) as other:
        yield other


@pytest.mark.parametrize(("change", "kind"), WRONG)
async def test_another_mirror_is_asked_for_its_own_list_also_after_a_restart(
    models: Models,
    recorder: Recorder,
    hub: Hub,
    wrong: Hub,
    root: Path,
    model: BuiltinModel,
    change: Callable[[Entry], None],
    kind: str,
) -> None:
    wrong.fault(with_each(change), on="tree")
    assert (await failure(models, recorder, wrong.url)).kind == kind
    again = Models(root=root, catalog=Catalog((model,)), notify=recorder, limits=LIMITS)
    await again.download()
    assert (await recorder.end()).status == "completed"
    assert len(hub.requests("tree")) == 1
    assert not hub.requests("info")  # The revision that the person agreed to.


@pytest.mark.parametrize(("change", "kind"), WRONG)
async def test_a_mirror_whose_list_was_wrong_is_asked_for_it_again(
    models: Models, recorder: Recorder, hub: Hub, change: Callable[[Entry], None], kind: str
) -> None:
    hub.fault(with_each(change), on="tree", times=1)
    assert (await failure(models, recorder)).kind == kind
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_list_with_one_content_of_two_sizes_is_refused(models: Models, recorder: Recorder, hub: Hub) -> None:
    def two_sizes(entry: Entry) -> None:
        entry["size"] += entry["path"] == "tokenizer.json"  # there is a copy of it

    hub.fault(with_each(two_sizes), on="tree", times=1)
    assert (await failure(models, recorder)).kind == "mirror_invalid"
    assert not hub.requests("get")
    await models.download()
    assert (await recorder.end()).status == "completed"


async def test_a_size_that_no_file_has_is_refused(models: Models, recorder: Recorder, hub: Hub) -> None:
    def endless(entry: Entry) -> None:
        if entry.get("lfs"):
            entry["lfs"]["size"] = 10**30

    hub.fault(with_each(endless), on="tree")
    assert (await failure(models, recorder)).kind == "mirror_invalid"


async def test_a_wrong_list_costs_nothing_of_what_an_honest_mirror_sent(
    models: Models, recorder: Recorder, hub: Hub, wrong: Hub
) -> None:
    hub.rate = WEIGHTS / 5
    await models.download()
    await asyncio.to_thread(hub.wait_until, lambda: sum(request.sent for request in hub.log) > 500_000, PATIENCE)
    await models.cancel_download()
    await recorder.end()
    here = models.status().downloaded_bytes
    hub.rate = None
    wrong.fault(with_each(other_weights), on="tree")
    assert (await failure(models, recorder, wrong.url)).kind == "file_damaged"
    await models.download()
    assert (await recorder.end()).status == "completed"
    _, rest = hub.requests("get", "model.safetensors")
    assert int(rest.headers["range"].removeprefix("bytes=").removesuffix("-")) > here - 1000
    assert rest.sent < WEIGHTS - 300_000


async def test_a_revision_that_only_another_mirror_knows_is_resolved_anew(
    models: Models, recorder: Recorder, hub: Hub, wrong: Hub, folder: Path
) -> None:
    (folder / "generation_config.json").write_text("{}")
    unknown = wrong.repositories[REPOSITORY].publish(folder).revision
    wrong.fault(faults.status(503), on="get", path="model.safetensors")
    assert (await failure(models, recorder, wrong.url)).kind == "mirror_failed"
    await models.download()
    assert (await recorder.end()).status == "completed"
    assert models.get_model_path().name == hub.repositories[REPOSITORY].main.revision != unknown


HOSTILE_PATHS = ["../evil.json", "/etc/evil.json", "a/../../evil.json", "a//evil.json", "C:evil.json", "a\\evil.json",
                 "./evil.json", "evil\n.json", "config.json/evil.json", "CONFIG.json", "", "\ud800evil.json",
                 "evil" + "\u00e9" * 126 + ".json"]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE_PATHS)
async def test_a_path_that_leads_out_of_the_snapshot_is_refused(
    models: Models, recorder: Recorder, hub: Hub, root: Path, path: str
) -> None:
    entries = hub.repositories[REPOSITORY].main.tree()
    entries.append({"type": "file", "oid": hashlib.sha1(b"").hexdigest(), "size": 1, "path": path})
    hub.fault(faults.json(json.dumps(entries)), on="tree")
    assert (await failure(models, recorder)).kind == "mirror_invalid"
    assert not hub.requests("get")
    assert not list(root.parent.rglob("evil*"))


async def test_a_list_of_files_without_end_is_refused(models: Models, recorder: Recorder, hub: Hub) -> None:
    def endless(reply: Reply) -> Reply:
        return replace(
            reply, headers={**reply.headers, "Link": f'<{hub.url}/api/models/{REPOSITORY}/tree/main>; rel="next"'}
        )

    hub.fault(endless, on="tree")
    assert (await failure(models, recorder)).kind == "mirror_invalid"


async def test_a_list_of_files_that_goes_on_at_what_is_no_address_is_refused(
    models: Models, recorder: Recorder, hub: Hub
) -> None:
    link = {"Link": '<http://[>; rel="next"'}
    hub.fault(lambda reply: replace(reply, headers={**reply.headers, **link}), on="tree")
    assert (await failure(models, recorder)).kind == "mirror_invalid"
