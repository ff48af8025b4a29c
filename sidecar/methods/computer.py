"""`computer/…`."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sidecar.computer import decode_speed, judge, this_computer
from sidecar.models import SPARE_BYTES, Models
from sidecar.protocol.computer import DESCRIBE, ComputerDescription, ModelFit
from sidecar.protocol.models import ModelParams
from sidecar.rpc.dispatch import Bound, Call


def bind(*, models: Models, data_folder: Path) -> Sequence[Bound[Any, Any]]:
    """`computer/describe`, about the model that is named, or the first."""

    async def describe(params: ModelParams, _call: Call) -> ComputerDescription:
        status = models.status(params.model_id)
        computer = await asyncio.to_thread(this_computer)
        speed = await asyncio.to_thread(decode_speed, computer, status.total_bytes)
        missing = None if status.total_bytes is None else max(0, status.total_bytes - status.downloaded_bytes)
        free = shutil.disk_usage(data_folder).free
        fit = judge(computer, speed, status.total_bytes, missing + SPARE_BYTES if missing else 0, free)
        return ComputerDescription(
            chip=computer.chip,
            architecture=computer.architecture,
            system=computer.system,
            system_version=computer.system_version,
            memory_bytes=computer.memory_bytes,
            free_disk_bytes=free,
            device=computer.device,
            fit=ModelFit(
                model_id=status.model_id,
                verdict=fit.verdict,
                reasons=fit.reasons,
                needed_bytes=missing,
                tokens_per_second=speed.expected,
                tokens_per_second_at_most=speed.at_most,
                speed_basis=speed.basis,
            ),
        )

    return (Bound(DESCRIBE, describe),)
