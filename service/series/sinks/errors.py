"""What goes wrong with a sink, in words for whoever set it up."""

from service.errors import ServiceError
from service.settings import SinkSettings


class SinkError(ServiceError):
    """A sink does not take or give readings now; the message says why, and what to look at."""

    code = "sink_failed"


def told(name: str, settings: SinkSettings, status: int, said: str) -> str:
    """Return what a refusal means."""
    if status in (401, 403):
        who = f"user {settings.username!r}" if settings.username else "a request without user"
        return f"sink {name} refuses {who} (HTTP {status}): look at username and password in CANHLO_SINKS"
    if status == 404:
        return f"sink {name} does not know database {settings.database!r} or path (HTTP 404): {said}"
    return f"sink {name} answered HTTP {status}: {said}"


def unreachable(name: str, url: str, error: Exception) -> str:
    return f"sink {name} cannot be reached at {url}: {type(error).__name__}: {error}"[:300]
