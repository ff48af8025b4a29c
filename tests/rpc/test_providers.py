"""`providers/…`, `capabilities/…` and `secrets/put` through the pipe, without a server behind them."""

from pathlib import Path

import pytest

from tests.pipe import Json, Pipe, RpcError

SECRET = "sk-never-to-be-seen-4711"
HERE = "http://127.0.0.1:9/v1"
FAR = "https://ray.example/v1"


def create(pipe: Pipe, base_url: str = HERE, **members: object) -> Json:
    models = [{"identifier": "big", "capabilities": ["text", "vision"], "lacking": ["tool_use"]}]
    params = {"name": "Ray", "baseUrl": base_url, "preset": "vllm", "models": models} | members
    provider: Json = pipe.request("providers/create", params)["provider"]
    return provider


def refused(pipe: Pipe, method: str, params: Json) -> RpcError:
    with pytest.raises(RpcError) as error:
        pipe.request(method, params)
    return error.value


def doers(pipe: Pipe) -> dict[str, str]:
    return {row["capability"]: row["modelId"] for row in pipe.request("capabilities/list")["capabilities"]}


def test_at_first_there_is_the_built_in_provider_which_does_everything(sidecar: Pipe) -> None:
    (builtin,) = sidecar.request("providers/list")["providers"]
    (model,) = builtin.pop("models")

    assert builtin["name"] == "[Builtin]"
    assert builtin["baseUrl"] == "http://127.0.0.1:60315/v1"
    assert model["identifier"] == "mlx-community/Qwen3-VL-4B-Instruct-3bit"
    assert model["displayName"] == "Qwen3-VL 4B (3-bit)"
    for row in sidecar.request("capabilities/list")["capabilities"]:
        assert row["modelId"] == "qwen3-vl-4b"
        assert (row["builtin"], row["leavesComputer"], row["unknown"]) == (True, False, False)
        assert (row["ready"], row["kind"]) == (False, "model_not_ready")


def test_a_provider_and_a_job_given_to_it_stay_over_a_restart(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        provider = create(pipe)
        assert pipe.notification("providers/changed")["providers"][1] == provider
        row = pipe.request("capabilities/assign", {"capability": "vision", "modelId": provider["models"][0]["id"]})
        assert (row["providerName"], row["ready"], row["unknown"], row["leavesComputer"]) == ("Ray", True, False, False)
        pipe.process.kill()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert pipe.request("providers/list")["providers"][1] == provider
        assert doers(pipe)["vision"] == provider["models"][0]["id"]


def test_a_job_that_the_model_cannot_do_is_refused_and_one_that_nobody_knows_about_is_marked(sidecar: Pipe) -> None:
    model = create(sidecar)["models"][0]["id"]

    error = refused(sidecar, "capabilities/assign", {"capability": "tool_use", "modelId": model})
    row = sidecar.request("capabilities/assign", {"capability": "structured_output", "modelId": model})

    assert error.kind == "capability_missing"
    assert error.data["details"] == {"capability": "tool_use", "model": "big"}
    assert row["unknown"]
    assert doers(sidecar) == {
        "vision": "qwen3-vl-4b",
        "text": "qwen3-vl-4b",
        "structured_output": model,
        "tool_use": "qwen3-vl-4b",
    }


def test_a_model_that_turns_out_to_lack_its_job_keeps_it_and_is_not_ready(sidecar: Pipe) -> None:
    provider = create(sidecar)
    model = provider["models"][0]["id"]
    sidecar.request("capabilities/assign", {"capability": "vision", "modelId": model})

    models = [{"identifier": "big", "capabilities": ["text"], "lacking": ["vision"]}]
    sidecar.request("providers/update", {"providerId": provider["id"], "models": models})

    row = sidecar.request("capabilities/list")["capabilities"][0]
    assert (row["capability"], row["modelId"]) == ("vision", model)
    assert (row["ready"], row["kind"], row["unknown"]) == (False, "capability_missing", False)


def test_a_model_that_is_not_there_is_refused(sidecar: Pipe) -> None:
    error = refused(sidecar, "capabilities/assign", {"capability": "text", "modelId": "nobody"})

    assert error.kind == "model_not_found"


def test_nothing_leaves_the_computer_before_somebody_agreed(sidecar: Pipe) -> None:
    model = create(sidecar, FAR)["models"][0]["id"]
    params = {"capability": "text", "modelId": model}

    error = refused(sidecar, "capabilities/assign", params)
    row = sidecar.request("capabilities/assign", params | {"accept": ["leaves_computer"]})

    assert error.kind == "consent_needed"
    assert error.data["details"] == {"needs": ["leaves_computer"], "address": FAR}
    assert row["leavesComputer"]


@pytest.mark.parametrize("scheme", ["http", "HTTP"])
def test_what_can_be_read_on_the_way_is_agreed_to_first(sidecar: Pipe, scheme: str) -> None:
    params = {"name": "Box", "baseUrl": f"{scheme}://192.168.1.9:8000/v1"}

    error = refused(sidecar, "providers/create", params)
    added = sidecar.request("providers/create", params | {"accept": ["plain_http"]})["provider"]

    assert error.kind == "consent_needed"
    assert error.data["details"] == {"needs": ["plain_http"], "address": "http://192.168.1.9:8000/v1"}
    assert added["leavesComputer"]


def test_a_provider_that_has_jobs_moves_to_another_computer_only_with_consent(sidecar: Pipe) -> None:
    provider = create(sidecar)
    sidecar.request("capabilities/assign", {"capability": "text", "modelId": provider["models"][0]["id"]})
    params = {"providerId": provider["id"], "baseUrl": FAR}

    error = refused(sidecar, "providers/update", params)
    unchanged = sidecar.request("providers/list")["providers"][1]
    moved = sidecar.request("providers/update", params | {"accept": ["leaves_computer"]})["provider"]

    assert error.kind == "consent_needed"
    assert error.data["details"] == {"needs": ["leaves_computer"], "address": FAR}
    assert unchanged == provider
    assert moved["leavesComputer"]


def test_background_work_goes_to_another_computer_only_with_consent(sidecar: Pipe) -> None:
    far = create(sidecar, FAR)
    allow = {"providerId": far["id"], "background": True}

    error = refused(sidecar, "providers/update", allow)
    # The other consents say nothing of what goes there by itself.
    other = refused(sidecar, "providers/update", allow | {"accept": ["leaves_computer", "plain_http"]})
    unchanged = sidecar.request("providers/list")["providers"][1]
    allowed = sidecar.request("providers/update", allow | {"accept": ["background_leaves"]})["provider"]
    renamed = sidecar.request("providers/update", {"providerId": far["id"], "name": "Tray", "background": True})

    assert error.kind == other.kind == "consent_needed"
    assert error.data["details"] == {"needs": ["background_leaves"], "address": FAR}
    assert not unchanged["background"]
    assert allowed["background"]
    assert renamed["provider"]["background"]


def test_background_work_that_was_allowed_here_does_not_follow_to_another_computer(sidecar: Pipe) -> None:
    here = create(sidecar)
    assert sidecar.request("providers/update", {"providerId": here["id"], "background": True})["provider"]["background"]

    both = {"providerId": here["id"], "baseUrl": FAR, "background": True}
    error = refused(sidecar, "providers/update", both)
    moved = sidecar.request("providers/update", {"providerId": here["id"], "baseUrl": FAR})["provider"]

    assert error.data["details"] == {"needs": ["background_leaves"], "address": FAR}
    assert not moved["background"]


def test_background_work_that_was_allowed_to_one_path_of_a_server_is_not_to_another(sidecar: Pipe) -> None:
    far = create(sidecar, FAR)
    allow = {"providerId": far["id"], "background": True, "accept": ["background_leaves"]}
    same = sidecar.request("providers/update", allow | {"baseUrl": f"{FAR}/"})["provider"]

    moved = sidecar.request("providers/update", {"providerId": far["id"], "baseUrl": f"{FAR}/somebody-else"})

    assert same["background"]
    assert not moved["provider"]["background"]


@pytest.mark.parametrize(
    "address",
    ["no address", "ftp://host/v1", "https://", "https://user:pw@host/v1", "https://host/v1?key=1", "https://[::1/v1"],
)
def test_an_address_that_is_none_is_refused_and_not_said_back(sidecar: Pipe, address: str) -> None:
    error = refused(sidecar, "providers/create", {"name": "Ray", "baseUrl": address})

    assert error.kind == "provider_invalid"
    assert error.data["details"] == {"reason": "address"}


def test_a_provider_that_is_removed_gives_its_jobs_back(sidecar: Pipe) -> None:
    provider = create(sidecar)
    model = provider["models"][0]["id"]
    for capability in ("vision", "text"):
        sidecar.request("capabilities/assign", {"capability": capability, "modelId": model})

    sidecar.request("providers/delete", {"providerId": provider["id"]})

    assert set(doers(sidecar).values()) == {"qwen3-vl-4b"}
    assert len(sidecar.request("providers/list")["providers"]) == 1
    assert refused(sidecar, "providers/delete", {"providerId": provider["id"]}).kind == "provider_not_found"


def test_a_model_that_is_taken_from_its_provider_gives_its_jobs_back(sidecar: Pipe) -> None:
    provider = create(sidecar)
    sidecar.request("capabilities/assign", {"capability": "text", "modelId": provider["models"][0]["id"]})

    changed = sidecar.request(
        "providers/update", {"providerId": provider["id"], "name": "Tray", "models": [{"identifier": "small"}]}
    )["provider"]

    assert (changed["name"], changed["baseUrl"]) == ("Tray", provider["baseUrl"])
    assert doers(sidecar)["text"] == "qwen3-vl-4b"


def test_the_built_in_provider_cannot_be_changed(sidecar: Pipe) -> None:
    for method, more in (("providers/update", {"name": "Mine"}), ("providers/delete", {}), ("providers/models", {})):
        error = refused(sidecar, method, {"providerId": "builtin"} | more)
        assert (error.kind, error.data["details"]) == ("provider_invalid", {"reason": "builtin"})


@pytest.mark.parametrize(
    "models",
    [
        [{"identifier": "twice"}, {"identifier": "twice"}],
        [{"identifier": "both", "capabilities": ["text"], "lacking": ["text"]}],
    ],
)
def test_models_that_contradict_each_other_are_refused(sidecar: Pipe, models: list[Json]) -> None:
    error = refused(sidecar, "providers/create", {"name": "Ray", "baseUrl": HERE, "models": models})

    assert (error.kind, error.data["details"]) == ("provider_invalid", {"reason": "models"})


def test_a_key_is_held_in_memory_and_nowhere_else(data_dir: Path) -> None:
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        provider = create(pipe, FAR)
        pipe.request("secrets/put", {"providerId": provider["id"], "origin": "https://ray.example", "secret": SECRET})
        listed = pipe.request("providers/list")
        assert listed["providers"][1]["hasSecret"]
        assert SECRET not in str(listed)
        pipe.request("shutdown")
        pipe.process.wait(timeout=10)
    for file in data_dir.rglob("*"):
        assert file.is_dir() or SECRET.encode() not in file.read_bytes()
    with Pipe.sidecar(data_dir) as pipe:
        pipe.initialize()
        assert not pipe.request("providers/list")["providers"][1]["hasSecret"]


@pytest.mark.parametrize("secret", ["two\nlines", "with space", "", "ключ", "x" * 4097])
def test_a_key_that_cannot_be_one_is_refused(sidecar: Pipe, secret: str) -> None:
    provider = create(sidecar, FAR)
    params = {"providerId": provider["id"], "origin": "https://ray.example", "secret": secret}

    error = refused(sidecar, "secrets/put", params)

    assert error.kind in ("secret_invalid", "invalid_params")
    assert secret == "" or secret not in str(error.data)


def test_a_key_goes_to_the_address_it_was_given_for_and_to_no_other(sidecar: Pipe) -> None:
    provider = create(sidecar, FAR)
    put = {"providerId": provider["id"], "origin": "https://ray.example", "secret": SECRET}
    sidecar.request("secrets/put", put)

    same = sidecar.request("providers/update", {"providerId": provider["id"], "baseUrl": "https://ray.example:443/v2"})
    moved = sidecar.request("providers/update", {"providerId": provider["id"], "baseUrl": "https://evil.example/v1"})

    assert same["provider"]["hasSecret"]
    assert not moved["provider"]["hasSecret"]
    error = refused(sidecar, "secrets/put", put)
    assert (error.kind, error.data["details"]) == ("secret_invalid", {"reason": "origin"})


def test_of_two_that_assign_at_once_the_last_to_ask_is_obeyed_and_all_are_told_who_it_is_now(sidecar: Pipe) -> None:
    model = create(sidecar)["models"][0]["id"]
    for rivals in [(model, "qwen3-vl-4b"), ("qwen3-vl-4b", model)] * 10:
        asked = [sidecar.send("capabilities/assign", {"capability": "text", "modelId": each}) for each in rivals]

        assert [sidecar.result(each)["modelId"] for each in asked] == list(rivals)
        assert doers(sidecar)["text"] == rivals[-1]
        # A newer state takes the place of one that was not sent yet: the first may be told or not.
        while told_doer(sidecar.notification("capabilities/changed")) != rivals[-1]:
            pass


def told_doer(params: Json) -> str:
    """Who has the text job, by a notification."""
    return next(str(row["modelId"]) for row in params["capabilities"] if row["capability"] == "text")
