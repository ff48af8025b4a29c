"""`settings/…`."""

from collections.abc import Sequence
from typing import Any

from sidecar.protocol.message import NoParams
from sidecar.protocol.settings import GET, SET, SetParams, Setting, SettingsResult
from sidecar.rpc.dispatch import Bound, Call
from sidecar.settings import Setting as Kept
from sidecar.settings import Settings


def bind(*, settings: Settings) -> Sequence[Bound[Any, Any]]:
    """`settings/get` and `settings/set`."""

    async def get(_params: NoParams, _call: Call) -> SettingsResult:
        return SettingsResult(settings=tuple(as_message(setting) for setting in await settings.get()))

    async def set_(params: SetParams, _call: Call) -> Setting:
        return as_message(await settings.set(params.key, params.value))

    return Bound(GET, get), Bound(SET, set_, finishes=True)


def as_message(setting: Kept) -> Setting:
    """A setting as it crosses the pipe."""
    return Setting.model_validate(setting, from_attributes=True)
