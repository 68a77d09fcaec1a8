import base64
import json
import os
from datetime import UTC, datetime, timedelta

import http_ece
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from service.alarms.web_push_crypto import (
    MAX_PLAINTEXT,
    decrypt,
    encrypt,
    from_base64url,
    raw_public_key,
    vapid_header,
)

NOW = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
BROWSER = ec.generate_private_key(ec.SECP256R1())
AUTH = bytes(range(16))


def key_from(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(from_base64url(text), "big"), ec.SECP256R1())


def encrypted(plaintext: bytes) -> bytes:
    sender = ec.generate_private_key(ec.SECP256R1())
    return encrypt(plaintext, raw_public_key(BROWSER), AUTH, salt=os.urandom(16), private_key=sender)


def test_the_example_of_rfc_8291_appendix_a_comes_out_byte_for_byte() -> None:
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        from_base64url("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        from_base64url("BTBZMqHH6r4Tts7J_aSIgg"),
        salt=from_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
        private_key=key_from("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
    )

    assert body == from_base64url(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PB"
        "ru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    browser = key_from("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
    assert decrypt(body, browser, from_base64url("BTBZMqHH6r4Tts7J_aSIgg")).endswith(b"watermelon")


@given(st.binary(max_size=300))
def test_another_implementation_reads_what_we_encrypt(plaintext: bytes) -> None:
    assert http_ece.decrypt(encrypted(plaintext), private_key=BROWSER, auth_secret=AUTH) == plaintext


@given(st.binary(min_size=1, max_size=300))  # of nothing the oracle makes no record at all
def test_we_read_what_another_implementation_encrypts(plaintext: bytes) -> None:
    sender = ec.generate_private_key(ec.SECP256R1())
    body = http_ece.encrypt(plaintext, private_key=sender, dh=raw_public_key(BROWSER), auth_secret=AUTH)

    assert decrypt(body, BROWSER, AUTH) == plaintext


def test_the_longest_message_fills_the_body_that_push_services_take() -> None:
    assert len(encrypted(b"x" * MAX_PLAINTEXT)) == 4096
    with pytest.raises(ValueError, match="holds 3993 bytes"):
        encrypted(b"x" * (MAX_PLAINTEXT + 1))


def test_a_body_for_somebody_else_is_refused() -> None:
    with pytest.raises(ValueError, match="no push for this key"):
        decrypt(encrypted(b"secret"), ec.generate_private_key(ec.SECP256R1()), AUTH)


@pytest.mark.parametrize("body", [b"", b"\0" * 20, b"\0" * 200])
def test_what_is_no_push_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no push for this key"):
        decrypt(body, BROWSER, AUTH)


def test_the_vapid_header_is_signed_for_one_push_service_and_half_a_day() -> None:
    key = ec.generate_private_key(ec.SECP256R1())

    header = vapid_header(key, audience="https://push.example", contact="mailto:lan@example.org", now=NOW)

    token, public = header.removeprefix("vapid t=").split(", k=")
    signed, _, signature = token.rpartition(".")
    raw = from_base64url(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    sender = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), from_base64url(public))
    sender.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    head, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims == {
        "aud": "https://push.example",
        "exp": int((NOW + timedelta(hours=12)).timestamp()),
        "sub": "mailto:lan@example.org",
    }
