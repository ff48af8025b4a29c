"""`settings/…`: the choices that belong to the sidecar. The shell keeps others itself: language, theme, and what the
window looked like."""

from typing import Annotated, Any, Literal

from pydantic import Field

from sidecar.protocol.message import Message, Method, NoParams, Notification

SettingKey = Literal["memoryBudgetBytes", "restSeconds", "unloadMinutes", "backgroundPixels"]


class Setting(Message):
    key: SettingKey
    owner: Annotated[Literal["sidecar"], Field(description="Who keeps it. The shell has its own method")] = "sidecar"
    value: Annotated[int | None, Field(description="What counts; null: chosen by this computer")]
    default: int | None
    minimum: int
    maximum: int


class SettingsResult(Message):
    settings: tuple[Setting, ...]


class SetParams(Message):
    key: SettingKey
    value: Annotated[int | None, Field(description="null: back to the default")]


GET = Method("settings/get", NoParams, SettingsResult, "Every setting with its default and its range", ("window",))
SET = Method("settings/set", SetParams, Setting, "Changes one setting, for good and at once", ("window",))
CHANGED = Notification("settings/changed", Setting, "A setting was changed", state=True)

METHODS: tuple[Method[Any, Any], ...] = (GET, SET)
NOTIFICATIONS: tuple[Notification[Any], ...] = (CHANGED,)
