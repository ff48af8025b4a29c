"""A training that was cut short goes on where it stood: weights and the optimizer's state, in full precision."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
from mlx.nn.layers.base import Module
from mlx.utils import tree_flatten, tree_unflatten

EVERY = 250  # steps


class Checkpoint:
    """The state of an unfinished training, in a folder inside the model's (mlx-vlm takes each safetensors file directly
    in the latter for weights)."""

    def __init__(self, model: Path) -> None:
        self._folder = model / "unfinished"
        self._file = self._folder / "state.safetensors"

    @property
    def phase(self) -> str | None:
        """The phase that was cut short, None if none was."""
        return self._load()[1]["phase"] if self._file.exists() else None

    def save(self, phase: str, step: int, module: Module, optimizer: optim.Optimizer) -> None:
        """Keeps the state after `step` steps of `phase` instead of any earlier one."""
        self._folder.mkdir(exist_ok=True)
        state = {"module": module.parameters(), "optimizer": optimizer.state}  # type: ignore[no-untyped-call]
        arrays: list[tuple[str, mx.array]] = tree_flatten(state)  # type: ignore[assignment]
        fresh = self._folder / "writing.safetensors"
        mx.save_safetensors(str(fresh), dict(arrays), metadata={"phase": phase, "step": str(step)})
        fresh.replace(self._file)

    def restore(self, phase: str, module: Module, optimizer: optim.Optimizer) -> int:
        """Sets both to what was saved of `phase`, and returns how many steps it had done; 0 and nothing changed if
        another phase, or none, was saved."""
        if self.phase != phase:
            return 0
        arrays, metadata = self._load()
        state: Any = tree_unflatten(list(arrays.items()))
        module.update(state["module"])
        optimizer.state = state["optimizer"]
        mx.eval(module.state, optimizer.state)
        return int(metadata["step"])

    def _load(self) -> tuple[dict[str, mx.array], dict[str, str]]:
        loaded: Any = mx.load(str(self._file), return_metadata=True)
        arrays, metadata = loaded
        return arrays, metadata

    def discard(self) -> None:
        """Forgets it: the training is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)
