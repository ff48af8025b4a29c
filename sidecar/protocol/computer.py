"""`computer/…`: what the model would run on."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.message import Message, Method, Notification
from sidecar.protocol.models import ModelId, ModelParams


class ModelFit(Message):
    """Whether the model can run here."""

    model_id: ModelId
    verdict: Literal["good", "slow", "unable"]
    reasons: Annotated[
        tuple[
            Literal[
                "needs_apple_silicon",
                "needs_macos_14",
                "memory_too_small",
                "disk_too_small",
                "no_gpu",
                "memory_tight",
                "slow_memory",
            ],
            ...,
        ],
        Field(description="Those of the verdict, the weightiest first"),
    ]
    needed_bytes: Annotated[int | None, Field(description="What must yet come to the disk; null where it is not known")]
    tokens_per_second: Annotated[
        float | None, Field(description="What an answer will probably be written with; null where it is not known")
    ]
    tokens_per_second_at_most: Annotated[
        float | None, Field(description="Memory bandwidth by bytes of weights: it cannot be faster")
    ]
    speed_basis: Annotated[
        Literal["published_bandwidth", "measured_bandwidth"] | None, Field(description="Where the bandwidth is from")
    ]


class ComputerDescription(Message):
    chip: Annotated[str | None, Field(description="The processor by its maker's name")]
    architecture: Annotated[str, Field(description="arm64, x86_64, …")]
    system: Annotated[str, Field(description="macOS, or what a Linux distribution calls itself")]
    system_version: str | None
    memory_bytes: int
    free_disk_bytes: Annotated[int, Field(description="On the disk of the data folder")]
    device: Annotated[Literal["metal", "cuda", "cpu"], Field(description="What the model will run on")]
    fit: ModelFit


DESCRIBE = Method(
    "computer/describe",
    ModelParams,
    ComputerDescription,
    "This computer, and whether the model can run on it",
    ("window",),
)

METHODS: tuple[Method[Any, Any], ...] = (DESCRIBE,)
NOTIFICATIONS: tuple[Notification[Any], ...] = ()
