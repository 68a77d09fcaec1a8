"""Where nothing needs to be encrypted: on this machine. What leaves it in clear is refused before it starts."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

VERIFIED = "verify-full"  # PostgreSQL's other modes agree to clear text, or to whoever answers


def stays_here(host: str, inside_hosts: Collection[str]) -> bool:
    """Return whether what is sent to a host never leaves this machine: loopback, a socket, or another name of it."""
    host = host.lower()
    known = ("", "localhost", *(one.lower() for one in inside_hosts))
    if host in known or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_sink(url: str, inside_hosts: Collection[str]) -> None:
    """Refuse a sink of another machine by plain http.

    Raises
    ------
    ValueError
        If what is sent there could be read on the way.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not stays_here(parts.hostname or "", inside_hosts):
        msg = (
            f"CANHLO_SINKS: {url} would be sent readings and passwords in clear; wanted https://, "
            f"or {parts.hostname} among CANHLO_INSIDE_HOSTS if it is on this machine"
        )
        raise ValueError(msg)


def check_database(url: str, inside_hosts: Collection[str]) -> None:
    """Refuse a PostgreSQL of another machine to which TLS is not certain.

    Raises
    ------
    ValueError
        If what is sent there could be read on the way.
    """
    if not url.startswith("postgresql"):
        return
    from service.libpq import whole_words_of  # here: most have no PostgreSQL

    asked = whole_words_of(url)
    hosts = [one for name in ("host", "hostaddr", "service", "conninfo") for one in asked.get(name, "").split(",")]
    away = [one for one in hosts if not stays_here(one, inside_hosts)]
    if away and asked.get("sslmode") != VERIFIED:
        msg = (
            f"CANHLO_DATABASE_URL: {away[0]} would be spoken to in clear; wanted ?sslmode=verify-full at the end, "
            f"or {away[0]} among CANHLO_INSIDE_HOSTS if it is on this machine"
        )
        raise ValueError(msg)
