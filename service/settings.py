"""Settings of the service: read once at the start, handed down as values."""

import json
import os
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from service.clock import Clock
from service.in_clear import check_database, check_sink, stays_here

PUSH_HOSTS = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "web.push.apple.com",
    ".notify.windows.com",
    ".push.apple.com",
)
# Hosts that stand for every address of this machine, and an address of documentation in each family (RFC 5737, 3849).
EVERYWHERE = {"0.0.0.0": (socket.AF_INET, "192.0.2.1"), "::": (socket.AF_INET6, "2001:db8::1")}  # noqa: S104 - nothing listens here

SinkName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]


class SinkSettings(BaseModel):
    """Another store to which readings are passed on: where it is, and as whom to come."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["influxdb", "victoriametrics"]
    url: Annotated[str, Field(pattern=r"^https?://[^@?#]+$")]  # a password has its own place
    # Where it is read, if that is elsewhere (vmselect of a cluster).
    read_url: Annotated[str, Field(pattern=r"^(https?://[^@?#]+)?$")] = ""
    database: str = "canhlo"  # of InfluxDB
    username: str = ""
    password: SecretStr = SecretStr("")
    ca: Path | None = None  # who vouches for it; the usual authorities if nothing is said
    certificate: Path | None = None  # who we are, in place of a password, with its key
    key: Path | None = None

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> "SinkSettings":
        if (self.certificate is None) != (self.key is None):
            msg = "a certificate and its key come together"
            raise ValueError(msg)
        return self

    def trust(self) -> ssl.SSLContext:
        """Return how its certificate is looked at, and ours shown.

        Raises
        ------
        OSError
            If a file of these cannot be read, or is not what it should be.
        """
        for file in (self.ca, self.certificate, self.key):
            if file is not None:
                file.open("rb").close()  # ssl would not say which it is that cannot be read
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


class ProviderSettings(BaseModel):
    """An identity provider (OpenID Connect) with which people may sign in: who it is, and who we are there."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, Field(min_length=1, max_length=40)]  # as people call it
    issuer: Annotated[str, Field(pattern=r"^(https://[^@?#]+|http://(localhost|127\.0\.0\.1)(:\d+)?/?)$")]
    client_id: Annotated[str, Field(min_length=1)]
    client_secret: SecretStr


class Settings(BaseSettings):
    """From the environment, as `CANHLO_<NAME>`; every one has a default that works."""

    model_config = SettingsConfigDict(
        env_prefix="CANHLO_", env_ignore_empty=True, frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Path.home() / ".local/share/canhlo"
    database_url: str = Field(default="", repr=False)  # it may hold a password
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8600
    tls_certificate: Path | None = None  # with its key: what listens speaks TLS, for a proxy on another machine
    tls_key: Path | None = None
    inside_hosts: Annotated[tuple[str, ...], NoDecode] = ()  # on this machine under another name, as containers are
    public_url: str = ""
    two_factors: Literal["offered", "required"] = "offered"  # required: a password alone signs nobody in
    provider: Annotated[ProviderSettings | None, NoDecode] = None  # as JSON
    push_hosts: tuple[str, ...] = PUSH_HOSTS  # a leading dot stands for every host below it
    push_contact: str = ""  # whom a push service may write to; without one the public address stands for it
    logs: Literal["text", "json"] = "text"
    clock: str = ""
    clock_is_set: bool | None = None  # whether bridges may go by this machine's clock; None asks the machine
    sinks: Annotated[Mapping[SinkName, SinkSettings], NoDecode] = {}  # by name, as JSON
    read_from: str = ""  # the name of the sink that charts and exports are read from; empty is our own store

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what a keeper of secrets hands over, each a file of the setting's name, before the environment."""
        given = os.environ.get("CREDENTIALS_DIRECTORY")  # of systemd
        folder = given or ("/run/secrets" if os.access("/run/secrets", os.R_OK) else None)  # of Docker
        kept = [SecretsSettingsSource(settings_cls, secrets_dir=folder)] if folder else []
        return init_settings, *kept, env_settings

    @field_validator("sinks", mode="before")
    @classmethod
    def _sinks_are_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else {}
        except ValueError as error:
            msg = f'sinks is JSON: {{"kho": {{"kind": "victoriametrics", "url": "http://..."}}}}; this is not: {error}'
            raise ValueError(msg) from error

    @field_validator("provider", mode="before")
    @classmethod
    def _provider_is_json(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value.strip() else None
        except ValueError as error:
            msg = f'provider is JSON: {{"name": "...", "issuer": "https://...", ...}}; this is not: {error}'
            raise ValueError(msg) from error

    @field_validator("inside_hosts", mode="before")
    @classmethod
    def _inside_hosts_are_words(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    @field_validator("public_url")
    @classmethod
    def _public_url_can_be_opened(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            msg = f"{value!r} is no address that a phone opens; wanted https://lo.example.org"
            raise ValueError(msg)
        return value

    @field_validator("push_contact")
    @classmethod
    def _push_contact_is_one(cls, value: str) -> str:
        if value and not value.startswith(("mailto:", "https://")):
            msg = f"{value!r} is nobody whom a push service can write to; wanted mailto:you@example.org"
            raise ValueError(msg)
        return value

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            msg = "wanted postgresql+psycopg://NAME@HOST/DATABASE, or nothing for SQLite in the data folder"
            raise ValueError(msg)
        return value

    @field_validator("clock")
    @classmethod
    def _clock_has_three_parts(cls, value: str) -> str:
        if value:
            parse_clock(value)
        return value

    @model_validator(mode="after")
    def _nothing_leaves_this_machine_in_clear(self) -> "Settings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            msg = "CANHLO_TLS_CERTIFICATE and CANHLO_TLS_KEY come together"
            raise ValueError(msg)
        if self.tls_certificate is None and not (self.host and stays_here(self.host, self.inside_hosts)):
            where = self.host or "every address"
            msg = (
                f"CANHLO_HOST: on {where} others could read passwords on their way; wanted "
                "127.0.0.1 and a proxy before it, or CANHLO_TLS_CERTIFICATE and CANHLO_TLS_KEY, or in a container "
                f"{where} among CANHLO_INSIDE_HOSTS"
            )
            raise ValueError(msg)
        check_database(self.database, self.inside_hosts)
        for sink in self.sinks.values():
            check_sink(sink.url, self.inside_hosts)
            check_sink(sink.read_url or sink.url, self.inside_hosts)
        return self

    @model_validator(mode="after")
    def _read_from_is_a_sink(self) -> "Settings":
        if self.read_from and self.read_from not in self.sinks:
            there = ", ".join(self.sinks) or "there are none"
            msg = f"CANHLO_READ_FROM is {self.read_from!r}; wanted one of sinks: {there}"
            raise ValueError(msg)
        return self

    @property
    def certificate(self) -> tuple[Path, Path] | None:
        """Return the files of the certificate that is shown, and of its key."""
        return None if self.tls_certificate is None or self.tls_key is None else (self.tls_certificate, self.tls_key)

    @property
    def database(self) -> str:
        """Return the database's URL: the one given, else a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'canhlo.sqlite3'}"

    @property
    def url(self) -> str:
        """Return where people reach the service."""
        scheme = "http" if self.tls_certificate is None else "https"
        return (self.public_url or f"{scheme}://{_reached_at(self.host)}:{self.port}").rstrip("/")

    @property
    def contact(self) -> str:
        """Return whom a push service may write to; Apple's takes no address on localhost."""
        return self.push_contact or (self.url if self.url.startswith("https://") else "mailto:canhlo@localhost")


@cache  # whether it begins with https is asked at every request
def _reached_at(host: str) -> str:
    """Return what others call a host: for one that listens everywhere, its address on the network, if it has one."""
    if host in EVERYWHERE:
        family, elsewhere = EVERYWHERE[host]
        with socket.socket(family, socket.SOCK_DGRAM) as asked, suppress(OSError):
            asked.connect((elsewhere, 9))  # nothing is sent: the system only says by which way it would be
            host = str(asked.getsockname()[0])
    return f"[{host}]" if ":" in host else host


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
