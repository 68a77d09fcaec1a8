"""What the service is told at its start."""

import socket
from urllib.parse import urlsplit

import pytest

from service.settings import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens


@pytest.mark.allow_hosts(["127.0.0.1", "192.0.2.1"])  # to ask by which way; nothing is sent there
def test_links_of_a_service_that_listens_everywhere_have_an_address_of_this_machine() -> None:
    address = urlsplit(Settings(host=EVERYWHERE, inside_hosts=(EVERYWHERE,), port=8600).url).hostname

    with socket.socket() as listening:
        listening.bind((address, 0))


def test_an_address_with_colons_can_be_opened() -> None:
    assert Settings(host="::1", port=8600).url == "http://[::1]:8600"


def test_links_have_the_address_that_people_are_given() -> None:
    settings = Settings(host=EVERYWHERE, inside_hosts=(EVERYWHERE,), public_url="https://lo.example.org/")

    assert settings.url == "https://lo.example.org"


def test_push_services_may_write_to_an_address_that_is_there() -> None:
    at_home = Settings(public_url="https://lo.example.org")

    assert at_home.contact == "https://lo.example.org"
    assert at_home.model_copy(update={"push_contact": "mailto:lan@example.org"}).contact == "mailto:lan@example.org"
    with pytest.raises(ValueError, match="mailto:"):
        Settings(push_contact="lan@example.org")
