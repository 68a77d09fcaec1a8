"""The bridge's one settings file: TOML, read once, every error naming line and key and what was wanted."""

import tomllib
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from firmware_bridge.action_settings import ActionSettings
from firmware_bridge.formats import KILN_CONTROLLER, MQTT, SERIAL, Format, Told
from firmware_bridge.message import Decoder
from firmware_bridge.modbus_settings import ModbusInstrument, ModbusSettings
from firmware_bridge.payload import Degrees
from firmware_bridge.register_map import UnitWord
from firmware_bridge.settings_parts import Baud, FilledText, Name, OfKiln, matching
from firmware_bridge.settings_text import say_not_toml, say_problem
from firmware_bridge.wire import MAX_COLUMNS

HTTP_URL_PATTERN: Final = r"^https?://[^\s/]+(/\S*)?$"
# What only a person can say, with an example.
NEEDED: Final = {
    "names": 'names = ["..."]',
    "scale": "scale = 0.1",
    "time_zone": 'time_zone = "Asia/Ho_Chi_Minh"',
    "topic": 'topic = "..."',
    "unit": 'unit = "c" (°C) / unit = "f" (°F)',
    "units": 'units = ["c", "kpa"]',
}


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, the key and what was wanted."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = "cần múi giờ như / wanted a time zone such as Asia/Ho_Chi_Minh"
        raise ValueError(msg) from error
    return name


def _one_of(formats: Mapping[str, Format]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in formats:
            msg = f"cần một trong / wanted one of: {', '.join(formats)}"
            raise ValueError(msg)
        return name

    return AfterValidator(check)


def _beside_file(path: Path, info: ValidationInfo) -> Path:
    """Return the path, which is relative to the settings file."""
    folder = info.context
    assert isinstance(folder, Path)  # noqa: S101 - whoever validates settings says where they lie
    return folder / path


TimeZone = Annotated[str, AfterValidator(_known_zone)]
ServerUrl = Annotated[
    str,
    matching(HTTP_URL_PATTERN, "cần địa chỉ như / wanted an address such as https://lo.example.org"),
    AfterValidator(lambda url: url.rstrip("/")),
]
Host = Annotated[
    str, matching(r"[A-Za-z0-9.:_\-]{1,253}", "cần tên máy hoặc địa chỉ IP / wanted a host name or IP address")
]
Port = Annotated[int, Field(ge=1, le=65535)]
BesideFile = Annotated[Path, AfterValidator(_beside_file)]


class _Decoded(OfKiln):
    """A source whose words a decoder of the registry makes readings of."""

    names: tuple[FilledText, ...] = ()
    unit: Degrees | None = None
    units: tuple[UnitWord, ...] = ()
    scale: Annotated[float, Field(gt=0)] = 1.0
    time_zone: TimeZone | None = None

    @property
    def spoken(self) -> Format:
        """Return the entry of the registry."""
        raise NotImplementedError

    @property
    def keeps_time(self) -> bool:
        return self.time_zone is not None

    @property
    def told(self) -> Told:
        """Return what the decoder is told."""
        zone = ZoneInfo(self.time_zone) if self.time_zone else None
        return Told(self.channels, self.names, self.unit, self.scale, zone, self.units)

    def make_decoder(self) -> Decoder:
        return self.spoken.make(self.told)

    @model_validator(mode="after")
    def _says_what_the_format_needs(self) -> Self:
        spoken, said = self.spoken, self.model_fields_set
        needs = spoken.needs - {"unit"} if "units" in spoken.takes & said else spoken.needs
        for key in sorted(needs - said):
            msg = f"thiếu / missing: {NEEDED[key]}"
            raise ValueError(msg)
        for key in sorted((set(NEEDED) - {"topic"}) & said - spoken.needs - spoken.takes):
            msg = f"{key}: máy loại này không dùng / this kind of instrument does not use it"
            raise ValueError(msg)
        if self.names and len(self.names) != len(self.channels):
            msg = (
                f"names: cần {len(self.channels)} tên, như channels / wanted {len(self.channels)}, as many as channels"
            )
            raise ValueError(msg)
        if self.units and len(self.units) != len(self.channels):
            msg = f"units: cần {len(self.channels)}, như channels / wanted {len(self.channels)}, as many as channels"
            raise ValueError(msg)
        if spoken.most_channels is not None and len(self.channels) > spoken.most_channels:
            msg = f"channels: nhiều nhất {spoken.most_channels} / wanted at most {spoken.most_channels}"
            raise ValueError(msg)
        self.make_decoder()  # a path or a name that the decoder cannot use is an error here
        return self


class SerialSettings(_Decoded):
    """An instrument on a serial port."""

    type: Literal["serial"]
    port: FilledText
    baud: Baud = 9600
    format: Annotated[str, _one_of(SERIAL)]

    @property
    def spoken(self) -> Format:
        return SERIAL[self.format]


class MqttSettings(_Decoded):
    """A device that speaks through a broker."""

    type: Literal["mqtt"]
    host: Host
    port: Port | None = None
    topic: FilledText | None = None
    client_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    username: str | None = None
    password_file: BesideFile | None = None
    version: Literal["3.1.1", "5"] = "3.1.1"
    tls: bool = False
    ca_file: BesideFile | None = None
    format: Annotated[str, _one_of(MQTT)]
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_COLUMNS)] = ("kiln",)

    @property
    def spoken(self) -> Format:
        return MQTT[self.format]

    @property
    def is_encrypted(self) -> bool:
        return self.tls or self.ca_file is not None


class KilnControllerSettings(_Decoded):
    """A kiln-controller, or one of its forks, over its websocket; read only."""

    type: Literal["kiln_controller"]
    host: Host
    port: Port = 8081
    tls: bool = False
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_COLUMNS)] = ("kiln",)

    @property
    def spoken(self) -> Format:
        return KILN_CONTROLLER

    @property
    def url(self) -> str:
        return f"{'wss' if self.tls else 'ws'}://{self.host}:{self.port}"


OneInstrument = SerialSettings | MqttSettings | KilnControllerSettings
SourceSettings = Annotated[OneInstrument | ModbusSettings, Field(discriminator="type")]
KINDS: Final = ("serial", "mqtt", "kiln_controller", "modbus", "command", "sms")


def parts_of(source: SourceSettings) -> Sequence[OneInstrument | ModbusInstrument]:
    """Return the instruments behind a source: one, but on a line that several share."""
    return source.instruments if isinstance(source, ModbusSettings) else (source,)


class PageSettings(BaseModel):
    """The bridge's own status page and counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: bool = True
    host: Host = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8601
    lang: Literal["vi", "en"] = "vi"


class PairingSettings(BaseModel):
    """Which service the bridge speaks to, and where its token lies."""

    model_config = ConfigDict(frozen=True)

    server: ServerUrl
    token_file: BesideFile = Field(Path("bridge.token"), validate_default=True)

    @property
    def is_in_clear(self) -> bool:
        """Whether the token and the readings go over a network where others can read them."""
        url = urlsplit(self.server)
        if url.scheme == "https" or url.hostname == "localhost":
            return False
        try:
            return not ip_address(url.hostname or "").is_loopback
        except ValueError:
            return True


class Settings(PairingSettings):
    """Everything that one bridge must be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: BesideFile = Field(Path("data"), validate_default=True)
    spool_mb: Annotated[int, Field(ge=10, le=1_000_000)] = 1000
    page: PageSettings = PageSettings()
    actions: tuple[ActionSettings, ...] = ()
    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1)]

    @property
    def kilns(self) -> list[str]:
        """Return the kilns that this bridge feeds, in the order of the file."""
        return list(dict.fromkeys(one.kiln for source in self.sources for one in parts_of(source)))

    @model_validator(mode="after")
    def _channels_are_distinct(self) -> Self:
        seen: set[tuple[str, str]] = set()
        for one in (one for source in self.sources for one in parts_of(source)):
            for channel in one.channels:
                if (one.kiln, channel) in seen:
                    msg = f"có hai lần / comes twice: kiln {one.kiln}, channel {channel}"
                    raise ValueError(msg)
                seen.add((one.kiln, channel))
        return self


SettingsT = TypeVar("SettingsT", bound=PairingSettings)


def load_settings(path: Path) -> Settings:
    """Return the settings in a file; paths in it are relative to the file."""
    return _load(Settings, path)


def load_pairing_settings(path: Path) -> PairingSettings:
    """Return what pairing needs of a file, which may have no sources yet."""
    return _load(PairingSettings, path)


def _load(kind: type[SettingsT], path: Path) -> SettingsT:
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        msg = f"{path}: không đọc được / cannot be read: {error.strerror}"
        raise SettingsError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: không phải chữ UTF-8 / not UTF-8 text: {error}"
        raise SettingsError(msg) from error
    try:
        return kind.model_validate(tomllib.loads(text), context=path.resolve().parent)
    except ValidationError as error:
        msg = "\n".join(f"{path}: {say_problem(text, problem, KINDS)}" for problem in error.errors())
        raise SettingsError(msg) from error
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: {say_not_toml(text, error)}"
        raise SettingsError(msg) from error
