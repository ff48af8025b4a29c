"""The one model in memory. For the engine thread only."""

from __future__ import annotations

import gc
import logging
import math
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.engine import backend
from sidecar.engine.request import KvBits, ModelFolder
from sidecar.errors import EngineFailed, ModelNotLoaded, SidecarError

if TYPE_CHECKING:  # it imports MLX: the engine thread does so at the first load
    from sidecar.engine.loader import LoadedModel

log = logging.getLogger(__name__)

GRACE_SECONDS = 30.0  # in which a person reads an answer and asks on; a load may take ten, and each turn would pay one


class Residence:
    """Loads a model in the place of the one before, and frees it; and who waits for that.

    The one that served a person stays for a while, whatever the background needs: they may go on with it.
    """

    def __init__(
        self,
        *,
        cache: Path,
        announce: Callable[..., None],
        heartbeat: Callable[[], None],
        unwatched: Callable[[], None],
        before_unload: Callable[[], object],
        grace_seconds: float,
        budget_bytes: int | None = None,
        kv_bits: KvBits | None = None,
    ) -> None:
        """`announce` is called with the members of `EngineStatus` that changed, `heartbeat` between the blocks of what
        the model computes, `unwatched` before its files are read, `before_unload` while it is still there. `cache` is
        for compiled kernels. A model stays for `grace_seconds` after it served a person. `budget_bytes` and `kv_bits`
        are chosen by the computer unless named; set, they count from the next load."""
        self.budget_bytes = budget_bytes
        self.kv_bits = kv_bits
        self._cache = cache
        self._announce = announce
        self._heartbeat = heartbeat
        self._unwatched = unwatched
        self._before_unload = before_unload
        self._grace_seconds = grace_seconds
        self._served_person = -math.inf  # when it was, of `time.monotonic`
        self._unloads: deque[Future[None]] = deque()
        self._closed = False
        self._folder: ModelFolder | None = None
        self.model: LoadedModel | None = None

    def holds(self, folder: ModelFolder) -> bool:
        """Whether that model is the one in memory."""
        return self.model is not None and self.model.path == folder.path

    @property
    def folder(self) -> ModelFolder | None:
        """Of the model that is in memory."""
        return self._folder

    def served_person(self) -> None:
        self._served_person = time.monotonic()

    @property
    def grace_ends(self) -> float | None:
        """Until when, of `time.monotonic`, the model stays for a person who may go on with it; None: nothing is
        loaded. It may lie in the past."""
        return None if self.model is None else self._served_person + self._grace_seconds

    def is_kept_from(self, folder: ModelFolder) -> bool:
        """Whether the background has to wait with that other model, as a person may go on with this one."""
        ends = self.grace_ends
        return ends is not None and not self.holds(folder) and time.monotonic() < ends

    def want_none(self, done: Future[None]) -> None:
        """`done` is settled once no model is loaded, in its turn. Who cancels it before does not wait any more."""
        self._unloads.append(done)

    @property
    def is_leaving(self) -> bool:
        """Whether somebody waits for the end of the model that is in memory: no more may be begun on it."""
        return not all(done.cancelled() for done in self._unloads)

    def serve(self, *, in_use: bool) -> None:
        """Does what is waited for, unless requests run on the model."""
        self._unloads = deque(done for done in self._unloads if not done.cancelled())
        while self._unloads and not in_use:
            self.unload_model()
            settle(self._unloads.popleft())

    def break_off(self, error: SidecarError) -> None:
        """Tells `error` to all who wait for the model's end."""
        waiting = list(self._unloads)
        self._unloads.clear()
        for done in waiting:
            if done.set_running_or_notify_cancel():
                done.set_exception(error)

    def close(self) -> None:
        """Frees the model, and loads none any more."""
        self._closed = True
        self.unload_model()

    def ensure_loaded(self, folder: ModelFolder) -> LoadedModel:
        """The model of that folder, loaded if it is not. No request may run on another one.

        Raises:
            ModelNotLoaded: it cannot be loaded.
            EngineFailed: after `close`.
        """
        if self._closed:
            raise EngineFailed("the engine has been closed", reason="closed")
        if self.model is not None and self.holds(folder):
            return self.model
        self.unload_model()
        log.info("Loading model, model_id=%s", folder.model_id)
        self._announce(loading=True, model_id=folder.model_id)
        started = time.monotonic()
        self._unwatched()
        try:
            self.model = self._load(folder.path)
        except Exception as error:
            log.exception("Model could not be loaded, model_id=%s", folder.model_id)
            traceback.clear_frames(error.__traceback__)  # they hold what was loaded so far
            self.free_scratch()
            self._announce(loading=False, load_progress=None, model_id=None)
            if isinstance(error, SidecarError):
                raise ModelNotLoaded(error.message, **error.details) from error
            raise ModelNotLoaded("the model could not be loaded", reason=type(error).__name__) from error
        # Model and libraries stay: to look through them for garbage takes 0.2 s, in which nobody is served.
        gc.freeze()
        self._heartbeat()  # from here on it is watched again
        self._folder = folder
        seconds = time.monotonic() - started
        log.info("Model loaded in %.2f s, model_id=%s", seconds, folder.model_id)
        self._announce(loaded=True, loading=False, load_progress=None, load_seconds=seconds)
        return self.model

    def unload_model(self) -> None:
        """Gives the model's memory back to the system. No request may run on it."""
        if self.model is None or self._folder is None:
            return
        self._before_unload()
        self.model = None
        self.free_scratch()
        log.info("Model unloaded, model_id=%s", self._folder.model_id)
        self._folder = None
        self._announce(loaded=False, model_id=None, load_seconds=None)

    def free_scratch(self) -> None:
        """Gives back what stands ready for the next request: memory for arrays, what processes for grammars hold."""
        import mlx.core as mx

        if self.model is not None:
            self.model.grammars.rest()
        gc.unfreeze()  # with the model what was under way at its load was left out of the looks for garbage
        gc.collect()
        if self.model is not None:
            gc.freeze()
        mx.clear_cache()

    def memory(self) -> dict[str, Any]:
        """What MLX holds, as members of `EngineStatus`."""
        import mlx.core as mx

        return {"active_bytes": mx.get_active_memory(), "peak_bytes": mx.get_peak_memory()}

    def _beat(self) -> None:
        """A load is not watched, though it may compute: kernels that are compiled then take minutes."""
        if self.model is not None:
            self._heartbeat()

    def _load(self, path: Path) -> LoadedModel:
        backend.prepare(self._cache)
        from sidecar.engine import loader

        device, budget = backend.device(), self.budget_bytes or backend.memory_budget()
        backend.limit_cache(budget)
        self._announce(device=device, budget_bytes=budget, estimated_peak_bytes=0)
        model = loader.load(path, device, budget, self._beat, kv_bits=self.kv_bits)
        if device == "cuda":
            from sidecar.engine import warm_up

            try:
                warm_up.once(model, backend.kernels(), lambda part: self._announce(load_progress=part))
            except Exception:  # requests pay for their kernels then, and say what does not work
                log.exception("Warming up failed")
        return model


def settle(done: Future[None]) -> None:
    """Tells whoever waits for it that it is done; nobody may wait any more."""
    if done.set_running_or_notify_cancel():
        done.set_result(None)
