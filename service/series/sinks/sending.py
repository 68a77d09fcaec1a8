"""Lines on their way to a sink, by the official InfluxDB client, which VictoriaMetrics understands as well.

Synchronous: what was sent is taken when `send` returns. The client's own batches are kept in memory, and dropped after
some tries; ours stand in the database.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, cast

import httpx
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from service.counters import SINK_BEYOND_RETENTION
from service.series.sinks.errors import SinkError, told, unreachable
from service.settings import SinkSettings

TIMEOUT_S: Final = 20.0
MAX_LINES: Final = 10_000  # a post: InfluxDB advises 5,000 to 10,000
_MS: Final = cast("WritePrecision", WritePrecision.MS)  # which the client says is a str
_BEGAN: Final = re.compile(r"^vm_app_start_timestamp (\S+)", re.MULTILINE)
_BEYOND_RETENTION: Final = "beyond retention policy"  # words of InfluxDB 1.x, which has stored the rest


class Sender:
    """Writes to one sink."""

    def __init__(self, name: str, settings: SinkSettings) -> None:
        self.name = name
        self._settings = settings
        self._secret = settings.password.get_secret_value()
        self._client: InfluxDBClient | None = None

    def _opened(self) -> InfluxDBClient:
        """Return the client; made when it is wanted, for files that cannot be read stop this sink alone."""
        if self._client is None:
            self._settings.trust()  # whether its files can be read: the client itself would look when it connects
            self._client = InfluxDBClient(
                url=self._settings.url.rstrip("/"),
                token=f"{self._settings.username}:{self._secret}",
                org="-",  # the versions that speak InfluxQL have none
                timeout=int(TIMEOUT_S * 1000),
                enable_gzip=True,
                retries=False,
                auth_basic=self._settings.kind == "victoriametrics" and bool(self._settings.username),
                ssl_ca_cert=_path(self._settings.ca),
                cert_file=_path(self._settings.certificate),
                cert_key_file=_path(self._settings.key),
            )
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]

    @property
    def keeps_at_once(self) -> bool:
        """Whether what it took is on its disk: InfluxDB answers after that, VictoriaMetrics some seconds before."""
        return self._settings.kind == "influxdb"

    def began(self) -> str | None:
        """Return when the sink was started, in its own words; None where it does not matter or cannot be asked."""
        if self.keeps_at_once:
            return None
        asked = f"{self._settings.url.rstrip('/')}/metrics"
        who = (self._settings.username, self._secret)
        try:
            answer = httpx.get(asked, auth=who, timeout=TIMEOUT_S, verify=self._settings.trust(), trust_env=False)
        except (httpx.HTTPError, OSError):
            return None
        found = _BEGAN.search(answer.text)
        return found[1] if found else None

    def send(self, lines: Sequence[str]) -> None:
        """Return when the sink has taken all lines.

        Raises
        ------
        SinkError
            If it has not; some of them may be there, and sending all of them again is right.
        """
        for first in range(0, len(lines), MAX_LINES):
            self._send(lines[first : first + MAX_LINES])

    def _send(self, lines: Sequence[str]) -> None:
        try:
            write = self._opened().write_api(write_options=SYNCHRONOUS).write
            write(bucket=self._settings.database, record="\n".join(lines).encode(), write_precision=_MS)
        except ApiException as error:
            said = str(error.body or error.reason)[:200].strip()
            if error.status == 413 and len(lines) > 1:
                self._send(lines[: len(lines) // 2])
                self._send(lines[len(lines) // 2 :])
            elif error.status == 400 and _BEYOND_RETENTION in said:
                SINK_BEYOND_RETENTION.labels(self.name).inc()
            else:
                raise SinkError(told(self.name, self._settings, error.status or 0, said)) from error
        except (HTTPError, OSError) as error:
            raise SinkError(unreachable(self.name, self._settings.url, error)) from error


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)
