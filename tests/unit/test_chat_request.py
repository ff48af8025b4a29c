from dataclasses import dataclass

from sidecar.methods.chat import generation_request
from sidecar.protocol.chat import ChatCompletionRequest
from sidecar.protocol.message import Notification, Params


@dataclass(frozen=True)
class Call:
    id: str = "one"
    arrived: float = 12.5
    is_heavy: bool = False

    async def notify(self, notification: Notification[Params], params: Params) -> None:
        """Nobody hears."""

    def settle(self) -> None:
        """Nobody waits."""


def test_an_answers_seconds_count_from_the_arrival_of_the_call() -> None:
    params = ChatCompletionRequest.model_validate({"messages": [{"role": "user", "content": "Hello"}]})
    assert generation_request(params, Call()).arrived == Call().arrived
