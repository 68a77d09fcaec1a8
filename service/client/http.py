"""Requests to a running service: tried again where that can help, and never done twice."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar
from uuid import uuid4

import httpx
import msgspec

from service.client import models
from service.errors import ServiceError

TIMEOUT_S: Final = 30.0
LOG_TIMEOUT_S: Final = 400.0  # it is sent and looked at meanwhile
TRIES: Final = 4
FIRST_WAIT_S: Final = 0.25
LONGEST_WAIT_S: Final = 30.0
PAGE: Final = 100
IN_WORK_WITHIN_S: Final = 150.0  # the service itself says for two minutes that it works on what was asked before
# What may be better in a moment; 0 is that it was not reached.
PASSING: Final = (0, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, 504)

Form = Literal["csv", "parquet", "json"]
T = TypeVar("T")


class AnswerError(ServiceError):
    """What the service refused, or that it was not reached (`status` 0); `code` is stable.

    `wait_s` is for how long the service asks to wait, 0 if it does not say.
    """

    def __init__(self, status: int, code: str, detail: str, *, wait_s: float = 0.0) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.wait_s = wait_s


class Client:
    """Asks a service at `url` with an API token; reads are tried again, and so is all that carries a key of its own.

    Parameters
    ----------
    transport, sleep
        For tests: another way to the service, and another way to wait [s].
    """

    def __init__(
        self,
        url: str,
        *,
        token: str,
        language: Literal["vi", "en"] = "vi",
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        headers = {"authorization": f"Bearer {token}", "accept-language": language}
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=TIMEOUT_S, transport=transport
        )
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    # --- kilns ---

    def kilns(self, *, with_retired: bool = False) -> list[models.Kiln]:
        """Return the kilns as they are now."""
        return self._get("/kilns", list[models.Kiln], retired=with_retired or None)

    def kiln(self, kiln_id: int) -> models.Kiln:
        return self._get(f"/kilns/{kiln_id}", models.Kiln)

    def channels(self, kiln_id: int) -> list[models.Channel]:
        return self._get(f"/kilns/{kiln_id}/channels", list[models.Channel])

    def calibrations(self, channel_id: int) -> list[models.Calibration]:
        return self._get(f"/channels/{channel_id}/calibrations", list[models.Calibration])

    def add_calibration(
        self,
        channel_id: int,
        *,
        from_at: datetime,
        offset_c: float = 0.0,
        points: Mapping[float, float] | None = None,
        note: str = "",
    ) -> models.Calibration:
        """Say what is wrong with a probe from a moment on; `points` are indicated temperatures with their errors."""
        table = [{"indicated_c": at_c, "error_c": error_c} for at_c, error_c in sorted((points or {}).items())]
        body = {"from_at": from_at.isoformat(), "offset_c": offset_c, "points": table, "note": note}
        return self._post(f"/channels/{channel_id}/calibrations", models.Calibration, body)

    def curve(self, kiln_id: int, from_at: datetime, to_at: datetime, *, width: int = 1000) -> models.Curve:
        """Return a stretch of time thinned to `width` pixels, every extreme kept."""
        times = {"from_at": from_at.isoformat(), "to_at": to_at.isoformat()}
        return self._get(f"/kilns/{kiln_id}/curve", models.Curve, width=width, **times)

    def plans(self) -> list[models.Plan]:
        return self._get("/plans", list[models.Plan])

    # --- firings ---

    def firings(self, *, kiln_id: int | None = None) -> Iterator[models.Firing]:
        """Go through firings, newest first, as many pages as there are."""
        return self._pages("/firings", list[models.Firing], kiln_id=kiln_id)

    def firing(self, firing_id: int) -> models.FiringDetail:
        return self._get(f"/firings/{firing_id}", models.FiringDetail)

    def change_firing(self, firing: models.Firing, **changes: Any) -> models.FiringDetail:
        """Change what is said, and only if nobody else has changed the firing since."""
        headers = {"if-match": f'"{firing.version}"'}
        return self._told(self._send("PATCH", f"/firings/{firing.id}", changes, headers), models.FiringDetail)

    def merge_firings(self, firing_id: int, later_id: int) -> models.SecondLook:
        """Make a later firing a part of this one, as after a power cut."""
        return self._post(f"/firings/{firing_id}/merge", models.SecondLook, {"firing_id": later_id})

    def recompute_firing(self, firing_id: int) -> models.SecondLook:
        """Have a firing that has ended looked at again, and learn what that changed."""
        return self._post(f"/firings/{firing_id}/recompute", models.SecondLook)

    def findings(self, *, kiln_id: int | None = None, kind: str | None = None) -> Iterator[models.Finding]:
        """Go through findings, newest first."""
        return self._pages("/findings", list[models.Finding], kiln_id=kiln_id, kind=kind)

    def alarms(self) -> list[models.Alarm]:
        """Return the open alarms, newest first, as many pages as there are."""
        return list(self._pages("/alarms", list[models.Alarm]))

    def batches(self, firing_id: int) -> list[models.Batch]:
        return self._get(f"/firings/{firing_id}/batches", list[models.Batch])

    def witness_cones(self, firing_id: int) -> models.WitnessCones:
        """Return how the cones beside the probes stood after a firing."""
        return self._get(f"/firings/{firing_id}/witness-cones", models.WitnessCones)

    def cone_offsets(self, kiln_id: int) -> list[models.ConeOffset]:
        """Return what witness cones have taught of a kiln, by its probes."""
        return self._get(f"/kilns/{kiln_id}/cone-offsets", list[models.ConeOffset])

    def export(self, firing_id: int, file: Path, *, form: Form = "csv", as_taken: bool = False) -> int:
        """Write a firing with every reading into a file, piece by piece; return its length [bytes].

        `as_taken`: without the calibrations of the probes.
        """
        return self._keep(f"/firings/{firing_id}/file", file, {"format": form, "as_taken": str(as_taken).lower()})

    def export_readings(
        self,
        kiln_id: int,
        file: Path,
        *,
        from_at: datetime,
        to_at: datetime,
        form: Form = "csv",
        as_taken: bool = False,
    ) -> int:
        """Write every reading of up to three days of a kiln into a file, as `export`; return its length [bytes]."""
        asked = {"format": form, "as_taken": str(as_taken).lower()}
        asked |= {"from_at": from_at.isoformat(), "to_at": to_at.isoformat()}
        return self._keep(f"/kilns/{kiln_id}/file", file, asked)

    def bring_in_log(self, kiln_id: int, file: Path, **said: str) -> models.BroughtIn:
        """Bring a log into a kiln's history: `unit`, `time_zone`, `start_at`, `target_cone` say what it does not."""
        asked = {"file_name": file.name[:120], **said}
        headers = {"content-type": "application/octet-stream"}
        with file.open("rb") as log, self._reaching():
            answer = self._http.post(
                f"/kilns/{kiln_id}/logs", params=asked, content=log, headers=headers, timeout=LOG_TIMEOUT_S
            )
        if not answer.is_success:
            raise _problem(answer)
        return self._told(answer, models.BroughtIn)

    # --- how it asks ---

    def _keep(self, path: str, file: Path, asked: Mapping[str, str]) -> int:
        """Write an answer into a file: all of it, or the file stays as it was."""
        if file.exists() and not file.is_file():  # such as a pipe
            return self._write(path, file, asked)
        part = file.with_name(f"{file.name}.part")
        try:
            length = self._patiently(lambda: self._write(path, part, asked))
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return length

    def _write(self, path: str, file: Path, asked: Mapping[str, str]) -> int:
        with self._reaching(), self._http.stream("GET", path, params=dict(asked)) as answer:
            if not answer.is_success:
                answer.read()
                raise _problem(answer)
            if "content-disposition" not in answer.headers:
                raise self._astray(answer, "no file")
            with file.open("wb") as out:
                return sum(out.write(piece) for piece in answer.iter_bytes())

    def _get(self, path: str, kind: type[T], **asked: str | int | None) -> T:
        return self._told(self._send("GET", _with(path, asked)), kind)

    def _post(self, path: str, kind: type[T], body: Mapping[str, Any] | None = None) -> T:
        return self._told(self._send("POST", path, body, {"idempotency-key": str(uuid4())}), kind)

    def _pages(self, path: str, of: type[list[T]], **asked: str | int | None) -> Iterator[T]:
        following: str | None = _with(path, {"limit": PAGE, **asked})
        while following is not None:
            answer = self._send("GET", following)
            yield from self._told(answer, of)
            following = answer.links.get("next", {}).get("url")

    def _told(self, answer: httpx.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise self._astray(answer, str(error)) from error

    def _astray(self, answer: httpx.Response, seen: str) -> AnswerError:
        host = self._http.base_url.host
        msg = f"{host} answered something else than was asked for ({seen}); is this the service's address?"
        return AnswerError(answer.status_code, "unreadable", msg)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise AnswerError(0, "unreachable", f"{self._http.base_url.host} was not reached: {error}") from error

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        def ask() -> httpx.Response:
            with self._reaching():
                answer = self._http.request(method, path.removeprefix("/api/v1"), json=body, headers=headers)
            if not answer.is_success:
                raise _problem(answer)
            return answer

        return self._patiently(ask) if method == "GET" or "idempotency-key" in (headers or {}) else ask()

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Ask again for what may be better in a moment, and for as long as the service says that it is at it."""
        tries, in_work_s = 0, 0.0
        while True:
            tries += 1
            try:
                return ask()
            except AnswerError as problem:
                wait_s = min(max(FIRST_WAIT_S * 2 ** (tries - 1), problem.wait_s), LONGEST_WAIT_S)
                if problem.code == "in_work" and in_work_s < IN_WORK_WITHIN_S:
                    tries, in_work_s = 0, in_work_s + wait_s
                elif tries == TRIES or problem.status not in PASSING:
                    raise
            self._sleep(wait_s)


def _asked_to_wait_s(answer: httpx.Response) -> float:
    """Return for how long the service asks to wait; a date, as proxies say it, is as if nothing were said."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isascii() and said.isdigit() else 0.0


def _with(path: str, asked: Mapping[str, str | int | None]) -> str:
    said = {name: value for name, value in asked.items() if value is not None}
    return f"{path}?{httpx.QueryParams(said)}" if said else path


def _problem(answer: httpx.Response) -> AnswerError:
    wait_s = _asked_to_wait_s(answer)
    try:
        said = answer.json()
        return AnswerError(answer.status_code, said["code"], said["detail"], wait_s=wait_s)
    except (ValueError, KeyError, TypeError):
        detail = f"answered {answer.status_code} and no problem document; is this the service's address?"
        return AnswerError(answer.status_code, f"http_{answer.status_code}", detail, wait_s=wait_s)
