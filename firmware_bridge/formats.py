"""What instruments say, by the name that settings use: one registry that every decoder enters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from firmware_bridge.decoders.camera_logger import CameraLogger
from firmware_bridge.decoders.canhlo_line import CanhLoLine
from firmware_bridge.decoders.csv_with_header import CsvWithHeader
from firmware_bridge.decoders.esphome import EspHome
from firmware_bridge.decoders.home_assistant import HomeAssistant
from firmware_bridge.decoders.json_mapping import JsonMapping
from firmware_bridge.decoders.key_value import KeyValue
from firmware_bridge.decoders.kiln_controller import KilnController
from firmware_bridge.decoders.max31855 import MAX6675_HIGHEST_C, Max31855
from firmware_bridge.decoders.max31856 import Max31856
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.decoders.qtkiln import QtKiln
from firmware_bridge.decoders.tasmota import Tasmota
from firmware_bridge.decoders.zigbee2mqtt import Zigbee2Mqtt
from firmware_bridge.message import Decoder
from firmware_bridge.payload import Degrees
from firmware_bridge.spoken import Wanted
from firmware_bridge.units import UNITS


@dataclass(frozen=True)
class Told:
    """What the settings tell a decoder. `names` are what the instrument calls the channels, in their order."""

    channels: tuple[str, ...]
    names: tuple[str, ...] = ()
    unit: Degrees | None = None
    scale: float = 1.0
    zone: ZoneInfo | None = None
    units: tuple[str, ...] = ()

    @property
    def named(self) -> Mapping[str, str]:
        """Return the instrument's name of each channel."""
        return dict(zip(self.channels, self.names, strict=True))

    @property
    def wanted(self) -> list[Wanted]:
        """Return each channel with what the settings say of it."""
        names = self.names or self.channels
        units = self.units or (self.unit,) * len(self.channels)
        return [
            Wanted(channel, name, UNITS[unit] if unit is not None else None)
            for channel, name, unit in zip(self.channels, names, units, strict=True)
        ]

    @property
    def degrees(self) -> Degrees:
        """Return the unit, of a format that needs one."""
        assert self.unit is not None  # noqa: S101 - the settings were refused otherwise
        return self.unit

    @property
    def time_zone(self) -> ZoneInfo:
        """Return the time zone, of a format that needs one."""
        assert self.zone is not None  # noqa: S101 - the settings were refused otherwise
        return self.zone


@dataclass(frozen=True)
class Format:
    """One instrument family: how its decoder is made, and what a person must say because the instrument does not.

    `is_dated` means that its messages bear a time of their own. Only of those may a broker keep some for us while we
    are away: the others would all seem to have been measured at the moment of our return.
    """

    make: Callable[[Told], Decoder]
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    topic: str = ""
    is_dated: bool = False
    most_channels: int | None = None
    example: str = ""
    skips_first_line: bool = False


def _needs(*keys: str) -> frozenset[str]:
    return frozenset(keys)


SERIAL: Final[Mapping[str, Format]] = {
    "camera_logger": Format(
        lambda told: CameraLogger(told.channels, told.time_zone),
        needs=_needs("time_zone"),
        is_dated=True,
        example="21/10/2015 11:26:31;650;586",
    ),
    "canhlo_line": Format(
        lambda told: CanhLoLine(dict(zip(told.channels, told.names or told.channels, strict=True))),
        takes=_needs("names"),
        is_dated=True,
        example="@CL1 lo-1 17 61250 top=612.75C chip=24.31C sitter=closed *3A9A",
    ),
    "max31855": Format(lambda told: Max31855(*told.channels[:2]), most_channels=2, example="C = 612.75"),
    "max6675": Format(
        lambda told: Max31855(told.channels[0], highest_c=MAX6675_HIGHEST_C),
        most_channels=1,
        example="C = 612.75",
    ),
    "max31856": Format(
        lambda told: Max31856(*told.channels[:2]),
        most_channels=2,
        example="Thermocouple Temp: 612.75",
    ),
    "numbers": Format(
        lambda told: Numbers(told.wanted),
        needs=_needs("unit"),
        takes=_needs("units"),
        example="612.75",
        skips_first_line=True,
    ),
    "csv": Format(
        lambda told: CsvWithHeader(told.wanted),
        needs=_needs("names"),
        takes=_needs("unit", "units"),
        example="Time,Top (C),Bottom (C)",
        skips_first_line=True,
    ),
    "key_value": Format(
        lambda told: KeyValue(told.wanted),
        needs=_needs("names"),
        takes=_needs("unit", "units"),
        example="temp=612.75C",
        skips_first_line=True,
    ),
}

MQTT: Final[Mapping[str, Format]] = {
    "qtkiln": Format(lambda told: QtKiln(told.channels[0]), topic="qtkiln/#", is_dated=True, most_channels=1),
    "kiln_controller": Format(
        lambda told: KilnController(told.channels[0], told.named if told.names else {}, told.unit),
        needs=_needs("unit"),
        takes=_needs("names"),
        topic="kiln/status",
    ),
    "tasmota": Format(lambda told: Tasmota(told.named), needs=_needs("names"), topic="tele/+/SENSOR"),
    "esphome": Format(
        lambda told: EspHome(told.named, told.degrees), needs=_needs("names", "unit"), topic="+/sensor/+/state"
    ),
    "zigbee2mqtt": Format(
        lambda told: Zigbee2Mqtt(told.named, told.degrees), needs=_needs("names", "unit"), topic="zigbee2mqtt/#"
    ),
    "home_assistant": Format(
        lambda told: HomeAssistant(told.named), needs=_needs("names"), topic="homeassistant/sensor/#"
    ),
    "json": Format(
        lambda told: JsonMapping(told.named, told.degrees, told.scale),
        needs=_needs("names", "unit", "topic"),
        takes=_needs("scale"),
    ),
}

KILN_CONTROLLER: Final = Format(MQTT["kiln_controller"].make, takes=_needs("names", "unit"))
