"""OpenID Connect, as a client of one provider: the code flow with PKCE, state and nonce, all of one secret.

The secret is the browser's, in a cookie; what is derived from it is good for one sign-in of that browser. Of what the
provider says only the identity token is used: who it is, and by how many factors that was seen.
"""

import hmac
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import jwt

from service.busy import place
from service.errors import BusyError, ProviderError, RefusedError
from service.settings import ProviderSettings

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA")
ANSWER_WITHIN_S: Final = 10.0
MOST_AT_ONCE: Final = 4  # requests to it: whoever waits holds a thread that others need
MOST_BYTES: Final = 256_000  # of any answer of the provider
KNOWN_FOR_S: Final = 3600.0  # what it says of itself
KEYS_AGAIN_AFTER_S: Final = 60.0  # an unknown key makes us look again, no sooner than that
LEEWAY_S: Final = 60  # clocks differ
MOST_SUBJECT: Final = 255  # OpenID Connect Core 1.0, 2


@dataclass(frozen=True)
class Identity:
    """Who somebody is at the provider, and whether it looked at more than a password."""

    issuer: str
    subject: str
    known_as: str
    has_two_factors: bool


class Provider:
    """The provider that a service is told of; what it says of itself is fetched when it is first asked for."""

    def __init__(self, settings: ProviderSettings, redirect_uri: str) -> None:
        self.name = settings.name
        self.issuer = settings.issuer
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._lock = threading.Lock()
        self._asking = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._told: Mapping[str, Any] = {}
        self._told_at_s = -inf
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._keys_at_s = -inf

    def address(self, secret: bytes) -> str:
        """Return where a browser goes to say to the provider who it is."""
        digest = sha256(_of(secret, "verifier").encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": "openid email",
            "state": state_of(secret),
            "nonce": _of(secret, "nonce"),
            "code_challenge": _websafe(digest),
            "code_challenge_method": "S256",
        }
        way = self._endpoint("authorization_endpoint")
        return f"{way}{'&' if '?' in way else '?'}{urlencode(asked)}"

    def identity(self, secret: bytes, code: str) -> Identity:
        """Return who the provider says it is, for the code that it gave the browser."""
        whole = self._ask(
            "POST",
            self._endpoint("token_endpoint"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "code_verifier": _of(secret, "verifier"),
            },
            auth=(quote(self._settings.client_id, ""), quote(self._settings.client_secret.get_secret_value(), "")),
        )
        return self.checked(str(whole.get("id_token", "")), _of(secret, "nonce"))

    def checked(self, token: str, nonce: str) -> Identity:
        """Return what an identity token says, if this provider made it for this service and this very sign-in."""
        try:
            claims = jwt.decode(
                token,
                self._key(jwt.get_unverified_header(token).get("kid")),
                algorithms=ALGORITHMS,
                audience=self._settings.client_id,
                issuer=self.issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            msg = f"what the provider said of who this is does not hold ({error})"
            raise RefusedError(msg) from error
        is_for_another = claims.get("azp", self._settings.client_id) != self._settings.client_id
        if len(str(claims["sub"])) > MOST_SUBJECT:
            msg = f"what the provider calls this person is longer than {MOST_SUBJECT} letters"
            raise RefusedError(msg)
        if is_for_another or not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            msg = "what the provider said of who this is was for another sign-in"
            raise RefusedError(msg)
        factors = claims.get("amr")
        return Identity(
            issuer=self.issuer,
            subject=str(claims["sub"]),
            known_as=str(claims.get("email") or claims["sub"]),
            has_two_factors=isinstance(factors, list) and "mfa" in factors,  # RFC 8176
        )

    def _key(self, kid: str | None) -> jwt.PyJWK:
        """Return the key of a name; a provider that has one only need not name it."""
        with self._lock:
            old_s = time.monotonic() - self._keys_at_s
            if old_s > KNOWN_FOR_S or (kid not in self._keys and old_s > KEYS_AGAIN_AFTER_S):
                before_s, self._keys_at_s = self._keys_at_s, time.monotonic()  # the next who come need not wait too
                try:
                    told = self._ask("GET", self._endpoint("jwks_uri"))
                except BusyError:  # it was not asked at all
                    self._keys_at_s = before_s
                    raise
                self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(dict(told)).keys}
            found = next(iter(self._keys.values())) if kid is None and len(self._keys) == 1 else self._keys.get(kid)
        if found is None:
            msg = f"it has no key {str(kid)[:40]!r}"
            raise jwt.InvalidKeyError(msg)
        return found

    def _endpoint(self, name: str) -> str:
        """Return an address of the provider; what it says of itself counts for an hour, and for this issuer alone."""
        if time.monotonic() - self._told_at_s > KNOWN_FOR_S or not self._told:
            told = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if told.get("issuer") != self.issuer:
                msg = (
                    f"{self.issuer} says that it is {str(told.get('issuer'))[:100]!r}, which CANHLO_PROVIDER is to say"
                )
                raise ProviderError(msg)
            self._told, self._told_at_s = told, time.monotonic()
        address = str(self._told.get(name, ""))
        if not is_safe(address):
            msg = f"{self.issuer} names no {name} of https: {address[:100]!r}"
            raise ProviderError(msg)
        return address

    def _ask(self, method: str, address: str, **how: Any) -> Mapping[str, Any]:
        """Return a JSON object that the provider answers with, of bounded size and in bounded time."""
        until_s = time.monotonic() + ANSWER_WITHIN_S
        body = b""
        try:
            with (
                place(self._asking, "many people are signing in at this moment; try again in some seconds"),
                httpx.stream(method, address, timeout=ANSWER_WITHIN_S, **how) as answer,
            ):
                for piece in answer.iter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES or time.monotonic() > until_s:
                        msg = f"{urlsplit(address).netloc} answers with too much, or too slowly"
                        raise ProviderError(msg)
            told = httpx.Response(answer.status_code, content=body).json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            msg = f"{urlsplit(address).netloc} does not answer as an identity provider: {error!r}"
            raise ProviderError(msg) from error
        if answer.status_code != httpx.codes.OK or not isinstance(told, dict):
            msg = f"{urlsplit(address).netloc} refused ({answer.status_code}): {str(told)[:200]}"
            raise RefusedError(msg) if answer.status_code == httpx.codes.BAD_REQUEST else ProviderError(msg)
        return told


def is_safe(address: str) -> bool:
    """Say whether what is said there cannot be read on the way: https, or this machine itself."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1"})


def state_of(secret: bytes) -> str:
    """Return what the provider hands back with the code, by which we know whose sign-in it is."""
    return _of(secret, "state")


def _of(secret: bytes, what: str) -> str:
    return _websafe(hmac.digest(secret, what.encode(), "sha256"))


def _websafe(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
