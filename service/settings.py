"""Settings of the service: read once at the start, handed down as values."""

from datetime import UTC, datetime
from pathlib import Path

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.clock import Clock

PUSH_HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    ".notify.windows.com",
    ".push.apple.com",
)


class Settings(BaseSettings):
    """From the environment, as `CANHLO_<NAME>`; every one has a default that works."""

    model_config = SettingsConfigDict(env_prefix="CANHLO_", frozen=True)

    data_dir: Path = Path.home() / ".local/share/canhlo"
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8600
    public_url: str = ""
    push_hosts: tuple[str, ...] = PUSH_HOSTS  # a leading dot stands for every host below it
    push_contact: str = "mailto:canhlo@localhost"
    clock: str = ""

    @field_validator("clock")
    @classmethod
    def _clock_has_three_parts(cls, value: str) -> str:
        if value:
            parse_clock(value)
        return value

    @property
    def database(self) -> str:
        """Return the database's URL: the one given, else a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'canhlo.sqlite3'}"

    @property
    def url(self) -> str:
        """Return where people reach the service."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


def parse_clock(value: str) -> Clock:
    """Return the clock that `rate,start,machine_start_s` describes; the machine's own for an empty string."""
    if not value:
        return Clock()
    try:
        rate, start, machine_start_s = value.split(",")
        return Clock(float(rate), datetime.fromisoformat(start).astimezone(UTC), float(machine_start_s))
    except ValueError as error:
        msg = f"clock is rate,start,machine_start_s (such as 60,2015-10-21T09:26:00+00:00,1790000000), not {value!r}"
        raise ValueError(msg) from error
