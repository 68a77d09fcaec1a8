"""The bridge's one settings file: TOML, read once, every error naming the key and what was wanted."""

import tomllib
from pathlib import Path
from typing import Annotated, Final, Literal, Self, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import ErrorDetails

from firmware_bridge.wire import MAX_COLUMNS

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9_\-]{0,39}$"  # as wire.Name
HTTP_URL_PATTERN: Final = r"^https?://[^\s/]+(/\S*)?$"


class SettingsError(Exception):
    """The settings cannot be used; the message names the file, the key and what was wanted."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = "wanted an IANA time zone such as Asia/Ho_Chi_Minh"
        raise ValueError(msg) from error
    return name


def _beside_file(path: Path, info: ValidationInfo) -> Path:
    """Return the path, which is relative to the settings file."""
    folder = info.context
    assert isinstance(folder, Path)  # noqa: S101 - whoever validates settings says where they lie
    return folder / path


Name = Annotated[str, Field(pattern=NAME_PATTERN)]
TimeZone = Annotated[str, AfterValidator(_known_zone)]
ServerUrl = Annotated[str, Field(pattern=HTTP_URL_PATTERN), AfterValidator(lambda url: url.rstrip("/"))]


BesideFile = Annotated[Path, AfterValidator(_beside_file)]


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kiln: Name
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_COLUMNS)]

    @property
    def key(self) -> str:
        """Name the source for ever, also when its cable moves to another port."""
        return f"{self.kiln}/{self.channels[0]}"


class SerialSettings(_Source):
    """An instrument on a serial port."""

    type: Literal["serial"]
    port: Annotated[str, Field(min_length=1)]
    baud: Annotated[int, Field(ge=50, le=4_000_000)] = 9600
    format: Literal["camera_logger"]
    time_zone: TimeZone


class MqttSettings(_Source):
    """A device that speaks through a broker."""

    type: Literal["mqtt"]
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_\-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    topic: Annotated[str, Field(min_length=1, max_length=1000)] = "qtkiln/#"
    client_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    username: str | None = None
    password_file: BesideFile | None = None
    format: Literal["qtkiln"]
    channels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1)] = ("kiln",)


SourceSettings = Annotated[SerialSettings | MqttSettings, Field(discriminator="type")]


class PairingSettings(BaseModel):
    """Which service the bridge speaks to, and where its token lies."""

    model_config = ConfigDict(frozen=True)

    server: ServerUrl
    token_file: BesideFile = Field(Path("bridge.token"), validate_default=True)


class Settings(PairingSettings):
    """Everything that one bridge must be told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: BesideFile = Field(Path("data"), validate_default=True)
    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _channels_are_distinct(self) -> Self:
        seen: set[tuple[str, str]] = set()
        for source in self.sources:
            for channel in source.channels:
                if (source.kiln, channel) in seen:
                    msg = f"sources: channel {channel} of kiln {source.kiln} comes twice; wanted each once"
                    raise ValueError(msg)
                seen.add((source.kiln, channel))
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
        toml = tomllib.loads(path.read_text("utf-8"))
        return kind.model_validate(toml, context=path.resolve().parent)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from error
    except ValidationError as error:
        msg = "\n".join(f"{path}: {_in_words(problem)}" for problem in error.errors())
        raise SettingsError(msg) from error
    except ValueError as error:  # not TOML, or not UTF-8
        msg = f"{path}: not TOML: {error}"
        raise SettingsError(msg) from error


def _in_words(problem: ErrorDetails) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part not in ("serial", "mqtt"))
    seen = "" if isinstance(problem["input"], dict) else f", not {problem['input']!r}"
    said = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {said}{seen}" if key else said
