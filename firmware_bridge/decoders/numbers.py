"""Bare numbers: one to a line, or several for the Arduino plotter, split by tabs, spaces, commas or semicolons."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Message, Rejected
from firmware_bridge.spoken import Wanted, measured, read_number, read_value, text_of

_BETWEEN: Final = re.compile(r"\s*[;\t,]\s*|\s+")


class Numbers:
    """One number for each channel, in their order; a line with more or fewer is not one of ours."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self._wanted = tuple(wanted)
        self._refusal = Rejected("channel_count", f"{len(self._wanted)} numbers with a decimal point on each line")

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        text = text_of(message).strip().rstrip(";,").rstrip()
        fields = _BETWEEN.split(text) if len(self._wanted) > 1 else [text]
        if len(fields) == len(self._wanted):
            return measured(message.arrived_at, [read_value(*one) for one in zip(self._wanted, fields, strict=True)])
        has_number = any(read_number(field) is not None for field in fields)
        return self._refusal if has_number else Ignored("other_text")
