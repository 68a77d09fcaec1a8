from pathlib import Path

import pytest

from firmware_bridge.modbus_settings import ModbusSettings
from firmware_bridge.settings import SettingsError, load_settings

LINE = """server = "http://127.0.0.1:8600"
[[sources]]
type = "modbus"
port = "/dev/ttyUSB0"

[[sources.instruments]]
address = 1
instrument = "autonics_tk4"
kiln = "lo-1"
channels = ["top"]

[[sources.instruments]]
address = 2
instrument = "omron_e5cc"
scale = 1
unit = "c"
kiln = "lo-2"
channels = ["top"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.toml"


def test_a_line_has_several_instruments_and_usual_values(path: Path) -> None:
    path.write_text(LINE)

    (line,) = load_settings(path).sources

    assert isinstance(line, ModbusSettings)
    assert (line.baud, line.framing, line.protocol, line.every_s) == (9600, "8N1", "rtu", 1.0)
    assert [one.key for one in line.instruments] == ["lo-1/top", "lo-2/top"]


def test_an_own_map_lies_beside_the_settings(path: Path) -> None:
    own = 'title = "x"\nsource = "y"\nverified = false\n[[values]]\nname = "pv"\nfunction = 3\naddress = 5\n'
    (path.parent / "mine.toml").write_text(own + 'scale = 0.1\nunit = "c"\n')
    path.write_text(LINE.replace("autonics_tk4", "mine.toml"))

    (line,) = load_settings(path).sources

    assert isinstance(line, ModbusSettings)
    assert line.instruments[0].mapped[0].value.address == 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LINE.replace('unit = "c"\n', ""), "dòng/line 12: sources[1].instruments[2]: thiếu / missing: unit"),
        (LINE.replace("scale = 1\n", ""), "dòng/line 12: sources[1].instruments[2]: thiếu / missing: scale"),
        (LINE.replace("address = 2", "address = 1"), "địa chỉ có hai lần / address comes twice: 1"),
        (LINE.replace("address = 2", "address = 300"), "line 13: sources[1].instruments[2].address: nhiều nhất là 247"),
        (
            LINE.replace("omron_e5cc", "omron"),
            "cần tệp .toml, hoặc một trong / wanted a .toml file or one of: autonics",
        ),
        (LINE.replace('["top"]', '["a", "b", "c"]', 1), "names: cần 3 tên trong / wanted 3 of: pv, sp"),
        (LINE.replace("lo-2", "lo-1"), "có hai lần / comes twice: kiln lo-1, channel top"),
        (LINE.replace("ttyUSB0", 'ttyUSB0"\nframing = "9X1'), "line 5: sources[1].framing: cần số bit"),
        (LINE.replace("ttyUSB0", 'ttyUSB0"\nframing = "7E1'), "RTU cần 8 bit / RTU wanted 8 data bits"),
        (LINE.replace("address = 1", 'address = 1\nunit = "c"'), "unit: autonics_tk4 đã cho biết / says it itself"),
        (LINE.replace("omron_e5cc", "none.toml"), "none.toml: không đọc được / cannot be read"),
    ],
)
def test_a_mistake_is_told_with_line_and_key(path: Path, text: str, words: str) -> None:
    path.write_text(text)

    with pytest.raises(SettingsError) as caught:
        load_settings(path)

    assert words in str(caught.value)


def test_a_mistake_in_an_own_map_is_told_with_its_own_line(path: Path) -> None:
    (path.parent / "mine.toml").write_text('title = "x"\nsource = "y"\nverified = "maybe"\n')
    path.write_text(LINE.replace("autonics_tk4", "mine.toml"))

    with pytest.raises(SettingsError, match=r"mine\.toml: dòng/line 3: verified"):
        load_settings(path)
