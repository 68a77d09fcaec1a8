"""A finger instead of a password: the page, the browser and an authenticator that answers as a phone does."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from programs import Program, until

from service.demo.broker import free_port

SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PHONE = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
PASSWORD = "quả bưởi rơi xuống ao"


def page_of(browser: Browser, url: str, size: str, language: str) -> Page:
    """Return a new browser's page, with a device that knows its holder's finger."""
    context = browser.new_context(viewport=SIZES[size], base_url=url, has_touch=size == "phone")
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    kind = {**PHONE, "isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": kind})
    page.goto("/sign-in")
    page.get_by_test_id(f"language-{language}").first.click()
    return page


@pytest.fixture(params=[("desk", "vi"), ("phone", "vi"), ("desk", "en"), ("phone", "en")], ids="-".join)
def page(
    request: pytest.FixtureRequest, browser: Browser, programs: Callable[..., Program], tmp_path: Path
) -> Iterator[Page]:
    """Open the page of a service where two factors are required, signed in as its owner by password."""
    port = free_port()
    url = f"http://localhost:{port}"
    env = {"CANHLO_DATA_DIR": str(tmp_path / "data"), "CANHLO_PORT": str(port), "CANHLO_PUBLIC_URL": url}
    service = programs("canhlo", "serve", env={**env, "CANHLO_TWO_FACTORS": "required"})
    token = service.said(r"/setup#(\S+)").group(1)
    until(lambda: _answers(url), 30, lambda: f"{url} to answer")
    page = page_of(browser, url, *request.param)
    page.canhlo_name = "-".join(request.param)  # type: ignore[attr-defined]
    page.goto(f"/setup#{token}")
    for name, text in (("workshop_name", "Xưởng Lan"), ("name", "Lan"), ("login", "0912 345 678")):
        page.get_by_test_id(f"setup-{name}").fill(text)
    page.get_by_test_id("setup-password").fill(PASSWORD)
    page.get_by_test_id("setup").click()
    yield page
    page.context.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def picture(page: Page, name: str, folder: Path) -> None:
    page.screenshot(path=folder / f"{name}-{page.canhlo_name}.png", full_page=True)  # type: ignore[attr-defined]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.timeout(120)
def test_a_finger_is_asked_for_once_and_signs_in_from_then_on(page: Page, tmp_path: Path) -> None:
    expect(page.get_by_test_id("second-factor")).to_be_visible()
    page.get_by_test_id("new-passkey-password").fill("not this")
    page.get_by_test_id("new-passkey-go").click()
    expect(page.get_by_test_id("new-passkey").get_by_role("status")).to_be_visible()
    page.get_by_test_id("new-passkey-password").fill(PASSWORD)
    picture(page, "second-factor", tmp_path)
    page.get_by_test_id("new-passkey-go").click()
    expect(page.get_by_test_id("second-factor")).to_have_count(0)

    page.goto("/settings")
    expect(page.get_by_test_id("passkey")).to_have_count(1)
    page.get_by_test_id("add-passkey").click()
    page.get_by_test_id("new-passkey-password").fill(PASSWORD)
    page.get_by_test_id("new-passkey-go").click()
    expect(page.get_by_test_id("new-passkey").get_by_test_id("outcome")).to_have_attribute("data-is", "failed")
    picture(page, "passkeys", tmp_path)
    page.get_by_test_id("sign-out").click()

    page.get_by_test_id("login").fill("0912 345 678")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("outcome")).to_have_attribute("data-is", "failed")
    picture(page, "sign-in-refused", tmp_path)
    page.get_by_test_id("sign-in-passkey").click()
    expect(page).to_have_url(re.compile(r"://[^/]+/$"))

    page.goto("/settings")
    page.get_by_test_id("remove-passkey").click()
    page.get_by_test_id("end-passkey-password").fill(PASSWORD)
    picture(page, "passkey-removed", tmp_path)
    page.get_by_test_id("end-passkey-go").click()
    expect(page.get_by_test_id("passkey")).to_have_count(0)
