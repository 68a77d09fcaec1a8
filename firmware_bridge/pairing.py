"""A pairing code into a token: what a person reads off the page becomes the bridge's own key."""

import os
import re
import tempfile
from importlib import resources
from pathlib import Path
from typing import Final

import httpx
import msgspec
from pydantic import ValidationError

from firmware_bridge.answers import problem_words
from firmware_bridge.settings import PairingSettings, load_pairing_settings

TIMEOUT_S: Final = 20.0


class PairingError(Exception):
    """The bridge could not be paired; the message says why."""


class Paired(msgspec.Struct, frozen=True):
    """What the service answers to a right code."""

    token: str
    bridge_name: str
    workshop_name: str


def pair(code: str, server: str | None, config: Path) -> Paired:
    """Exchange the code for a token and keep that in its file; begin a settings file if there is none.

    The service is the one that the settings file names, or `server` where there is no file yet.
    """
    settings = _settings(server, config)
    if settings.is_in_clear:
        msg = (
            f"{settings.server}: ai trong mạng cũng đọc được khoá trên đường đi, cần https:// / "
            "whoever is on the network could read the key on its way, wanted https://"
        )
        raise PairingError(msg)
    paired = _ask(code, settings.server)
    _write_secret(settings.token_file, paired.token)
    if not config.exists():
        config.write_text(_starter(settings.server), "utf-8")
    return paired


def _starter(server: str) -> str:
    """Return the example, with this service's address and every instrument still behind its #."""
    example = (resources.files("firmware_bridge") / "example.toml").read_text("utf-8")
    return re.sub(r'^server = ".*"', lambda _: f'server = "{server}"', example, count=1, flags=re.MULTILINE)


def _settings(server: str | None, config: Path) -> PairingSettings:
    """Return where to ask and where the token goes; a settings file that is there must agree with the command."""
    told = load_pairing_settings(config) if config.exists() else None
    if server is None:
        if told is None:
            msg = f"{config} chưa có, cần thêm / is not there yet, so add: --server https://lo.example.org"
            raise PairingError(msg)
        return told
    try:
        asked = PairingSettings.model_validate({"server": server}, context=config.resolve().parent)
    except ValidationError as error:
        msg = f"--server {server}: cần địa chỉ như / wanted an address such as https://lo.example.org"
        raise PairingError(msg) from error
    if told is not None and told.server != asked.server:
        msg = f"{config}: server = {told.server!r}, --server {asked.server!r}: cần giống nhau / wanted the same in both"
        raise PairingError(msg)
    return told or asked


def _ask(code: str, server: str) -> Paired:
    url = f"{server}/api/v1/pair"
    try:
        response = httpx.post(url, json={"code": code}, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        msg = f"{url}: không trả lời / does not answer: {error}. Xem mạng và địa chỉ / look at network and address."
        raise PairingError(msg) from error
    if response.status_code != 200:
        words = problem_words(response.content) or f"answer {response.status_code}"
        msg = (
            f"máy chủ không nhận mã này: lấy mã mới trên trang Cài đặt (dùng một lần, trong 30 phút)"
            f" / the service did not take the code, get a new one on its page ({words})"
        )
        raise PairingError(msg)
    try:
        return msgspec.json.decode(response.content, type=Paired)
    except (msgspec.DecodeError, ValueError) as error:
        msg = f"{url}: không phải Canh Lò trả lời / answered something else than a token: {error}"
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
