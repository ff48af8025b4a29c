"""The training is the same whenever and however often it is run."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .blas import prefer_openblas

DIGEST_OF_A_BATCH = """
import hashlib, sys
from pathlib import Path
from tests.demo_model import batches
batches._start_worker(Path(sys.argv[1]))
digest = hashlib.sha256()
for kind in range(batches.KINDS):
    digest.update(batches.conversation_batch(kind, 20).ids.tobytes())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module", autouse=True)
def _fast() -> None:
    prefer_openblas()


def test_training_data_do_not_depend_on_how_python_hashes_strings() -> None:
    model = str(Path(__file__).parent / "model")
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST_OF_A_BATCH, model],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_training_cut_short_in_either_phase_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from . import training
    from .checkpoint import Checkpoint

    monkeypatch.setattr(training, "EVERY", 2)
    recipe = training.Recipe(vision_steps=4, steps=4, batch_percent=3, corpus=100)
    training.train(tmp_path / "whole", recipe, 1)

    class CutError(Exception):
        pass

    def save_and_be_cut(self: Checkpoint, *state: object) -> None:
        save(self, *state)  # type: ignore[arg-type]
        raise CutError

    save = Checkpoint.save
    for phase, cuts in (("vision", 2), ("conversations", 1)):
        for _ in range(cuts):
            with monkeypatch.context() as patched:
                patched.setattr(Checkpoint, "save", save_and_be_cut)
                with pytest.raises(CutError):
                    training.train(tmp_path / "cut", recipe, 1)
            assert Checkpoint(tmp_path / "cut").phase == phase
    training.train(tmp_path / "cut", recipe, 1)
    assert not (tmp_path / "cut" / "unfinished").exists()
    assert _sha256(tmp_path / "cut") == _sha256(tmp_path / "whole")


def _sha256(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
