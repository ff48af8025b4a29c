"""`computer/describe`: what the window tells before it asks for consent."""

import pytest

from tests.pipe import Pipe, RpcError


def test_the_computer_and_the_models_fit_are_described_before_anything_is_fetched(sidecar: Pipe) -> None:
    described = sidecar.request("computer/describe")
    assert described["memoryBytes"] > 2**30
    assert described["freeDiskBytes"] > 0
    assert described["device"] in ("metal", "cuda", "cpu")
    fit = described["fit"]
    assert fit["modelId"] == "qwen3-vl-4b"
    assert fit["neededBytes"] == 2_600_000_000
    assert fit["verdict"] in ("good", "slow", "unable")
    assert bool(fit["reasons"]) == (fit["verdict"] != "good")
    assert not sidecar.request("engine/status")["loaded"]


def test_an_unknown_model_has_no_fit(sidecar: Pipe) -> None:
    with pytest.raises(RpcError) as caught:
        sidecar.request("computer/describe", {"modelId": "huge"})
    assert caught.value.kind == "model_not_found"
