"""TOML lines to paste, for an instrument that was found. What nobody said is left for the person to say."""

import json
from collections.abc import Iterable, Sequence

from firmware_bridge.formats import SERIAL
from firmware_bridge.set_up.bus import Found, first_value
from firmware_bridge.set_up.lines import Guess
from firmware_bridge.set_up.topics import Heard
from firmware_bridge.sources.modbus import Line
from firmware_bridge.words import Words


def propose_port(port: str, baud: int, guess: Guess, words: Words) -> str:
    """Return the lines that read a serial port."""
    return _table(
        [
            'type = "serial"',
            f"port = {_quoted(port)}",
            f"baud = {baud}",
            f"format = {_quoted(guess.format)}",
            *([f'time_zone = "Asia/Ho_Chi_Minh"  # {words("scan.say_zone")}'] if _has_own_clock(guess) else []),
            *([] if guess.is_unit_said else [_unit_line(words)]),
            *([f"names = {_list(guess.names)}"] if guess.names else []),
            f'kiln = "lo-1"  # {words("scan.say_kiln")}',
            f"channels = {_list(_channels(guess.channels))}  # {words('scan.say_channels')}",
        ]
    )


def _has_own_clock(guess: Guess) -> bool:
    return "time_zone" in SERIAL[guess.format].needs


def propose_topics(host: str, port: int, heard: Iterable[Heard], words: Words) -> list[str]:
    """Return the lines for each device: what shares format and topic is one."""
    devices: dict[tuple[str, str], list[Heard]] = {}
    for one in heard:
        devices.setdefault((one.format, one.topic), []).append(one)
    return [_device(host, port, ours, words) for ours in devices.values()]


def propose_line(line: Line, found: Iterable[Found], words: Words) -> str:
    """Return the lines that read a Modbus line; each instrument by the first map that it answers to."""
    parts = [
        _table(
            [
                'type = "modbus"',
                f"port = {_quoted(line.port)}",
                f"baud = {line.baud}",
                f"framing = {_quoted(line.framing)}",
                f"protocol = {_quoted(line.protocol)}",
            ]
        ),
        *(_instrument(one, words) for one in found),
    ]
    return "\n".join(parts)


def _instrument(one: Found, words: Words) -> str:
    maps = ", ".join(f"{name} {list(said)}" for name, said in one.maps)
    name = one.maps[0][0] if one.maps else "own_map.toml"
    value = first_value(name) if one.maps else None
    lines = [
        "[[sources.instruments]]",
        f"address = {one.address}",
        f"instrument = {_quoted(name)}  # {words('scan.say_map', maps=maps or '–')}",
        *([f"# scale = 0.1  # {words('scan.say_scale')}"] if value is None or value.needs_scale else []),
        *([_unit_line(words)] if value is None or not (value.unit or value.unit_register) else []),
        f'kiln = "lo-{one.address}"  # {words("scan.say_kiln")}',
        'channels = ["top"]',
    ]
    return "\n".join(lines)


def _device(host: str, port: int, ours: Sequence[Heard], words: Words) -> str:
    names = [one.name for one in ours if one.name]
    return _table(
        [
            'type = "mqtt"',
            f"host = {_quoted(host)}",
            f"port = {port}",
            f"topic = {_quoted(ours[0].topic)}",
            f"format = {_quoted(ours[0].format)}",
            *([] if ours[0].is_unit_said else [_unit_line(words)]),
            *([f"names = {_list(names)}"] if names else []),
            f'kiln = "lo-1"  # {words("scan.say_kiln")}',
            f"channels = {_list(_channels(len(ours)))}  # {words('scan.say_channels')}",
        ]
    )


def _channels(n: int) -> list[str]:
    known = ("top", "bottom")
    return list(known[:n]) + [f"probe-{at}" for at in range(len(known) + 1, n + 1)]


def _unit_line(words: Words) -> str:
    return f'# unit = "c"  # {words("scan.say_unit")}'


def _table(lines: Iterable[str]) -> str:
    return "\n".join(["[[sources]]", *lines])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML basic string


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"
