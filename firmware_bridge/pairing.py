"""A pairing code into a token: what a person reads off the page becomes the bridge's own key."""

import os
import tempfile
from pathlib import Path
from typing import Final

import httpx
import msgspec
from pydantic import ValidationError

from firmware_bridge.answers import problem_words
from firmware_bridge.settings import PairingSettings, load_pairing_settings

TIMEOUT_S: Final = 20.0

STARTER: Final = """\
# Canh Lò: cài đặt của cầu nối / settings of the bridge
server = "{server}"
token_file = "bridge.token"
data_dir = "data"

# Bỏ dấu # ở phần đúng với máy của bạn, sửa lại, rồi chạy: canhlo-bridge --config {name}
# Take away the # before what fits your instruments, adapt it, then run the command above.

# [[sources]]                    # máy ghi qua cổng nối tiếp / a logger on a serial port
# type = "serial"
# port = "/dev/ttyUSB0"
# baud = 9600
# format = "camera_logger"       # 21/10/2015 11:26:31;650;586
# time_zone = "Asia/Ho_Chi_Minh" # múi giờ của máy ghi / the logger's own time zone
# kiln = "lo-1"
# channels = ["top", "bottom"]   # theo thứ tự trên dòng / in the order of the line

# [[sources]]                    # bộ điều khiển QTKiln qua MQTT / a QTKiln controller over MQTT
# type = "mqtt"
# host = "127.0.0.1"
# port = 1883
# topic = "qtkiln/8813BF703D68/#"  # một lò, một máy / one kiln, one device
# format = "qtkiln"
# kiln = "lo-2"
# channels = ["kiln"]
"""


class PairingError(Exception):
    """The bridge could not be paired; the message says why."""


class Paired(msgspec.Struct, frozen=True):
    """What the service answers to a right code."""

    token: str
    bridge_name: str
    workshop_name: str


def pair(code: str, server: str, config: Path) -> Paired:
    """Exchange the code for a token and keep that in its file; begin a settings file if there is none."""
    settings = _settings(server, config)
    paired = _ask(code, settings.server)
    _write_secret(settings.token_file, paired.token)
    if not config.exists():
        config.write_text(STARTER.format(server=settings.server, name=config.name), "utf-8")
    return paired


def _settings(server: str, config: Path) -> PairingSettings:
    """Return where to ask and where the token goes; a settings file that is there must agree with the command."""
    try:
        asked = PairingSettings.model_validate({"server": server}, context=config.resolve().parent)
    except ValidationError as error:
        msg = f"--server {server}: wanted an address such as http://192.168.1.10:8600"
        raise PairingError(msg) from error
    if not config.exists():
        return asked
    told = load_pairing_settings(config)
    if told.server != asked.server:
        msg = f"{config} says server = {told.server!r}, but --server says {asked.server!r}; wanted the same in both"
        raise PairingError(msg)
    return told


def _ask(code: str, server: str) -> Paired:
    url = f"{server}/api/v1/pair"
    try:
        response = httpx.post(url, json={"code": code}, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        msg = f"{url} does not answer: {error}"
        raise PairingError(msg) from error
    if response.status_code != 200:
        words = problem_words(response.content) or f"answer {response.status_code}"
        msg = f"the service did not take the code: {words}"
        raise PairingError(msg)
    try:
        return msgspec.json.decode(response.content, type=Paired)
    except (msgspec.DecodeError, ValueError) as error:
        msg = f"{url} answered something else than a token: {error}"
        raise PairingError(msg) from error


def _write_secret(path: Path, secret: str) -> None:
    """Replace the file in one step, readable by its owner alone from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, fresh = tempfile.mkstemp(dir=path.parent)  # made with mode 0600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(fresh).replace(path)
