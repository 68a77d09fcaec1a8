"""What routes ask for: a session that commits before the reply, who is asking, and the parts of the running service."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import IPv6Address, IPv6Network
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import event
from sqlalchemy.orm import Session as OrmSession
from starlette.responses import Response

from service.alarms.channels.web_push import WebPush
from service.alarms.vapid import VapidKey
from service.api.limits import MOST_REQUESTS, REQUEST_EVERY_S, TryLimit
from service.api.live import Hub
from service.api.oidc import Provider
from service.clock import Clock
from service.errors import FactorNeededError, NotFoundError, RefusedError, ServiceError
from service.monitor.loop import Monitor
from service.settings import Settings
from service.store import api_tokens, sessions
from service.store.database import Database
from service.store.passkeys import PasskeySite
from service.store.roles import Action
from service.store.tenancy import confine
from service.store.who import Who

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class SignedOutError(ServiceError):
    """The request carries no session, or one that has ended."""

    code = "signed_out"


@dataclass(frozen=True)
class Parts:
    """The running service, made by `app.create_app` and kept on its state."""

    settings: Settings
    clock: Clock
    database: Database
    hub: Hub
    monitor: Monitor
    push: WebPush
    vapid: VapidKey
    passkey_site: PasskeySite
    provider: Provider | None = None
    # Of a person from one address, of one address, of a person from anywhere: who guesses from elsewhere locks nobody
    # out before the last of them, and a village behind one address may sign in in the evening.
    sign_in_tries: TryLimit = field(default_factory=lambda: TryLimit(tries=10, refill_s=30))
    host_tries: TryLimit = field(default_factory=lambda: TryLimit(tries=60, refill_s=5))
    login_tries: TryLimit = field(default_factory=lambda: TryLimit(tries=200, refill_s=60))
    pairing_tries: TryLimit = field(default_factory=lambda: TryLimit(tries=20, refill_s=10))
    requests: TryLimit = field(default_factory=lambda: TryLimit(tries=MOST_REQUESTS, refill_s=REQUEST_EVERY_S))

    @property
    def needs_two_factors(self) -> bool:
        """Say whether a password alone opens nothing here, whatever its person has chosen."""
        return self.settings.two_factors == "required"

    @property
    def cookie(self) -> str:
        """Return the session cookie's name: bound to this very host wherever TLS is there to bind it."""
        return "__Host-canhlo" if self.is_https else "canhlo"

    @property
    def is_https(self) -> bool:
        return self.settings.url.startswith("https://")

    def count_request(self, who: Who) -> None:
        """Raise TooManyError if this person or token asks too often."""
        self.requests.spend(f"token {who.token_id}" if who.token_id is not None else f"account {who.account_id}")

    def rights_change(self, session: OrmSession, account_id: int) -> None:
        """End a person's streams once it is committed: whoever comes again before that goes on with the old rights."""
        event.listen(session, "after_commit", lambda _session: self.hub.rights_changed(account_id), once=True)

    def set_cookie(self, response: Response, token: str) -> None:
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(sessions.SESSION_LASTS.total_seconds()),
            path="/",
            secure=self.is_https,
            httponly=True,
            samesite="lax",
        )


async def parts(request: Request) -> Parts:
    found = request.app.state.parts
    assert isinstance(found, Parts)  # noqa: S101 - set by create_app
    return found


PartsOf = Annotated[Parts, Depends(parts)]


async def machine_now() -> datetime:
    """Return the machine's time: what sessions, links and networks live by, whatever a replay's clock says."""
    return datetime.now(UTC)


MachineNow = Annotated[datetime, Depends(machine_now)]


def host_of(request: Request) -> str:
    """Return the address that a request came from, as a proxy says it that is trusted; of IPv6 the household's part."""
    host = request.client.host if request.client else ""
    if ":" not in host:
        return host
    address = IPv6Address(host)
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


async def _now(service: PartsOf) -> datetime:
    return service.clock.now()


Now = Annotated[datetime, Depends(_now)]


# They say in the OpenAPI document how one gets in; the cookie's own name depends on https.
_cookie = APIKeyCookie(name="canhlo", scheme_name="session", auto_error=False, description="`__Host-canhlo` over https")
_bearer = HTTPBearer(scheme_name="token", auto_error=False, description="an API token of a workshop")


def known(request: Request, service: Parts, token: str | None, now: datetime) -> Who | None:
    """Return who sends a request, by its token or by its session; None if that is nobody."""
    if token is not None:
        with service.database.read() as session:
            who = api_tokens.who_has(session, token, now=now)
        if who is not None and who.token_id is not None and api_tokens.is_news(who, now):
            with service.database.write() as session:
                api_tokens.used(session, who.token_id, now=now)
        return who
    shown = request.cookies.get(service.cookie, "")
    with service.database.read() as session:  # never the request's own: it would keep others from writing
        who = sessions.who_is(session, shown, now=now, all_need_two=service.needs_two_factors)
    if who is not None and sessions.is_news(who, now):
        with service.database.write() as session:
            sessions.seen(session, shown, now=now)
    return who


def may_still(request: Request, service: Parts, who: Who, action: Action, *, now: datetime) -> bool:
    """Say whether who asked once may still do so, wherever that was allowed then."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = known(request, service, token.strip() if scheme.lower() == "bearer" else None, now)
    return found is not None and who.grants.keys() <= found.where_may(action).keys()


def _caller(
    request: Request,
    service: PartsOf,
    now: MachineNow,
    _session: Annotated[str | None, Security(_cookie)],
    token: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Who:
    who = known(request, service, None if token is None else token.credentials.strip(), now)
    if who is None:
        msg = "please sign in" if token is None else "this token is unknown, revoked or has ended"
        raise SignedOutError(msg)
    request.state.who = who  # for the log, should it be refused
    service.count_request(who)
    return who


Caller = Annotated[Who, Depends(_caller)]


def refuse_half(who: Who) -> None:
    """Refuse whoever lacks a factor still."""
    if who.lacks_factor:
        msg = "a password is not enough here: make a passkey first (`POST /me/passkeys/challenge`)"
        raise FactorNeededError(msg)


async def _entering(who: Caller) -> Who:
    if who.token_id is not None:
        msg = "a token cannot do this; a person has to sign in for it"
        raise RefusedError(msg)
    return who


async def _person(who: Annotated[Who, Depends(_entering)]) -> Who:
    refuse_half(who)
    return who


Entering = Annotated[Who, Depends(_entering)]  # may lack a factor still, and make it
SignedIn = Annotated[Who, Depends(_person)]


class May:
    """The dependency of a route that does `action`: who asks, with those workshops alone where that is allowed."""

    def __init__(self, action: Action) -> None:
        self.action = action

    async def __call__(self, who: Caller) -> Who:
        refuse_half(who)
        grants = who.where_may(self.action)
        if not grants:
            msg = (
                f"your part in this workshop does not let you do this ({self.action.value}); its owner can change that"
            )
            raise RefusedError(msg)
        return replace(who, grants=grants)


Looks = Annotated[Who, Depends(May(Action.LOOK))]
Follows = Annotated[Who, Depends(May(Action.FOLLOW))]
Fires = Annotated[Who, Depends(May(Action.FIRE))]
Records = Annotated[Who, Depends(May(Action.RECORD))]
SetsUp = Annotated[Who, Depends(May(Action.SET_UP))]
Governs = Annotated[Who, Depends(May(Action.GOVERN))]


def _opened(request: Request, service: Parts) -> AbstractContextManager[OrmSession]:
    return service.database.read() if request.method in SAFE_METHODS else service.database.write()


def _any_session(request: Request, service: PartsOf) -> Iterator[OrmSession]:
    with _opened(request, service) as session:
        yield session


def _confined(request: Request, service: PartsOf, who: Caller) -> Iterator[OrmSession]:
    with _opened(request, service) as session:
        yield confine(session, who.workshop_ids)


# The default scope would commit after the reply, and a failed commit would have been answered with success.
# `OpenSession` is for those who are nobody yet: it sees every workshop.
OpenSession = Annotated[OrmSession, Depends(_any_session, scope="function")]
Session = Annotated[OrmSession, Depends(_confined, scope="function")]


async def _language(request: Request, who: Caller) -> str:
    asked = request.headers.get("accept-language", "")[:2].lower()
    return asked if asked in {"vi", "en"} else who.language


Language = Annotated[str, Depends(_language)]


def own_workshop(who: Who, workshop_id: int) -> int:
    """Return the workshop a request names, if this may be done there; otherwise there is no such workshop."""
    if workshop_id not in who.workshop_ids:
        msg = f"there is no workshop {workshop_id} where you may do this"
        raise NotFoundError(msg)
    return workshop_id
