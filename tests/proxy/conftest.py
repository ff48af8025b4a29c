"""A proxy in front of the real engine on a model of random weights, and OpenAI's own client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.hub import Hub, write_catalog
from tests.pipe import Pipe
from tests.proxy.serving import SECONDS, Served, serving
from tests.rpc.asking import REPOSITORY
from tests.rpc.conftest import random_model


@pytest.fixture(scope="session")
def model_catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A catalog whose only model is served by a hub of this computer."""
    folder = random_model(tmp_path_factory.mktemp("model"))
    with Hub({REPOSITORY: folder}) as hub:
        yield write_catalog(tmp_path_factory.mktemp("catalog") / "catalog.json", hub.url, folder)


@pytest.fixture(scope="session")
def model_data(model_catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the model in it, and nobody who uses it."""
    data_dir = tmp_path_factory.mktemp("data")
    with Pipe.sidecar(data_dir, model_catalog) as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")
    return data_dir


@pytest.fixture(scope="module")
def served(model_data: Path, model_catalog: Path) -> Iterator[Served]:
    """One for all tests of a module, because the model takes seconds to load."""
    with serving(model_data, catalog=model_catalog) as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[OpenAI]:
    """OpenAI's own client, which repeats nothing."""
    with OpenAI(base_url=served.url, api_key=served.token, max_retries=0, timeout=SECONDS) as client:
        yield client
