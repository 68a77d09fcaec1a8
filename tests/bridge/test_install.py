"""The wheel on a board that has nothing: installed by its own script, without numpy, and run."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from bridge_fakes import free_port

HOUSE = Path(__file__).parents[2]
INSTALL = HOUSE / "firmware_bridge/install"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(HOUSE)], check=True)
    return next(folder.glob("canhlo-*.whl"))


@pytest.fixture(scope="module")
def board(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another root, in which install.sh has run twice: the second time it upgrades."""
    root = tmp_path_factory.mktemp("board")
    server = f"http://127.0.0.1:{free_port()}"
    env = {"CANHLO_ROOT": str(root), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "HOME": str(Path.home())}
    for _ in range(2):
        subprocess.run(["sh", str(INSTALL / "install.sh"), str(wheel), server], check=True, env=env, timeout=100)
    return root


def run(board: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(board / "opt/canhlo-bridge/bin/canhlo-bridge"), "--lang", "en", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=board, check=False)


def test_it_installs_and_speaks_without_numpy(board: Path) -> None:
    python = board / "opt/canhlo-bridge/bin/python"
    numpy = subprocess.run([str(python), "-c", "import numpy"], capture_output=True, check=False)
    helped, scanned = run(board, "--help"), run(board, "scan", str(board / "ttyUSB0"))

    assert b"No module named 'numpy'" in numpy.stderr
    assert (helped.returncode, scanned.returncode) == (0, 0), helped.stderr + scanned.stderr
    assert "scan" in helped.stdout
    assert "there is no such port" in scanned.stdout


def test_it_says_its_version(board: Path, wheel: Path) -> None:
    assert run(board, "--version").stdout.split() == ["canhlo-bridge", wheel.name.split("-")[1]]


def test_beside_a_folder_of_wheels_it_asks_no_network(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    shutil.copy(wheel, tmp_path)
    env = {"CANHLO_ROOT": str(tmp_path / "root"), "PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    command = ["sh", str(INSTALL / "install.sh"), str(tmp_path / wheel.name)]

    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=100)

    assert ended.returncode != 0, "the folder is empty, and nothing else was asked"
    assert "from versions: none" in ended.stderr


def test_its_check_says_that_the_example_has_no_instrument_yet(board: Path) -> None:
    checked = run(board, "--config", str(board / "etc/canhlo-bridge/bridge.toml"), "--check")

    assert checked.returncode == 2
    assert "sources" in checked.stdout
    assert "then check again" in checked.stdout


def test_its_check_says_that_the_service_is_away(board: Path) -> None:
    config = board / "bridge.toml"
    config.write_text((board / "etc/canhlo-bridge/bridge.toml").read_text())
    with config.open("a") as file:
        file.write('[[sources]]\ntype = "kiln_controller"\nhost = "127.0.0.1"\nport = 9\nkiln = "lo-1"\n')
    text = config.read_text().replace("/var/lib/canhlo-bridge", str(board / "var/lib/canhlo-bridge"))
    config.write_text(text)

    checked = run(board, "--config", str(config), "--check")

    assert checked.returncode == 2
    for words in ("✓ Settings", "✗ Controller", "✗ Token", "✗ Service"):
        assert words in checked.stdout, checked.stdout


def test_everything_is_in_its_place(board: Path) -> None:
    placed = ("etc/systemd/system/canhlo-bridge.service", "etc/udev/rules.d/70-canhlo-bridge.rules")
    config = (board / "etc/canhlo-bridge/bridge.toml").read_text()

    assert all((board / path).read_text() for path in placed)
    assert (board / "usr/local/bin/canhlo-bridge").stat().st_mode & 0o111
    assert 'data_dir = "/var/lib/canhlo-bridge/data"' in config
    assert config.count('server = "http://127.0.0.1:') == 1


def test_the_wheel_has_what_the_script_takes_from_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())

    assert {f"firmware_bridge/install/{path.name}" for path in INSTALL.iterdir()} <= names
    assert {"firmware_bridge/install/bridge.txt", "firmware_bridge/example.toml"} <= names
    assert "firmware_bridge/register_maps/omron_e5cc.toml" in names
    assert "firmware_bridge/firmware/arduino/canhlo_line/canhlo_line.h" in names


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_the_service_is_locked_in() -> None:
    unit = INSTALL / "canhlo-bridge.service"
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)

    assert judged.returncode == 0, judged.stdout[-400:] + judged.stderr
