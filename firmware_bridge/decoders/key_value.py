"""Lines with names in them: `temp=612.75C`, `ReadTmp:52.23, TargetTmp:100.00`, a kiln-controller's log."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from firmware_bridge.message import Decoded, Ignored, Message
from firmware_bridge.spoken import Wanted, measured, read_value, text_of

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]{0,16}[A-Za-z]")


class KeyValue:
    """What stands behind `name=` or `name:`, as far as the next comma, semicolon or tab, or a space before a word.

    A line may have some of the channels; one with none of them is not for us.
    """

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self._wanted = [
            (one, re.compile(rf"(?<!\w){re.escape(one.name)}\s{{0,4}}[=:]\s{{0,4}}([^,;\s=]*(?: °?[CF%](?!\w))?)"))
            for one in wanted
        ]

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        text = _COLOUR.sub("", text_of(message))
        found = [(one, match[1]) for one, name in self._wanted if (match := name.search(text)) is not None]
        values = [read_value(one, said) for one, said in found]
        return measured(message.arrived_at, values) if values else Ignored("no_such_name")
