"""What every kind of source says of itself in the settings."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from firmware_bridge.wire import MAX_COLUMNS

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_\-]{0,39}$"  # as wire.Name


def matching(pattern: str, wanted: str) -> AfterValidator:
    """Return a check that says what was wanted, not which pattern did not match."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(wanted)
        return text

    return AfterValidator(check)


Name = Annotated[
    str,
    matching(
        NAME_PATTERN, "cần chữ thường không dấu, số, - hoặc _ / wanted small letters, digits, - or _, such as lo-1"
    ),
]
FilledText = Annotated[str, Field(min_length=1, max_length=1000)]
Baud = Annotated[int, Field(ge=50, le=4_000_000)]


class OfKiln(BaseModel):
    """Something that measures channels of one kiln."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kiln: Name
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_COLUMNS)]

    @property
    def key(self) -> str:
        """Name it for ever, also when its cable moves to another port."""
        return f"{self.kiln}/{self.channels[0]}"

    @property
    def keeps_time(self) -> bool:
        """Say whether it knows the time of day itself, and we date nothing of it."""
        return False
