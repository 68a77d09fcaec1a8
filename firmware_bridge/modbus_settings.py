"""The settings of a Modbus line and of the instruments on it."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from firmware_bridge.decoders.modbus_registers import Mapped, ModbusRegisters
from firmware_bridge.register_map import UnitWord, load_map
from firmware_bridge.settings_parts import Baud, FilledText, OfKiln, matching


class ModbusInstrument(OfKiln):
    """One address on the line. `instrument` is a model that the bridge knows, or the file of a register map."""

    address: Annotated[int, Field(ge=1, le=247)]
    instrument: FilledText
    names: tuple[FilledText, ...] = ()
    scale: Annotated[float, Field(gt=0)] | None = None
    unit: UnitWord | None = None
    _mapped: tuple[Mapped, ...] = PrivateAttr(())

    @property
    def mapped(self) -> tuple[Mapped, ...]:
        """Return what each channel is on the instrument."""
        return self._mapped

    def make_decoder(self) -> ModbusRegisters:
        return ModbusRegisters(self._mapped)

    @model_validator(mode="after")
    def _fits_its_map(self, info: ValidationInfo) -> Self:
        folder = info.context if isinstance(info.context, Path) else Path()
        values = load_map(self.instrument, folder).choose(self.names, len(self.channels))
        for value in values:
            if value.unit is None and value.unit_register is None and self.unit is None:
                msg = f'thiếu / missing: unit = "c" (°C) / unit = "f" (°F) ({self.instrument}: {value.name})'
                raise ValueError(msg)
            if value.needs_scale and self.scale is None:
                msg = f"thiếu / missing: scale = 1 / scale = 0.1 ({self.instrument}: {value.name})"
                raise ValueError(msg)
        if self.scale is not None and not any(value.needs_scale for value in values):
            msg = f"scale: {self.instrument} đã cho biết / says it itself"
            raise ValueError(msg)
        if self.unit is not None and all(value.unit or value.unit_register for value in values):
            msg = f"unit: {self.instrument} đã cho biết / says it itself"
            raise ValueError(msg)
        self._mapped = tuple(
            Mapped(channel, value, self.scale, self.unit) for channel, value in zip(self.channels, values, strict=True)
        )
        return self


class ModbusSettings(BaseModel):
    """Instruments on one RS-485 line, over Modbus RTU or ASCII; they are only read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["modbus"]
    port: FilledText
    baud: Baud = 9600
    framing: Annotated[
        str, matching(r"[78][NEO][12]", "cần số bit, chẵn lẻ, bit dừng / wanted data bits, parity, stop bits: 8N1")
    ] = "8N1"
    protocol: Literal["rtu", "ascii"] = "rtu"
    every_s: Annotated[float, Field(ge=0.2, le=60)] = 1.0
    timeout_s: Annotated[float, Field(ge=0.05, le=5)] = 0.3
    instruments: Annotated[tuple[ModbusInstrument, ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _addresses_are_distinct(self) -> Self:
        addresses = [one.address for one in self.instruments]
        for address in addresses:
            if addresses.count(address) > 1:
                msg = f"địa chỉ có hai lần / address comes twice: {address}"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _rtu_needs_eight_bits(self) -> Self:
        if self.protocol == "rtu" and self.framing[0] != "8":
            msg = f"framing: RTU cần 8 bit / RTU wanted 8 data bits (đang là / seen: {self.framing!r})"
            raise ValueError(msg)
        return self
