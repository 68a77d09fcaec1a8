"""The headers that keep browsers careful, on every answer."""

from typing import Final

API_PATH: Final = "/api/"
YEAR_S: Final = 31_536_000

ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NO_PLACE: Final = "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
PAGE: Final = {"content-security-policy": f"default-src 'self'; {_NO_PLACE}"}
# An answer of the API is data: opened as a document it loads nothing, runs nothing, and no cache keeps it.
API: Final = {"content-security-policy": f"default-src 'none'; {_NO_PLACE}; sandbox", "cache-control": "no-store"}
HTTPS_ONLY: Final = {"strict-transport-security": f"max-age={YEAR_S}; includeSubDomains"}


def security_headers(path: str, *, is_https: bool) -> dict[str, str]:
    """Return what the answer at a path carries, beside what it says of itself."""
    of_place = API if path.startswith(API_PATH) else PAGE
    return {**ALWAYS, **(HTTPS_ONLY if is_https else {}), **of_place}
