"""Which registers of an instrument hold what: read from a data file, one for each model, never from code."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from firmware_bridge.settings_text import say_not_toml, say_problem
from firmware_bridge.units import UNITS
from firmware_bridge.wire import Quality

MAX_REGISTERS_PER_READ: Final = 64
_WORDS: Final = {"int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2, "bit": 1}
_FUNCTIONS: Final = {"bit": (1, 2)}  # all other types: 3 and 4

Function = Literal[1, 2, 3, 4]
Type = Literal["int16", "uint16", "int32", "uint32", "float32", "bit"]
Address = Annotated[int, Field(ge=0, le=65535)]


def known_unit(name: str) -> str:
    if name not in UNITS:
        msg = f"cần một trong / wanted one of: {', '.join(UNITS)}"
        raise ValueError(msg)
    return name


def _coded(said: Any) -> Any:
    """Return a table whose keys are numbers, as in `0x8002 = "open"`: TOML has only texts for keys."""
    if not isinstance(said, dict):
        return said
    try:
        return {int(str(key), 0): value for key, value in said.items()}
    except ValueError as error:
        msg = "cần số bên trái như / wanted numbers on the left, such as 0x8002"
        raise ValueError(msg) from error


UnitWord = Annotated[str, AfterValidator(known_unit)]
Faults = Annotated[dict[int, Quality], BeforeValidator(_coded)]
Units = Annotated[dict[int, UnitWord], BeforeValidator(_coded)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Register(_Part):
    function: Function
    address: Address


class StatusRegister(Register):
    """A register whose bits tell of faults."""

    flags: Faults


class UnitRegister(Register):
    """A register that says which unit the instrument is set to."""

    codes: Units


class MapValue(Register):
    """One value: where it is, how its bits are read, what one count is worth, and which codes are no values.

    What an instrument leaves to its own menu (decimal point, unit) is read from a register, or else the map says
    nothing of it and the settings must.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,39}$")]
    type: Type = "int16"
    word_order: Literal["big", "little"] = "big"
    scale: Annotated[float, Field(gt=0)] | None = None
    decimals: Register | None = None
    unit: UnitWord | None = None
    unit_register: UnitRegister | None = None
    faults: Faults = {}
    status: StatusRegister | None = None

    @property
    def words(self) -> int:
        return _WORDS[self.type]

    @property
    def needs_scale(self) -> bool:
        """Say whether only a person knows what one count is worth."""
        return self.scale is None and self.decimals is None and self.type not in ("float32", "bit")

    @property
    def registers(self) -> list[tuple[int, int]]:
        """Return every (function, address) that must be read to know this value."""
        own: list[tuple[int, int]] = [(self.function, self.address + at) for at in range(self.words)]
        others = [one for one in (self.decimals, self.unit_register, self.status) if one is not None]
        return own + [(one.function, one.address) for one in others]

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.function not in _FUNCTIONS.get(self.type, (3, 4)):
            wanted = " / ".join(str(one) for one in _FUNCTIONS.get(self.type, (3, 4)))
            msg = f"{self.type}: cần / wanted function = {wanted}"
            raise ValueError(msg)
        if self.scale is not None and self.decimals is not None:
            msg = "chỉ một trong hai / wanted one of: scale, decimals"
            raise ValueError(msg)
        if self.unit is not None and self.unit_register is not None:
            msg = "chỉ một trong hai / wanted one of: unit, unit_register"
            raise ValueError(msg)
        return self


class RegisterMap(_Part):
    """One model of instrument. `is_verified`: a reading by this map was compared with the instrument's display."""

    title: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    verified: bool
    usual_line: str = ""
    values: Annotated[tuple[MapValue, ...], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [value.name for value in self.values]
        if len(set(names)) < len(names):
            msg = f"tên trùng nhau / names must be distinct: {', '.join(names)}"
            raise ValueError(msg)
        return self

    def choose(self, names: Sequence[str], count: int) -> list[MapValue]:
        """Return the values of these names, or the first ones. Raises ValueError if there are none such."""
        by_name = {value.name: value for value in self.values}
        chosen = list(names) or list(by_name)[:count]
        missing = [name for name in chosen if name not in by_name]
        if missing or len(chosen) != count:
            msg = f"names: cần {count} tên trong / wanted {count} of: {', '.join(by_name)}"
            raise ValueError(msg)
        return [by_name[name] for name in chosen]


@dataclass(frozen=True)
class Span:
    """Registers that are read in one request."""

    function: int
    address: int
    count: int

    @property
    def registers(self) -> list[tuple[int, int]]:
        return [(self.function, self.address + at) for at in range(self.count)]


def spans(values: Iterable[MapValue]) -> tuple[Span, ...]:
    """Return the requests that read these values: neighbours together, and nothing that was not asked for."""
    found: list[Span] = []
    for function, address in sorted({register for value in values for register in value.registers}):
        last = found[-1] if found else None
        is_next = last is not None and (last.function, last.address + last.count) == (function, address)
        if last is not None and is_next and last.count < MAX_REGISTERS_PER_READ:
            found[-1] = Span(function, last.address, last.count + 1)
        else:
            found.append(Span(function, address, 1))
    return tuple(found)


def known_maps() -> list[str]:
    folder = resources.files("firmware_bridge") / "register_maps"
    return sorted(Path(one.name).stem for one in folder.iterdir() if one.name.endswith(".toml"))


def load_map(instrument: str, folder: Path) -> RegisterMap:
    """Return a map that comes with the bridge, by its name, or a person's own, by its file; ValueError says why not."""
    if instrument.endswith(".toml"):
        try:
            return read_map(instrument, (folder / instrument).read_bytes())
        except OSError as error:
            msg = f"{instrument}: không đọc được / cannot be read: {error.strerror}"
            raise ValueError(msg) from error
    if instrument not in known_maps():
        msg = f"cần tệp .toml, hoặc một trong / wanted a .toml file or one of: {', '.join(known_maps())}"
        raise ValueError(msg)
    file = resources.files("firmware_bridge") / "register_maps" / f"{instrument}.toml"
    return read_map(f"{instrument}.toml", file.read_bytes())


def read_map(name: str, content: bytes) -> RegisterMap:
    """Return the map that a file describes. Raises ValueError with file, line, key and what was wanted."""
    try:
        text = content.decode("utf-8")
        return RegisterMap.model_validate(tomllib.loads(text))
    except UnicodeDecodeError as error:
        msg = f"{name}: không phải chữ UTF-8 / not UTF-8 text: {error}"
    except tomllib.TOMLDecodeError as error:
        msg = f"{name}: {say_not_toml(text, error)}"
    except ValidationError as error:
        msg = "\n".join(f"{name}: {say_problem(text, problem, ())}" for problem in error.errors())
    raise ValueError(msg)
