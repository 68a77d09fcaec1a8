"""InfluxDB and VictoriaMetrics as they come from Debian, to be measured beside."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.load import cpu_s, wait_for
from service.demo.broker import free_port

INFLUX_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{inner}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[logging]
  level = "error"
"""


@dataclass(frozen=True)
class Peer:
    """A server that runs, and where it takes line protocol."""

    name: str
    port: int
    pid: int
    path: str

    def cpu_s(self) -> float:
        return cpu_s(self.pid)


def program(name: str, package: str) -> str:
    """Return where a program is, or say how to get it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        msg = f"{name} is not on this machine; on Debian: apt-get install {package}"
        raise FileNotFoundError(msg)
    return found


@contextmanager
def victoria_metrics() -> Iterator[Peer]:
    """Run a VictoriaMetrics."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        words = [f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
        with _running(
            [program("victoria-metrics", "victoria-metrics"), *words], f"http://127.0.0.1:{port}/health"
        ) as pid:
            yield Peer("VictoriaMetrics", port, pid, "/write")


@contextmanager
def influxdb() -> Iterator[Peer]:
    """Run an InfluxDB 1.6, which writes its log through to the disk before it answers."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        config = Path(folder) / "influxdb.conf"
        config.write_text(INFLUX_CONFIG.format(folder=folder, port=port, inner=free_port()))
        url = f"http://127.0.0.1:{port}"
        with _running([program("influxd", "influxdb"), "-config", str(config)], f"{url}/ping") as pid:
            httpx.post(f"{url}/query", params={"q": "CREATE DATABASE village"}).raise_for_status()
            yield Peer("InfluxDB 1.6", port, pid, "/write?db=village&precision=ms")


@contextmanager
def _running(words: list[str], ready: str) -> Iterator[int]:
    with subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(ready)
            yield server.pid
        finally:
            server.terminate()
