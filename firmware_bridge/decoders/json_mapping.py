"""Any JSON: each channel by its path, such as `sensors[0].temp`, in a unit and at a scale that the settings say."""

from collections.abc import Mapping
from datetime import datetime

from firmware_bridge.json_path import NotThereError, follow, read_path
from firmware_bridge.message import Decoded, Ignored, Message, Rejected, Value
from firmware_bridge.payload import Degrees, measured, read_json, temperature


class JsonMapping:
    """A message may have some of the channels; one with none of them is not for us."""

    def __init__(self, paths: Mapping[str, str], degrees: Degrees, scale: float) -> None:
        self._paths = {channel: read_path(path) for channel, path in paths.items()}
        self._degrees = degrees
        self._scale = scale
        self._wanted = f"JSON with numbers at {', '.join(paths.values())}"

    def decode(self, message: Message, newest_at: datetime | None) -> Decoded:
        said = read_json(message.payload, self._wanted)
        if isinstance(said, Rejected):
            return said
        values: list[Value | None] = []
        for channel, path in self._paths.items():
            try:
                values.append(temperature(channel, follow(said, path), self._degrees, self._scale))
            except NotThereError:
                continue
        return measured(message.arrived_at, values, self._wanted) if values else Ignored("no_temperature")
