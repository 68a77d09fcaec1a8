"""A real VictoriaMetrics and a real InfluxDB of the tests' own, which can be killed and started again.

Debian's InfluxDB is 1.6, which has InfluxQL and no `/api/v2/write`; `V2Door` stands before it and does what InfluxDB
1.8 does itself: that path becomes `/write`, the bucket the database, and `Token user:password` the credentials.
"""

import http.client
import shutil
import signal
import socket
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from pydantic import SecretStr

from service.settings import SinkSettings

USER, PASSWORD = "canhlo", "bi-mat"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SinkServer:
    """One server, of which `settings` says how to reach it."""

    kind: str
    ready_path: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        self.prepare()

    def command(self) -> list[str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what is there once."""

    def start(self) -> None:
        self._process = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}{self.ready_path}").status_code < 500:
                    return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise TimeoutError(self.kind)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    def lose_everything(self) -> None:
        """Be as on the first day, as after a disk that broke."""
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder)
        self.start()
        self.prepare()

    @property
    def settings(self) -> SinkSettings:
        return SinkSettings(kind=self.kind, url=self.url, username=USER, password=SecretStr(PASSWORD))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, asked: Mapping[str, str]) -> httpx.Response:
        answer = httpx.get(f"http://127.0.0.1:{self.port}{path}", params=dict(asked), auth=(USER, PASSWORD))
        assert answer.status_code == 200, answer.text
        return answer

    def points(self) -> int:
        """Return how many readings the server itself says that it has."""
        raise NotImplementedError

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class VictoriaMetrics(SinkServer):
    kind = "victoriametrics"
    ready_path = "/health"

    def command(self) -> list[str]:
        return [
            "victoria-metrics",
            f"-storageDataPath={self.folder}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",
            f"-httpAuth.username={USER}",
            f"-httpAuth.password={PASSWORD}",
            "-loggerLevel=ERROR",
        ]

    def points(self) -> int:
        self.ask("/internal/force_flush", {})
        lines = self.ask("/api/v1/export", {"match[]": '{__name__=~"reading_.*"}', "start": "0"}).text.splitlines()
        assert all("workshop_id" in line for line in lines)
        return sum(line.partition('"timestamps":[')[2].count(",") + 1 for line in lines)


class InfluxDb(SinkServer):
    kind = "influxdb"
    ready_path = "/ping"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.door = V2Door(self.port)

    def command(self) -> list[str]:
        self.folder.mkdir(exist_ok=True)
        config = self.folder / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n'
            f'[meta]\ndir = "{self.folder}/meta"\n'
            f'[data]\ndir = "{self.folder}/data"\nwal-dir = "{self.folder}/wal"\n'
            f"[monitor]\nstore-enabled = false\n"
            f'[http]\nbind-address = "127.0.0.1:{self.port}"\nauth-enabled = true\nlog-enabled = false\n'
        )
        return ["influxd", "-config", str(config)]

    def prepare(self) -> None:
        for query in (f"CREATE USER {USER} WITH PASSWORD '{PASSWORD}' WITH ALL PRIVILEGES", "CREATE DATABASE canhlo"):
            answer = httpx.post(f"http://127.0.0.1:{self.port}/query", params={"q": query, "u": USER, "p": PASSWORD})
            assert "error" not in answer.text, answer.text

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.server_port}"

    def points(self) -> int:
        query = 'SELECT COUNT("value"),COUNT("quality") FROM "reading"'
        result: Any = self.ask("/query", {"db": "canhlo", "q": query}).json()["results"][0]
        return sum(sum(series["values"][0][1:]) for series in result.get("series", []))

    def close(self) -> None:
        self.door.end()
        super().close()


class V2Door(ThreadingHTTPServer):
    """Passes requests on to an InfluxDB 1.6, as 1.8 would read them."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        self.behind = port
        super().__init__(("127.0.0.1", 0), _Passes)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def end(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Passes(BaseHTTPRequestHandler):
    server: V2Door

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        target = urlsplit(self.path)
        path = self.path
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        if target.path == "/api/v2/write":
            asked = parse_qs(target.query)
            path = f"/write?{urlencode({'db': asked['bucket'][0], 'precision': asked['precision'][0]})}"
            token = headers["Authorization"].removeprefix("Token ")
            headers["Authorization"] = f"Basic {b64encode(token.encode()).decode()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            said = answer.read()
        except OSError:
            self.send_error(502)
            return
        finally:
            connection.close()
        self.send_response(answer.status)
        self.send_header("content-length", str(len(said)))
        for name in ("content-encoding", "content-type"):
            if value := answer.getheader(name):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_words: object) -> None:
        pass
