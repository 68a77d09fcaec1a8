"""Bridges: made and revoked by people, paired by the bridge itself with a code."""

from typing import Annotated, Final

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.api import schemas
from service.api.deps import MachineNow, OpenSession, PartsOf, Session, SetsUp, SignedOutError, host_of, own_workshop
from service.errors import FullError
from service.store import audit, identity, pairing
from service.store.models import Bridge

router = APIRouter(tags=["bridges"])

MAX_BRIDGES_PER_WORKSHOP: Final = 100
_bridge = HTTPBearer(scheme_name="bridge", auto_error=False, description="the token of a bridge")


@router.get("/bridges", response_model=list[schemas.BridgeOut])
def list_bridges(session: Session, who: SetsUp) -> list[Bridge]:
    """Return the bridges, revoked ones too."""
    return identity.bridges(session, who.workshop_ids)


@router.post("/bridges", response_model=schemas.PairingOut, status_code=201)
def create_bridge(asked: schemas.BridgeIn, session: Session, who: SetsUp, now: MachineNow) -> schemas.PairingOut:
    """Make a bridge, and the code that pairs it."""
    workshop_id = own_workshop(who, asked.workshop_id)
    code = pairing.new_code()
    if identity.count_bridges(session, workshop_id) >= MAX_BRIDGES_PER_WORKSHOP:
        msg = f"a workshop has at most {MAX_BRIDGES_PER_WORKSHOP} bridges; revoked ones count too"
        raise FullError(msg)
    bridge = identity.create_bridge(session, workshop_id, asked.name, now=now)
    audit.note(session, workshop_id, who=who.name, what="bridge made", now=now, bridge=bridge.id, name=bridge.name)
    return _pairing(session, bridge, code, now)


@router.post("/bridges/{bridge_id}/pairing-code", response_model=schemas.PairingOut, status_code=201)
def create_pairing_code(bridge_id: schemas.Id, session: Session, who: SetsUp, now: MachineNow) -> schemas.PairingOut:
    """Make a new code for a bridge, to pair it again."""
    code = pairing.new_code()
    bridge = identity.get_bridge(session, who.workshop_ids, bridge_id)
    made = _pairing(session, bridge, code, now)
    audit.note(session, bridge.workshop_id, who=who.name, what="pairing code made", now=now, bridge=bridge.id)
    return made


@router.post("/bridges/{bridge_id}/revoke", response_model=schemas.BridgeOut)
def revoke_bridge(bridge_id: schemas.Id, session: Session, who: SetsUp, now: MachineNow) -> Bridge:
    """Make a bridge's token worthless at once."""
    bridge = identity.get_bridge(session, who.workshop_ids, bridge_id)
    identity.revoke_bridge(session, bridge, now=now)
    audit.note(session, bridge.workshop_id, who=who.name, what="bridge revoked", now=now, bridge=bridge.id)
    return bridge


@router.post("/pair", response_model=schemas.PairOut)
def pair(
    asked: schemas.PairIn, session: OpenSession, service: PartsOf, now: MachineNow, request: Request
) -> schemas.PairOut:
    """Give a bridge its token for the code that a person read out to it."""
    with service.pairing_tries.trying(host_of(request)), service.database.read() as looking:
        shown = pairing.find(looking, asked.code, now=now)
    bridge, token = pairing.pair(session, shown, now=now)
    audit.note(session, bridge.workshop_id, who=bridge.name, what="bridge paired", now=now, bridge=bridge.id)
    workshop = identity.workshops(session, [bridge.workshop_id])[0]
    return schemas.PairOut(token=token, bridge_name=bridge.name, workshop_name=workshop.name)


@router.post("/bridge/token", response_model=schemas.BridgeTokenOut)
def renew_bridge_token(
    session: OpenSession,
    service: PartsOf,
    now: MachineNow,
    request: Request,
    shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bridge)],
) -> schemas.BridgeTokenOut:
    """Give a bridge its next token for the one that it has; that one ends when the next is shown."""
    service.pairing_tries.spend(host_of(request))
    bridge = identity.bridge_of_token(session, shown.credentials.strip()) if shown is not None else None
    if bridge is None:
        msg = "this is no token of a bridge, or it was revoked; pair the bridge again"
        raise SignedOutError(msg)
    token = identity.next_bridge_token(session, bridge.bridge_id)
    audit.note(session, bridge.workshop_id, who=bridge.name, what="token renewed", now=now, bridge=bridge.bridge_id)
    return schemas.BridgeTokenOut(token=token)


def _pairing(session: Session, bridge: Bridge, code: pairing.Code, now: MachineNow) -> schemas.PairingOut:
    expires_at = pairing.offer(session, bridge, code, now=now)
    return schemas.PairingOut(bridge=schemas.BridgeOut.model_validate(bridge), code=code.text, expires_at=expires_at)
