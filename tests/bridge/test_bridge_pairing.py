import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from bridge_fakes import free_port

from firmware_bridge.cli import main
from firmware_bridge.pairing import PairingError, pair
from firmware_bridge.settings import PairingSettings

TOKEN = "not-a-real-token"


class Desk(HTTPServer):
    """The service's pairing desk: one code is right."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, said = {
            "RIGHT": (200, {"token": TOKEN, "bridge_name": "Cầu 1", "workshop_name": "Xưởng Lan"}),
            "ODD": (200, {"key": TOKEN}),
        }.get(asked["code"], (404, {"title": "not found", "detail": "no bridge waits for this code"}))
        self.send_response(status if self.path == "/api/v1/pair" else 500)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def desk() -> Iterator[Desk]:
    server = Desk()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_token_is_written_for_its_owner_alone_with_settings_to_begin_from(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "bridge.toml"

    main(["pair", "RIGHT", "--lang", "vi", "--server", desk.url, "--config", str(config)])

    token = tmp_path / "bridge.token"
    assert token.read_text() == TOKEN + "\n"
    assert token.stat().st_mode & 0o777 == 0o600
    assert PairingSettings.model_validate(tomllib.loads(config.read_text()), context=tmp_path).server == desk.url
    said = capsys.readouterr().out
    assert 'Đã ghép "Cầu 1" với xưởng "Xưởng Lan"' in said
    assert TOKEN not in said


def test_settings_that_are_there_are_kept_and_say_where_the_token_goes(desk: Desk, tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text(f'server = "{desk.url}"\ntoken_file = "keys/mine"\n')

    pair("RIGHT", desk.url + "/", config)

    assert (tmp_path / "keys/mine").read_text() == TOKEN + "\n"
    assert config.read_text() == f'server = "{desk.url}"\ntoken_file = "keys/mine"\n'


def test_settings_that_name_the_service_need_no_address(desk: Desk, tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text(f'server = "{desk.url}"\n')

    pair("RIGHT", None, config)

    assert (tmp_path / "bridge.token").read_text() == TOKEN + "\n"


def test_without_settings_the_address_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(PairingError, match="so add: --server"):
        pair("RIGHT", None, tmp_path / "bridge.toml")


def test_a_wrong_code_says_so_and_ends_with_2(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["pair", "WRONG", "--server", desk.url, "--config", str(tmp_path / "bridge.toml")])

    assert ended.value.code == 2
    assert "no bridge waits for this code" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_settings_for_another_service_are_not_overruled(desk: Desk, tmp_path: Path) -> None:
    config = tmp_path / "bridge.toml"
    config.write_text('server = "http://elsewhere:8600"\n')

    with pytest.raises(PairingError, match="wanted the same in both"):
        pair("RIGHT", desk.url, config)


@pytest.mark.parametrize(("server", "words"), [("nowhere", "wanted an address"), ("", "wanted an address")])
def test_an_address_that_is_none_is_an_error(tmp_path: Path, server: str, words: str) -> None:
    with pytest.raises(PairingError, match=words):
        pair("RIGHT", server, tmp_path / "bridge.toml")


def test_an_answer_without_a_token_and_no_answer_are_errors(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(PairingError, match="something else than a token"):
        pair("ODD", desk.url, tmp_path / "bridge.toml")
    with pytest.raises(PairingError, match="does not answer"):
        pair("RIGHT", f"http://127.0.0.1:{free_port()}", tmp_path / "bridge.toml")


@pytest.mark.parametrize(
    ("server", "is_in_clear"),
    [
        ("https://lo.example.org", False),
        ("http://127.0.0.1:8600", False),
        ("http://[::1]:8600", False),
        ("http://localhost:8600", False),
        ("http://192.168.1.10:8600", True),
        ("http://localhost.example.org", True),
    ],
)
def test_what_others_could_read_is_known(server: str, is_in_clear: bool, tmp_path: Path) -> None:
    settings = PairingSettings.model_validate({"server": server}, context=tmp_path)

    assert settings.is_in_clear is is_in_clear


def test_no_key_is_asked_for_where_others_could_read_it(tmp_path: Path) -> None:
    with pytest.raises(PairingError, match="wanted https://"):
        pair("RIGHT", "http://192.168.1.10:8600", tmp_path / "bridge.toml")

    assert list(tmp_path.iterdir()) == []
