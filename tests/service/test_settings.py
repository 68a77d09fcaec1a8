"""What the service is told at its start."""

import socket
from urllib.parse import urlsplit

import pytest

from service.settings import Settings


@pytest.mark.allow_hosts(["127.0.0.1", "192.0.2.1"])  # to ask by which way; nothing is sent there
@pytest.mark.parametrize(("host", "family"), [("0.0.0.0", socket.AF_INET), ("::1", socket.AF_INET6)])  # noqa: S104
def test_links_have_an_address_of_this_machine(host: str, family: socket.AddressFamily) -> None:
    address = urlsplit(Settings(host=host, port=8600).url).hostname

    with socket.socket(family) as listening:
        listening.bind((address, 0))


def test_links_have_the_address_that_people_are_given() -> None:
    assert Settings(host="0.0.0.0", public_url="https://lo.example.org/").url == "https://lo.example.org"  # noqa: S104
