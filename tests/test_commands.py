"""The two commands as a shell has them, whatever they are asked to do."""

import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.mark.parametrize("command", ["canhlo", "canhlo-bridge"])
def test_a_command_says_its_version(command: str) -> None:
    done = subprocess.run([BIN / command, "--version"], capture_output=True, text=True, check=True)

    assert done.stdout == f"{command} {version('canhlo')}\n"


@pytest.mark.parametrize("words", [["canhlo", "serve"], ["canhlo", "demo"], ["canhlo-bridge"]])
def test_ctrl_c_while_a_command_is_still_loading_ends_it_without_a_word(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "httpx.py").write_text('import signal\nprint("loading", flush=True)\nsignal.pause()\n')
    program = subprocess.Popen(
        [BIN / words[0], *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path)},
    )
    with program:
        assert program.stdout is not None
        assert program.stdout.readline() == "loading\n"
        program.send_signal(signal.SIGINT)
        said = program.communicate(timeout=30)

    assert (program.returncode, *said) == (130, "", "")
