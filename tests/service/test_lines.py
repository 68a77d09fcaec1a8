"""Telegraf and InfluxDB clients send lines: each is one reading, however often and however cut it comes."""

import asyncio
import gzip
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from running import running
from service_parts import BridgeClient, block, new_bridge, new_workshop
from sqlalchemy import func, select, update

from firmware_bridge.wire import Quality
from service.core.series import QUALITIES, Samples
from service.ingest.line_protocol import BadLine, parse
from service.ingest.line_readings import gather
from service.ingest.receive_lines import MAX_LINES
from service.monitor.conclude import States, save_states
from service.series import history
from service.series.seal import seal
from service.settings import Settings
from service.store import api_tokens
from service.store.database import Database
from service.store.models import Account, Alarm, Bridge, Kiln, Mark, Membership, StoredBlock
from service.store.roles import Role, Scope

NOW = datetime.now(UTC).replace(microsecond=0)
START_S = int(NOW.timestamp()) - 7200


class Sender:
    """Sends lines as Telegraf does."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http = http
        self.token = token

    async def send(self, *lines: str, precision: str = "s", **headers: str) -> httpx.Response:
        return await self.http.post(
            f"/api/v2/write?org=xuong&bucket=lo&precision={precision}",
            content=gzip.compress("\n".join(lines).encode()),
            headers={"authorization": f"Token {self.token}", "content-encoding": "gzip", **headers},
        )


@pytest.fixture
async def sender(bridge: BridgeClient, http: httpx.AsyncClient) -> Sender:
    return Sender(http, bridge.token)


def line(at_s: float, value: float = 600.0, *, kiln: str = "lo-1", name: str = "top_c") -> str:
    return f"kiln,host=pi,kiln={kiln} {name}={value} {int(START_S + at_s)}"


def stored(database: Database, key: str = "lo-1") -> Mapping[str, Samples]:
    """Return what is stored of a kiln, each channel of which measures one thing."""
    with database.read() as session:
        kiln_id = session.scalars(select(Kiln.id).where(Kiln.key == key)).one()
        found, _ = history.read_every_unit(
            session, kiln_id, from_at=datetime(2000, 1, 1, tzinfo=UTC), to_at=NOW + timedelta(days=2)
        )
        return {channel: samples for (channel, _), samples in found.items()}


def counted(database: Database, key: str = "lo-1") -> tuple[int, int]:
    with database.read() as session:
        return history.count(session, session.scalars(select(Kiln.id).where(Kiln.key == key)).one())


def api_token(database: Database, *, scope: Scope = Scope.WRITE, role: Role = Role.OWNER) -> str:
    with database.write() as session:
        session.execute(update(Membership).values(role=role.value))
        account_id = session.scalars(select(Account.id)).one()
        _, secret = api_tokens.create(
            session, 1, account_id, name="telegraf", scope=scope, expires_at=NOW + timedelta(days=9), now=NOW
        )
    return secret


# --- what a line is --------------------------------------------------------------------------------------------------


def test_telegrafs_own_examples_are_read() -> None:
    text = (
        "# a comment\n"
        "modbus,host=pi,kiln=lo-1,name=E5CC,slave_id=1"
        ' top_c=1001.5,status="run, \\"hot\\"",output=12i 1700000000000000000\r\n'
        "\n"
        'my\\ meter,k\\,y=a\\=b\\ c value=1e3,on=true,n=-5u,text="two\nlines"\n'
        "mqtt_consumer,topic=lo/1 value=1 1700000000000000001"
    )

    first, second, third = parse(text)

    assert first == (
        2,
        "modbus",
        {"host": "pi", "kiln": "lo-1", "name": "E5CC", "slave_id": "1"},
        {"top_c": 1001.5, "status": 'run, "hot"', "output": 12},
        1_700_000_000_000_000_000,
    )
    assert second[1:] == (
        "my meter",
        {"k,y": "a=b c"},
        {"value": 1000.0, "on": True, "n": -5, "text": "two\nlines"},
        None,
    )
    assert (third.line, third.at) == (6, 1_700_000_000_000_000_001)


names = st.text(
    st.characters(codec="utf-8", exclude_characters='\\\n\r\t"#', exclude_categories=["Cc"]), min_size=1, max_size=12
)


@given(
    names.filter(lambda name: name.strip()),
    st.dictionaries(names, names, max_size=3),
    st.dictionaries(
        names,
        st.one_of(
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**53), 2**53),
            st.booleans(),
            st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20),
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 2**62),
)
@bounds(max_examples=200, deadline=None)
def test_what_the_official_client_writes_is_read_as_it_was_meant(
    measurement: str, tags: dict[str, str], fields: dict[str, float | bool | str], at: int
) -> None:
    point = Point.from_dict({"measurement": measurement, "tags": tags, "fields": fields}).time(at, WritePrecision.NS)

    (read,) = parse(point.to_line_protocol())

    assert not isinstance(read, BadLine)
    assert read.tags == tags
    assert (
        read.fields == pytest.approx(fields)
        if all(isinstance(v, float) for v in fields.values())
        else read.fields == fields
    )
    assert (read.measurement, read.at) == (measurement, at)


@given(st.text(st.sampled_from('abc,= \\"\n\r#1.ie-tT'), max_size=200) | st.text(max_size=100))
@bounds(max_examples=500, deadline=None)
def test_any_text_is_points_and_refusals_and_never_more_of_them_than_lines(text: str) -> None:
    found = list(parse(text))

    assert len(found) <= text.count("\n") + 1
    assert [one.line for one in found] == sorted({one.line for one in found})
    gathered = gather(found, precision="ns", now=NOW)
    assert gathered.lines == len(found)


@pytest.mark.parametrize(
    "hostile", ["a" * 300_000, "a,b=" + "\\ " * 150_000, 'a b="' + "\\" * 300_000, "a b=1" + ",c=1" * 90_000 + " x"]
)
def test_a_hostile_line_takes_no_longer_than_its_length(hostile: str) -> None:
    began_s = time.perf_counter()

    found = list(parse(f"{hostile}\nk,kiln=lo-1 top_c=1 1"))

    assert isinstance(found[0], BadLine)
    assert time.perf_counter() - began_s < 1.0


# --- which reading it says -------------------------------------------------------------------------------------------


def said(text: str) -> tuple[dict[tuple[str, str, str], float | None], list[str]]:
    gathered = gather(parse(text), precision="s", now=NOW)
    readings = {
        (place.kiln, place.channel, place.unit.value): next(iter(by_time.values())).value
        for place, by_time in gathered.readings.items()
    }
    return readings, gathered.reasons


def test_kiln_channel_and_unit_come_from_tags_or_from_the_fields_name() -> None:
    at = START_S
    assert said(f'x,kiln=LO-1 top_c=900,gas_kpa=1.5,o2_o2_mv=45i,ignored=3,state="on" {at}')[0] == {
        ("lo-1", "top", "c"): 900.0,
        ("lo-1", "gas", "kpa"): 1.5,
        ("lo-1", "o2", "o2_mv"): 45.0,
    }
    assert said(f"x,kiln=lo-1,channel=top,unit=c value=900 {at}")[0] == {("lo-1", "top", "c"): 900.0}
    assert said(f"x,kiln=lo-1,unit=F upper=1832 {at}")[0] == {("lo-1", "upper", "c"): 1000.0}
    assert said(f"x,kiln=lo-1 sitter_contact=true {at}")[0] == {("lo-1", "sitter", "contact"): 1.0}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x,kiln=lo-1 temperature=900", "field 'temperature' does not say its unit"),
        ("x,kiln=lo-1,channel=top value=900", "needs a tag `unit`"),
        ("x,host=pi top_c=900", "a tag `kiln` is wanted"),
        ("x,kiln=Lò\\ 1 top_c=900", "a tag `kiln` is wanted, of letters a to z"),
        ("x,kiln=lo-1 top_c=900 1700000000000000000", "look at the precision"),
        ("x,kiln=lo-1 top_c=900 12", "look at the precision"),
        pytest.param(
            f"x,kiln=lo-1 top_c=900 {START_S + 9 * 3600}",
            "7.0 h from now: set the sender's clock, and send UTC",
            id="seven hours ahead",
        ),
        ("x,kiln=lo-1,channel=top pv_c=900,sp_c=1000", "two of its fields are channel 'top'"),
        ("x,kiln=lo-1 gas_kpa=2.8,gas_kg=35", "two of its fields are channel 'gas'"),
        ("x,kiln=lo-1 top_c=NaN", "has no value that line protocol knows"),
        ('x,kiln=lo-1 state="on"', "it has no number"),
        ('x,kiln=lo-1 top_c=1,quality="odd"', "quality 'odd' is none of good, open"),
        (" x,kiln=lo-1 top_c=900", "begins with a blank"),
        ("<html>", "it is not `measurement,tag=value field=value time`"),
    ],
)
def test_a_line_that_leaves_something_to_guess_is_refused_with_what_it_lacks(text: str, why: str) -> None:
    readings, reasons = said(text)

    assert readings == {}
    assert why in reasons[0]


# --- on its way ------------------------------------------------------------------------------------------------------


async def test_an_answer_means_that_another_connection_can_read_the_readings(
    sender: Sender, database: Database, database_url: str
) -> None:
    answer = await sender.send(line(0, 25.5), line(10, 26.0), line(10, 1.25, name="gas_kpa"))

    other = Database(database_url)
    found = stored(other)
    other.close()
    assert (answer.status_code, answer.content) == (204, b"")
    assert found["top"].value.tolist() == [25.5, 26.0]
    assert (found["top"].time_s - START_S).tolist() == [0.0, 10.0]
    assert found["gas"].value.tolist() == [1.25]


async def test_the_same_line_twice_is_one_reading_however_it_is_cut(sender: Sender, database: Database) -> None:
    lines = [line(10 * i, 600.0 + i) for i in range(30)]
    assert (await sender.send(*lines[:20])).status_code == 204
    assert (await sender.send(*lines[:20])).status_code == 204
    assert (await sender.send(*lines[10:], lines[29])).status_code == 204

    answers = await asyncio.gather(*(sender.send(*lines[i:]) for i in range(0, 30, 3)))

    assert {answer.status_code for answer in answers} == {204}
    assert counted(database) == (30, 0)


async def test_a_line_sent_again_after_it_was_sealed_is_still_one_reading(sender: Sender, database: Database) -> None:
    lines = [line(10 * i, 600.0 + i) for i in range(30)]
    await sender.send(*lines)
    await sender.send(line(0, kiln="lo-2"))
    with database.write() as session:
        kiln_id = session.scalars(select(Kiln.id).where(Kiln.key == "lo-1")).one()
        newest = session.scalar(select(func.max(StoredBlock.id)))
        state = {"last_block_id": newest, "last_block_at": NOW, "snapshot": b"", "status": msgspec.Raw(b"{}")}
        save_states(session, States([{"kiln_id": kiln_id, "workshop_id": 1, **state}], []))  # the watch may have begun
    assert seal(database, kiln_id, received_before=NOW + timedelta(days=1)) == 30

    await sender.send(*lines, line(305))

    assert counted(database) == (31, 0)


async def test_a_line_of_what_a_bridge_has_said_is_the_bridges_reading(
    bridge: BridgeClient, sender: Sender, database: Database
) -> None:
    await bridge.send(block(1, at_s=START_S, top=[500.0, 501.0]))

    await sender.send(line(0, 777.0), line(5, 500.5), line(10, 777.0))

    assert stored(database)["top"].value.tolist() == [500.0, 500.5, 501.0]
    assert counted(database) == (3, 0)


async def test_precision_is_the_senders(sender: Sender, database: Database) -> None:
    for index, (precision, scale) in enumerate([("ns", 10**9), ("us", 10**6), ("ms", 1000), ("s", 1), ("", 10**9)]):
        answer = await sender.send(f"x,kiln=lo-1 top_c=1 {(START_S + index) * scale}", precision=precision)
        assert answer.status_code == 204
    assert (await sender.send(line(0), precision="fortnight")).json()["code"] == "invalid"

    assert (stored(database)["top"].time_s - START_S).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


async def test_faults_and_guessed_times_are_kept(sender: Sender, database: Database) -> None:
    await sender.send(
        f"reading,kiln=lo-1,channel=top,unit=c value=900 {START_S}",
        f"reading,kiln=lo-1,channel=top,unit=c quality=1i {START_S + 1}",
        f'reading,kiln=lo-1,channel=top,unit=c quality="out_of_range" {START_S + 2}',
        f"reading,clock=estimated,kiln=lo-1,channel=top,unit=c value=20 {START_S - 60}",
    )

    top = stored(database)["top"]
    assert top.quality is not None
    assert [QUALITIES[code] for code in top.quality] == ["good", "good", Quality.OPEN, Quality.OUT_OF_RANGE]
    with database.read() as session:
        assert session.scalar(select(func.count(StoredBlock.id))) == 2


async def test_what_is_wrong_with_some_lines_costs_no_other(sender: Sender, database: Database) -> None:
    answer = await sender.send(line(0), "nonsense", line(10), "x,kiln=lo-1 heat=3", line(20))

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"
    assert answer.json()["message"].startswith(
        "partial write: 2 of 5 lines were dropped, all others are stored: line 2:"
    )
    assert "line 4: field 'heat' does not say its unit" in answer.json()["message"]
    assert counted(database) == (3, 0)


async def test_a_channel_has_one_unit_whatever_came_first(sender: Sender, database: Database) -> None:
    mixed = await sender.send(line(0, 2.8, name="gas_kpa"), line(1, 35, name="gas_kg"), line(2, 900))
    later = await sender.send(line(3, 2.9, name="gas_kpa"), line(3, 34, name="gas_kg"), line(4, 34, name="gas_kg"))

    assert (mixed.status_code, later.status_code) == (400, 400)
    assert "1 of 3 lines were dropped" in mixed.json()["message"]
    assert "channel 'gas' is in kpa already: what is in kg wants another name" in mixed.json()["message"]
    assert "2 of 3 lines were dropped" in later.json()["message"]
    assert stored(database)["gas"].value.tolist() == [2.8, 2.9]
    alone = await sender.send(line(5, 34, name="gas_kg"))
    assert "kiln 'lo-1': channel 'gas' is in kpa already" in alone.json()["message"]
    assert stored(database)["gas"].value.tolist() == [2.8, 2.9]


async def test_lines_wake_the_watch_over_the_kiln_and_ring_its_alarms(
    sender: Sender, database: Database, app: FastAPI
) -> None:
    now_s = int(datetime.now(UTC).timestamp()) - START_S
    climb = [line(at_s, 25.0 + (at_s - now_s + 3600) / 8) for at_s in range(now_s - 3600, now_s - 900, 10)]
    await sender.send(*climb)
    torn = [f'x,kiln=lo-1,channel=top,unit=c quality="open" {START_S + at_s}' for at_s in range(now_s - 900, now_s, 10)]
    await sender.send(*torn)

    async with asyncio.timeout(30):
        while not (kinds := open_alarms(database)):
            await asyncio.sleep(0.05)
    assert kinds == ["thermocouple_open"]


def open_alarms(database: Database) -> list[str]:
    with database.read() as session:
        return [alarm.finding.kind for alarm in session.scalars(select(Alarm))]


# --- who may send ----------------------------------------------------------------------------------------------------


async def test_an_api_token_sends_for_its_workshop_and_no_other(sender: Sender, database: Database) -> None:
    sender.token = api_token(database)

    assert (await sender.send("x,kiln=lo-1,workshop_id=7,workshop=7 top_c=1")).status_code == 204

    with database.read() as session:
        assert set(session.scalars(select(StoredBlock.workshop_id))) == {1}
        assert (
            session.scalars(
                select(Bridge.name).where(Bridge.id == select(StoredBlock.bridge_id).scalar_subquery())
            ).one()
            == "·lines·"
        )


@pytest.mark.parametrize(("scope", "role"), [(Scope.READ, Role.OWNER), (Scope.WRITE, Role.OPERATOR)])
async def test_a_token_that_reaches_no_further_may_not_send(
    sender: Sender, database: Database, scope: Scope, role: Role
) -> None:
    sender.token = api_token(database, scope=scope, role=role)

    answer = await sender.send(line(0))

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_without_a_token_that_is_known_nothing_is_taken(sender: Sender, database: Database) -> None:
    for authorization in ("", "Token ", "Token nobody", "Token canhlo_nobody", "Basic YTpi"):
        answer = await sender.send(line(0), authorization=authorization)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    with database.read() as session:
        assert session.scalar(select(func.count(Kiln.id))) == 0


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_shows_a_token_that_nobody_knows_takes_no_turn_to_write(
    http: httpx.AsyncClient, database: Database
) -> None:
    with database.write() as session:
        session.connection()  # for nobody else to have
        answer = await Sender(http, "canhlo_unknown").send(line(0))

    assert answer.status_code == 401


async def test_a_body_that_is_refused_leaves_no_number_behind_that_holds_up_what_follows(
    sender: Sender, database: Database
) -> None:
    await sender.send(line(0), line(0, kiln="lo-2"))
    scattered = [f"x,kiln=lo-2 top_c=1 {START_S - 86400 * day}" for day in range(500)]
    refused = await sender.send(line(1), *scattered)
    await sender.send(line(2), line(2, kiln="lo-2"))

    assert refused.status_code == 413
    with database.read() as session:
        said = session.execute(select(StoredBlock.boot, func.max(StoredBlock.seq)).group_by(StoredBlock.boot))
        assert sorted(seq for _, seq in said) == sorted(session.scalars(select(Mark.seq)))


async def test_bodies_are_bounded(sender: Sender, database: Database) -> None:
    too_many = await sender.send(*["x"] * (MAX_LINES + 2))
    bomb = await sender.http.post(
        "/api/v2/write",
        content=gzip.compress(b"x" * 40_000_000),
        headers={"authorization": f"Token {sender.token}", "content-encoding": "gzip"},
    )
    torn = await sender.http.post(
        "/api/v2/write",
        content=gzip.compress(b"x y=1")[:-4],
        headers={"authorization": f"Token {sender.token}", "content-encoding": "gzip"},
    )
    scattered = [f"x,kiln=lo-1 top_c=1 {START_S - 86400 * day}" for day in range(500)]
    await sender.send(line(0))
    spread = await sender.send(*scattered)

    assert [one.status_code for one in (too_many, bomb, torn, spread)] == [413, 413, 400, 413]
    assert "touch 400 days" in spread.json()["message"]
    assert (await sender.send()).json() == {"code": "invalid", "message": "there is no line in the body"}
    assert counted(database) == (1, 0)


async def test_after_a_refused_body_what_follows_can_still_be_sealed(sender: Sender, database: Database) -> None:
    fields = ",".join(f"c{i}_c=1" for i in range(70))
    refused = await sender.send(f"x,kiln=lo-1 {fields} {START_S}")
    assert (refused.status_code, refused.json()["code"]) == (422, "unprocessable entity")

    await sender.send(line(0))
    await sender.send(line(10))

    with database.read() as session:
        assert session.scalars(select(StoredBlock.seq).order_by(StoredBlock.id)).all() == [1, 2]


# --- the real client -------------------------------------------------------------------------------------------------


def test_the_official_client_finds_the_service_well_writes_and_is_told(database: Database, settings: Settings) -> None:
    token = new_bridge(database, new_workshop(database, "lan@example.org"))
    points = [Point("kiln").tag("kiln", "lo-1").field("top_c", 600.0 + i).time(START_S + i, "s") for i in range(50)]

    with running(settings, database) as url, InfluxDBClient(url=url, token=token, org="xuong") as client:
        assert client.ping()
        assert httpx.get(f"{url}/health").json()["status"] == "pass"
        write = client.write_api(write_options=SYNCHRONOUS).write
        write(bucket="lo", record=points, write_precision="s")
        write(bucket="lo", record=points, write_precision="s")
        with pytest.raises(ApiException, match="field 'heat' does not say its unit"):
            write(bucket="lo", record=Point("kiln").tag("kiln", "lo-1").field("heat", 1.0))

    assert counted(database) == (50, 0)
