"""Clients that are of no use hold nothing: slow heads, endless heads, answers that nobody takes; and many at once."""

import asyncio
import gzip
import re
import socket
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest
from running import running
from service_parts import BOOT, BridgeClient, block, new_bridge, new_workshop

from benchmarks.connections import hold, sign_in
from firmware_bridge.wire import Post
from service.api import connections
from service.settings import Settings
from service.store.database import Database

MANY = 500


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    """Return the URL of a new database; what is tried here knows nothing of databases."""
    return f"sqlite:///{tmp_path}/canhlo.sqlite3"


def talk(address: str, *said: bytes, timeout_s: float = 10) -> bytes:
    """Say something on a new connection, and return all that is answered until the service ends it."""
    url = urlsplit(address)
    with closing(socket.create_connection((url.hostname, url.port), timeout=timeout_s)) as connection:
        for part in said:
            connection.sendall(part)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
        return answer


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HTTP/1.1\r\nhost: lo", b"GET /healthz HTTP/1.1\r\nhost: lo\r\n\r\nGET /healthz HTT"],
    ids=["nothing", "half a head", "half a second head"],
)
def test_a_head_that_does_not_come_ends_the_connection(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_S", 0.3)
    with running(settings, database) as address:
        answer = talk(address, said)

    assert answer.endswith(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")


def test_a_head_without_end_is_not_held(settings: Settings, database: Database) -> None:
    with running(settings, database) as address:
        # One byte too many: who goes on talking when it is cut off may have the answer taken away by a reset.
        head = b"GET / HTTP/1.1\r\nx-more: "
        answer = talk(address, head + b"x" * (connections.MAX_HEAD_BYTES + 1 - len(head)))

    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "said",
    [
        b"POST /healthz HTTP/1.1\r\nhost: lo\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        b"GET / HTTP/1.1\r\nhost: lo\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
        b"GET / HTTP/1.1\r\nhost : lo\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
    ],
    ids=["two lengths of different kinds", "two lengths", "a name with a space", "NUL"],
)
def test_a_request_that_two_servers_could_read_in_two_ways_is_refused(
    settings: Settings, database: Database, said: bytes
) -> None:
    with running(settings, database) as address:
        assert talk(address, said).startswith(b"HTTP/1.1 400 ")


def ask_for_ever(connection: socket.socket) -> None:
    """Ask for more than every buffer on the way can hold, and read none of it."""
    while True:
        connection.sendall(b"GET /api/v1/openapi.json HTTP/1.1\r\nhost: lo\r\n\r\n" * 20)


def test_an_answer_that_nobody_takes_ends_the_connection(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "TAKE_TIMEOUT_S", 0.3)
    cut = connections.CONNECTIONS_CUT.labels("never_taken")
    before = cut._value.get()
    with running(settings, database) as address:
        url = urlsplit(address)
        with closing(socket.socket()) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            connection.connect((url.hostname, url.port))
            with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as it comes
                ask_for_ever(connection)

    assert cut._value.get() > before


async def test_five_hundred_who_dribble_and_five_hundred_who_follow_keep_no_bridge_out(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand of each: `python -m benchmarks.connections`."""
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_S", 3.0)
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    cookie = sign_in(database, "lan@example.org")
    with running(settings, database) as address:
        async with (
            hold(address, MANY, f"GET /api/v1/live HTTP/1.1\r\nhost: lo\r\ncookie: {cookie}\r\n\r\n") as following,
            hold(address, MANY, "GET / HTTP/1.1\r\nhost: ") as dribbling,
            httpx.AsyncClient(base_url=address) as http,
        ):
            bridge = BridgeClient(http, token)
            for seq in range(1, 30):
                receipt = await asyncio.wait_for(bridge.send(block(seq)), 5)
                assert receipt.stored == 1
            await following.answered(within_s=20)
            await dribbling.ended(within_s=20)
            assert following.open == MANY


@pytest.mark.parametrize("piece_bytes", [40, 200, 100_000])
def test_posts_in_a_row_are_stored_in_whatever_pieces_they_come(
    settings: Settings, database: Database, piece_bytes: int
) -> None:
    """Three posts at once, and no answer waited for: what is taken in rounds comes whole and in order."""
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    said = b""
    for seq in (1, 2, 3):
        body = msgspec.json.encode(Post([block(seq)]))
        close = "connection: close\r\n" if seq == 3 else ""
        head = f"POST /api/v1/blocks HTTP/1.1\r\nhost: lo\r\nauthorization: Bearer {token}\r\n{close}"
        said += f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body
    with running(settings, database) as address:
        answer = talk(address, *(said[begin : begin + piece_bytes] for begin in range(0, len(said), piece_bytes)))

    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert re.findall(rb'"marks":{"%s":(\d)}' % BOOT.encode(), answer) == [b"1", b"2", b"3"]


GOOD = Post([block(1)])


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("content-type: application/json", msgspec.json.encode(GOOD), 200),
        ("content-type: application/msgpack", msgspec.msgpack.encode(GOOD), 200),
        ("authorization: Bearer x\r\ncontent-type: application/json", msgspec.json.encode(GOOD), 200),
        ("content-type: application/json\r\ncontent-encoding: gzip", gzip.compress(msgspec.json.encode(GOOD)), 200),
        ("content-type: application/json", b'{"blocks": 1}', 422),
        ("content-type: application/json\r\ncontent-encoding: br", b"?", 422),
        ("content-type: text/plain", b"lo-1 20", 422),
    ],
)
def test_a_post_that_is_taken_where_it_came_in_is_answered_as_one_that_goes_the_long_way(
    settings: Settings, database: Database, headers: str, body: bytes, status: int
) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))

    def post(address: str, more: str = "") -> tuple[bytes, list[bytes], bytes]:
        head = f"POST /api/v1/blocks HTTP/1.1\r\nhost: lo\r\nauthorization: Bearer {token}\r\nconnection: close\r\n"
        said = f"{head}{headers}\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + body
        answer = talk(address, said).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        head_said, _, body_said = answer.partition(b"\r\n\r\n")
        line, *fields = head_said.split(b"\r\n")
        return line, sorted(one for one in fields if not one.startswith(b"date: ")), body_said

    with running(settings, database) as address:
        post(address)  # a bridge that nobody has seen since the start goes the long way too
        short, long = post(address), post(address, "expect: 100-continue\r\n")

    assert short == long
    assert short[0].startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in short[1]


def test_a_bridge_that_keeps_its_connection_is_answered_each_time(settings: Settings, database: Database) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    with running(settings, database) as address, httpx.Client(base_url=address) as http:
        http.headers["authorization"] = f"Bearer {token}"
        marks = [
            http.post("/api/v1/blocks", json=msgspec.to_builtins(Post([block(seq)]))).json()["marks"]
            for seq in (1, 2, 3)
        ]

    assert marks == [{BOOT: 1}, {BOOT: 2}, {BOOT: 3}]


def test_a_process_makes_room_for_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(connections.resource, "getrlimit", lambda _what: (1024, 20_000))
    monkeypatch.setattr(connections.resource, "setrlimit", lambda _what, limits: asked.append(limits))

    connections.make_room()

    assert asked == [(20_000, 20_000)]


def test_an_address_is_believed_from_a_trusted_proxy_alone(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The proxy of this machine is trusted as installed; whoever is not cannot say that it is somebody else."""
    asked = {"login": "lan@example.org", "password": "a guess of mine"}
    for trusted in ("127.0.0.1", "192.0.2.1"):
        monkeypatch.setenv("FORWARDED_ALLOW_IPS", trusted)
        with running(settings, database) as address:
            httpx.post(f"{address}/api/v1/session", json=asked, headers={"x-forwarded-for": "203.0.113.9"})

    hosts = [record.host for record in caplog.records if record.getMessage() == "sign-in refused"]  # type: ignore[attr-defined]
    assert hosts == ["203.0.113.9", "127.0.0.1"]
