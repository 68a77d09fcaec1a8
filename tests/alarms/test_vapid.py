import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from service.alarms.vapid import VapidKey
from service.alarms.web_push_crypto import from_base64url


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data/vapid.pem"

    first, second = VapidKey.load_or_create(path), VapidKey.load_or_create(path)

    assert first.public_key == second.public_key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["vapid.pem"]


def test_browsers_get_the_key_as_an_uncompressed_point(tmp_path: Path) -> None:
    raw = from_base64url(VapidKey.load_or_create(tmp_path / "vapid.pem").public_key)

    assert (len(raw), raw[0]) == (65, 4)


def test_a_key_of_another_kind_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "vapid.pem"
    path.write_bytes(
        ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )

    with pytest.raises(ValueError, match="must hold a P-256 private key"):
        VapidKey.load_or_create(path)
