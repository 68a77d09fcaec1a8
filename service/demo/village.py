"""The demo's workshop: an account, two kilns, a phone, and a pairing code for each bridge."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from service.demo.recordings import mqtt_plan
from service.store import alarms, identity, kilns, pairing, plans
from service.store.passwords import hash_password

LOGIN: Final = "demo@canhlo.local"
SERIAL_KILN: Final = "lo-1"
MQTT_KILN: Final = "lo-2"


@dataclass(frozen=True)
class Village:
    """What the demo needs to know of what it made; the secrets live as long as the demo."""

    password: str
    link_token: str
    pairing_codes: dict[str, str]


def found_village(session: Session, phone: dict[str, str]) -> Village:
    now = datetime.now(UTC)
    password = secrets.token_urlsafe(9)
    owner = identity.create_account(
        session, name="Chủ lò", login=LOGIN, password_hash=hash_password(password), language="vi", now=now
    )
    workshop = identity.create_workshop(session, name="Xưởng thử", owner=owner, now=now)
    high_fire = kilns.create_kiln(session, workshop.id, name="Lò 1 · hai can nhiệt", key=SERIAL_KILN, fuel="lpg")
    high_fire.target_cone = "10"
    glass = kilns.create_kiln(session, workshop.id, name="Lò 2 · lò kính nhỏ", key=MQTT_KILN, fuel="electric")
    glass.plan_id = plans.create_plan(session, workshop.id, name="sys96_9mm", points=mqtt_plan()).id
    alarms.subscribe(session, owner.id, device="Điện thoại thử", now=now, **phone)
    codes = {}
    for key in (SERIAL_KILN, MQTT_KILN):
        bridge = identity.create_bridge(session, workshop.id, f"Máy đọc can {key}", now=now)
        code = pairing.new_code()
        pairing.offer(session, bridge, code, now=now)
        codes[key] = code.text
    link = identity.create_link(session, owner, now=now, lasts=timedelta(days=1))
    return Village(password, link, codes)
