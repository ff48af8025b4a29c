"""`settings/…` through the pipe."""

from pathlib import Path

import pytest

from tests.pipe import Json, Pipe, RpcError


def settings(pipe: Pipe) -> dict[str, Json]:
    return {setting["key"]: setting for setting in pipe.request("settings/get")["settings"]}


def test_every_setting_comes_with_its_owner_its_default_and_its_range(sidecar: Pipe) -> None:
    for setting in settings(sidecar).values():
        assert setting["owner"] == "sidecar"
        assert setting["value"] == setting["default"]
        assert setting["minimum"] < setting["maximum"]
        assert setting["default"] is None or setting["minimum"] <= setting["default"] <= setting["maximum"]


def test_what_the_engine_may_take_and_when_it_rests_are_settings(sidecar: Pipe) -> None:
    assert {key: setting["default"] for key, setting in settings(sidecar).items()} == {
        "memoryBudgetBytes": None,  # a share of the computer's memory
        "restSeconds": 60,
        "unloadMinutes": 30,
        "backgroundPixels": 448 * 448,
    }


def test_a_change_is_told_and_stays_over_a_restart(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        changed = pipe.request("settings/set", {"key": "unloadMinutes", "value": 5})
        assert pipe.notification("settings/changed") == changed
        pipe.process.kill()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert settings(pipe)["unloadMinutes"] == changed
        assert changed["value"] == 5

        back = pipe.request("settings/set", {"key": "unloadMinutes", "value": None})
        assert back["value"] == back["default"] == 30
        assert settings(pipe)["unloadMinutes"] == back


@pytest.mark.parametrize("value", [0, -1, 10**12])
def test_a_value_out_of_its_range_is_refused_and_the_range_is_said(sidecar: Pipe, value: int) -> None:
    with pytest.raises(RpcError) as refused:
        sidecar.request("settings/set", {"key": "restSeconds", "value": value})

    assert refused.value.kind == "invalid_request"
    assert refused.value.data["details"]["minimum"] == 5
    assert settings(sidecar)["restSeconds"]["value"] == 60


@pytest.mark.parametrize("params", [{"key": "theme", "value": 1}, {"key": "restSeconds", "value": "60"}])
def test_what_is_no_setting_of_the_sidecar_is_refused(sidecar: Pipe, params: Json) -> None:
    with pytest.raises(RpcError) as refused:
        sidecar.request("settings/set", params)

    assert refused.value.kind == "invalid_params"


def test_the_memory_budget_counts_from_the_next_load(chat: Pipe) -> None:
    chat.request("settings/set", {"key": "memoryBudgetBytes", "value": 2_000_000_000})
    try:
        chat.request("models/unload")
        chat.request("chat/completions", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1})
        assert chat.request("engine/status")["budgetBytes"] == 2_000_000_000
    finally:
        chat.request("settings/set", {"key": "memoryBudgetBytes", "value": None})
        chat.request("models/unload")
