"""A sidecar with a model, and the probe: the program itself with methods that do what the real ones never should."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, write_catalog
from tests.pipe import ROOT, Pipe
from tests.provider import Provider, replies
from tests.rpc.asking import REPOSITORY
from tests.rpc.jobs import JOBS, added

# In a process of its own, and out by the quick way: an interpreter whose threads used MLX may abort at its end.
WRITE_MODEL = """
import json, os, sys
from pathlib import Path
from tests.engine.synthetic import write_model
write_model(Path(sys.argv[1]), text=json.loads(sys.argv[2]))
os._exit(0)
"""


@pytest.fixture
def probe(data_dir: Path) -> Iterator[Pipe]:
    """The probe, ready for requests."""
    with Pipe.sidecar(data_dir, module="tests.rpc.probe") as pipe:
        pipe.initialize()
        yield pipe


@pytest.fixture(scope="session")
def model_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub of this computer with a model of random weights."""
    with Hub({REPOSITORY: random_model(tmp_path_factory.mktemp("model"))}) as hub:
        yield hub


def random_model(folder: Path, **text: int) -> Path:
    """Writes a model of random weights into `folder`; `text` are members of its `text_config`."""
    command = [sys.executable, "-c", WRITE_MODEL, str(folder), json.dumps(text)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=110)
    return folder


@pytest.fixture(scope="session")
def catalog(model_hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog whose only model is served by that hub."""
    path = tmp_path_factory.mktemp("catalog") / "catalog.json"
    return write_catalog(path, model_hub.url, model_hub.folders[REPOSITORY])


@pytest.fixture(scope="session")
def chat_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of `chat`."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def chat(catalog: Path, chat_folder: Path) -> Iterator[Pipe]:
    """A sidecar whose model is on disk; one for all tests here, because the model takes seconds to load."""
    with Pipe.sidecar(chat_folder, catalog) as pipe:
        pipe.initialize()
        pipe.request("models/download")
        pipe.notification("builtin-model-download-completed")
        yield pipe


BRIEF_TOKENS = 512


@pytest.fixture(scope="session")
def brief_chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipe]:
    """A sidecar whose model has a context of `BRIEF_TOKENS`: an answer fills it in seconds."""
    folder = random_model(tmp_path_factory.mktemp("brief"), max_position_embeddings=BRIEF_TOKENS)
    with Hub({REPOSITORY: folder}) as hub:
        catalog = write_catalog(tmp_path_factory.mktemp("catalog") / "catalog.json", hub.url, folder)
        with Pipe.sidecar(tmp_path_factory.mktemp("data"), catalog) as pipe:
            pipe.initialize()
            pipe.request("models/download")
            pipe.notification("builtin-model-download-completed")
            yield pipe


@pytest.fixture
def server() -> Iterator[Provider]:
    with Provider() as provider:
        provider.will(replies.chat("From", " afar"))
        yield provider


@pytest.fixture
def remote(chat: Pipe, server: Provider) -> Iterator[str]:
    """The id of a model that can do everything, on `server`; all jobs are the built-in one's again afterwards."""
    provider = added(chat, server, {"identifier": "far", "capabilities": JOBS})
    yield provider["models"][0]["id"]
    chat.request("providers/delete", {"providerId": provider["id"]})
