"""Other ways in than a password: a finger, seen by an authenticator as a phone has, and an account elsewhere."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from programs import BIN, Program, until

from service.demo.broker import free_port

SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
PHONE = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
PASSWORD = "quả bưởi rơi xuống ao"
OTHER = "bát đầy nước mưa chiều"


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


VIEWS = [("desk", "vi"), ("phone", "vi"), ("desk", "en"), ("phone", "en")]


def owner_of(
    browser: Browser, programs: Callable[..., Program], folder: Path, size: str, language: str, **settings: str
) -> Page:
    """Start a service and return its page, signed in as its owner by password."""
    port = free_port()
    url = f"http://localhost:{port}"
    env = {"CANHLO_DATA_DIR": str(folder / "data"), "CANHLO_PORT": str(port), "CANHLO_PUBLIC_URL": url}
    service = programs("canhlo", "serve", env={**env, **settings})
    token = service.said(r"/setup#(\S+)").group(1)
    until(lambda: _answers(f"{url}/healthz"), 30, lambda: f"{url} to answer")
    page = page_of(browser, url, size, language)
    page.canhlo_name = f"{size}-{language}"  # type: ignore[attr-defined]
    page.goto(f"/setup#{token}")
    for name, text in (("workshop_name", "Xưởng Lan"), ("name", "Lan"), ("login", "0912 345 678")):
        page.get_by_test_id(f"setup-{name}").fill(text)
    page.get_by_test_id("setup-password").fill(PASSWORD)
    page.get_by_test_id("setup").click()
    expect(page.get_by_test_id("setup-form")).to_have_count(0)
    return page


@pytest.fixture(params=VIEWS, ids="-".join)
def strict(
    request: pytest.FixtureRequest, browser: Browser, programs: Callable[..., Program], tmp_path: Path
) -> Iterator[Page]:
    """Open the page of a service where two factors are required."""
    page = owner_of(browser, programs, tmp_path, *request.param, CANHLO_TWO_FACTORS="required")
    yield page
    page.context.close()


@pytest.fixture(params=VIEWS, ids="-".join)
def federated(
    request: pytest.FixtureRequest, browser: Browser, programs: Callable[..., Program], tmp_path: Path
) -> Iterator[Page]:
    """Open the page of a service that knows an identity provider."""
    port = str(free_port())
    issuer = f"http://127.0.0.1:{port}"
    programs("python", "-m", "oidc_provider_mock", "--port", port, "--user", "lan-at-village")
    until(lambda: _answers(f"{issuer}/.well-known/openid-configuration"), 30, lambda: f"{issuer} to answer")
    provider = {"name": "Làng gốm", "issuer": issuer, "client_id": "canhlo", "client_secret": "bí mật"}
    page = owner_of(browser, programs, tmp_path, *request.param, CANHLO_PROVIDER=json.dumps(provider))
    yield page
    page.context.close()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


def _sign_out(page: Page) -> None:
    """Leave; the page loads anew, so that nothing of who was in stays in it."""
    with page.expect_event("load"):
        page.get_by_test_id("sign-out").click()


def picture(page: Page, name: str, folder: Path) -> None:
    page.screenshot(path=folder / f"{name}-{page.canhlo_name}.png", full_page=True)  # type: ignore[attr-defined]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.timeout(120)
def test_a_finger_is_asked_for_once_and_signs_in_from_then_on(strict: Page, tmp_path: Path) -> None:
    page = strict
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
    _sign_out(page)

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


@pytest.mark.timeout(120)
def test_a_person_closes_the_account_to_the_password_and_opens_it_again(federated: Page, tmp_path: Path) -> None:
    page = federated
    page.goto("/settings")
    page.get_by_test_id("add-passkey").click()
    page.get_by_test_id("new-passkey-password").fill(PASSWORD)
    page.get_by_test_id("new-passkey-go").click()
    wanted = page.get_by_test_id("wants-passkey")
    expect(wanted).not_to_be_checked()
    wanted.click()
    page.get_by_test_id("choose-passkey-password").fill(PASSWORD)
    picture(page, "passkey-wanted", tmp_path)
    page.get_by_test_id("choose-passkey-go").click()
    expect(wanted).to_be_checked()
    _sign_out(page)
    page.get_by_test_id("login").fill("0912 345 678")
    page.get_by_test_id("password").fill(PASSWORD)
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("outcome")).to_have_attribute("data-is", "failed")
    page.get_by_test_id("sign-in-passkey").click()
    expect(page.get_by_test_id("sign-in-form")).to_have_count(0)

    # A link for whoever forgot the password sets another one, and lets nobody in without the passkey.
    words = [str(BIN / "canhlo"), "people", "link", "0912345678", "--data-dir", str(tmp_path / "data")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    page.goto("/reset#" + said.rpartition("#")[2].strip())
    page.get_by_test_id("new-password").fill(OTHER)
    page.get_by_test_id("reset").click()
    done = page.get_by_test_id("reset-done")
    expect(done).to_be_visible()
    picture(page, "reset-done", tmp_path)
    done.get_by_role("link").click()
    page.get_by_test_id("sign-in-passkey").click()
    expect(page.get_by_test_id("sign-in-form")).to_have_count(0)

    page.goto("/settings")
    expect(wanted).to_be_checked()
    wanted.click()
    page.get_by_test_id("choose-passkey-password").fill(OTHER)
    page.get_by_test_id("choose-passkey-go").click()
    expect(wanted).not_to_be_checked()


@pytest.mark.timeout(120)
def test_an_account_elsewhere_is_tied_and_signs_in_from_then_on(federated: Page, tmp_path: Path) -> None:
    page = federated
    page.goto("/settings")
    page.get_by_test_id("ask-provider").click()
    page.get_by_test_id("tie-provider-password").fill(PASSWORD)
    picture(page, "provider", tmp_path)
    page.get_by_test_id("tie-provider-go").click()
    _say_who(page)
    page.goto("/settings")
    expect(page.get_by_test_id("provider")).to_contain_text("lan-at-village")
    _sign_out(page)

    picture(page, "sign-in-provider", tmp_path)
    page.get_by_test_id("sign-in-provider").click()
    _say_who(page)
    page.goto("/settings")
    page.get_by_test_id("ask-provider").click()
    page.get_by_test_id("tie-provider-password").fill(PASSWORD)
    page.get_by_test_id("tie-provider-go").click()
    expect(page.get_by_test_id("provider")).not_to_contain_text("lan-at-village")
    _sign_out(page)

    page.get_by_test_id("sign-in-provider").click()
    _choose(page)
    expect(page.get_by_role("alert")).to_be_visible()
    picture(page, "provider-unknown", tmp_path)


def _choose(page: Page) -> None:
    """Say at the provider who one is."""
    page.get_by_role("button", name="lan-at-village").click()


def _say_who(page: Page) -> None:
    _choose(page)
    expect(page).to_have_url(re.compile(r"://localhost:\d+/$"))
