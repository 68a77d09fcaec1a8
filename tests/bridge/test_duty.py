"""The real program, cut off from its service: it goes on watching by the limits it was given, also after a restart."""

import json
import os
import signal
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from bridge_fakes import Service, free_port, until
from test_bridge_process import SERIAL, Bridge, running

from firmware_bridge.wire import Limits

# Fast enough for a minute's wait to pass in a second.
RATE = 60


@pytest.fixture
def logger_port() -> Iterator[tuple[int, str]]:
    master, slave = os.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    os.close(master)
    os.close(slave)


def settings(folder: Path, port: str) -> str:
    said = f"import sys; open({str(folder / 'said')!r}, 'a').write(sys.argv[1] + chr(10))"
    run = json.dumps([sys.executable, "-c", said])
    return SERIAL.format(port=port) + f'[[actions]]\ntype = "command"\nrun = {run}\n'


async def test_limits_outlive_service_and_restart_and_a_hot_kiln_is_told_of(
    tmp_path: Path, logger_port: tuple[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    master, port = logger_port
    monkeypatch.setenv("CANHLO_CLOCK", f"{RATE},2026-03-01T12:00:00+00:00,{time.time()}")
    async with Service() as service:
        service.limits = [Limits("lo-1", over_c=1280.0)]
        bridge = Bridge(tmp_path, service.url, settings(tmp_path, port))
        async with running(bridge):
            await until(bridge.is_connected)
            os.write(master, b"21/10/2015 11:26:31;650;586\n")
            await until((tmp_path / "data/limits.json").exists)
            await bridge.end(signal.SIGTERM)

    bridge = Bridge(tmp_path, f"http://127.0.0.1:{free_port()}", settings(tmp_path, port))
    async with running(bridge):
        await until(bridge.is_connected)
        for second in range(32, 60):
            os.write(master, b"21/10/2015 11:26:%d;1300;586\n" % second)
        await until((tmp_path / "said").exists)
        status = bridge.status()
        await bridge.end(signal.SIGTERM)

    assert (tmp_path / "said").read_text().startswith("Canh Lò (mất mạng): lò lo-1, can top 1300 °C, quá mức 1280 °C.")
    assert status["offline"]["kinds"] == ["over_temperature"]
    assert status["offline"]["actions"] == ["command"]
