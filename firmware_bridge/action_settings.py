"""The settings of those who are told when the bridge raises an alarm by itself."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from firmware_bridge.settings_parts import Baud, FilledText, matching

PhoneNumber = Annotated[
    str, matching(r"\+?[0-9]{3,15}", "cần số điện thoại như / wanted a number such as +84901234567")
]


class CommandSettings(BaseModel):
    """A command to run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["command"]
    run: Annotated[tuple[FilledText, ...], Field(min_length=1)]
    hold: bool = False


class SmsSettings(BaseModel):
    """A GSM modem to send text messages with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["sms"]
    port: FilledText
    baud: Baud = 115_200
    to: Annotated[tuple[PhoneNumber, ...], Field(min_length=1, max_length=20)]


ActionSettings = Annotated[CommandSettings | SmsSettings, Field(discriminator="type")]
