"""What the service refuses is kept apart, harms nobody else's readings, and can be sent again."""

import logging
from collections import Counter
from contextlib import closing, nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from bridge_fakes import NOON, Service

from firmware_bridge.blocks import Draft
from firmware_bridge.cli import main
from firmware_bridge.clock import Clock
from firmware_bridge.decoders.numbers import Numbers
from firmware_bridge.intake import Intake, Memory
from firmware_bridge.message import Message
from firmware_bridge.recorder import Recorder
from firmware_bridge.set_up.doctor import SPOOL_FILE, send_again
from firmware_bridge.spoken import Wanted
from firmware_bridge.spool import Spool
from firmware_bridge.units import UNITS
from firmware_bridge.uplink import Patience, Uplink
from firmware_bridge.wire import Block, Column, Unit

LONG = Patience(last_try_s=30)


class Kiln:
    """An instrument that says numbers, each a new one."""

    def __init__(self, name: str, probes: int) -> None:
        numbers = Numbers([Wanted(f"probe-{number}", said=UNITS["c"]) for number in range(probes)])
        self.intake = Intake(f"{name}/top", name, numbers, Memory(), now=NOON)
        self.said = 0
        self._probes = probes

    def say(self, second: int) -> None:
        values = range(self.said + 1, self.said + self._probes + 1)
        self.said += self._probes
        self.intake.take(Message(b" ".join(b"%d" % value for value in values), NOON + timedelta(seconds=second)))


def stored(service: Service, kiln: str) -> Counter[float | None]:
    """Return how often each value of a kiln was stored; the same name twice is the same block."""
    named = {(block.boot, block.seq): block for post in service.posts for block in post.blocks}
    blocks = [named[name] for name in set(service.stored)]
    return Counter(
        value for block in blocks if block.kiln == kiln for column in block.columns for value in column.value
    )


async def test_what_is_refused_of_one_kiln_costs_no_other_a_reading_and_is_stored_once_when_sent_again(
    tmp_path: Path, token_file: Path
) -> None:
    a, b = Kiln("lo-a", 1), Kiln("lo-b", 60)
    spool = Spool(tmp_path / SPOOL_FILE)
    recorder = Recorder([a.intake, b.intake], spool, Clock(), lambda: None, most_spool_bytes=200_000)
    async with Service() as service:
        service.refuses = lambda post: any(block.kiln == "lo-b" for block in post.blocks)
        for second in range(200):
            a.say(second)
            a.say(second)
            b.say(second)
            await recorder.commit(NOON + timedelta(seconds=second))
        await Uplink(service.url, token_file, spool, LONG).send_last()
        assert spool.counts().quarantined_blocks == 200

        for second in range(200, 600):  # the service is away
            a.say(second)
            a.say(second)
            await recorder.commit(NOON + timedelta(seconds=second))
        counts = spool.counts()
        assert (counts.thinned_readings, counts.dropped_readings) == (0, 0)
        spool.close()

        service.refuses = lambda post: False
        assert [finding.values["n"] for finding in send_again(tmp_path)] == [200]
        spool = Spool(tmp_path / SPOOL_FILE)
        await Uplink(service.url, token_file, spool, LONG).send_last()
        assert spool.counts().quarantined_blocks == spool.counts().waiting_blocks == 0
        spool.close()

    assert stored(service, "lo-a") == Counter(range(1, a.said + 1))
    assert stored(service, "lo-b") == Counter(range(1, b.said + 1))


def fill(spool: Spool, *values: float, is_sure: bool = True) -> None:
    spool.append([Draft("lo-1", 5, (Column("top", Unit.CELSIUS, [5], [value]),), is_sure) for value in values], {})


def waiting(spool: Spool) -> list[tuple[str, int, float | None, bool]]:
    blocks = [msgspec.msgpack.decode(one.body, type=Block) for one in spool.take(64, 10**6).blocks]
    return [(block.boot, block.seq, block.columns[0].value[0], block.is_estimated) for block in blocks]


def test_the_oldest_are_given_up_when_there_are_too_many_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / SPOOL_FILE, most_aside_bytes=1000)
    fill(spool, *range(10))
    with caplog.at_level(logging.WARNING):
        for seq in range(1, 11):
            spool.reject(spool.boot, seq, "no")

    kept = spool.counts().quarantined_blocks
    assert 0 < kept < 10
    assert spool.counts().dropped_readings == len(caplog.records) == 10 - kept
    spool.send_again()
    assert [value for _, _, value, _ in waiting(spool)] == list(range(10 - kept, 10))
    spool.close()


def test_what_is_sent_again_has_new_numbers_and_is_as_sure_as_it_was(tmp_path: Path) -> None:
    spool = Spool(tmp_path / SPOOL_FILE)
    fill(spool, 1, is_sure=False)
    fill(spool, 2)
    for seq in (1, 2):
        spool.reject(spool.boot, seq, "no")
    spool.close()
    again = Spool(tmp_path / SPOOL_FILE)

    assert again.send_again() == 2
    assert again.send_again() == 0
    boot = again.boot
    again.close()
    after = Spool(tmp_path / SPOOL_FILE)

    assert waiting(after) == [(boot, 1, 1.0, True), (boot, 2, 2.0, False)]
    assert after.counts().waiting_readings == 2
    after.close()


@pytest.mark.parametrize("is_running", [False, True])
def test_the_command_sends_again_unless_a_bridge_is_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_running: bool
) -> None:
    config = tmp_path / "b.toml"
    config.write_text(
        'server = "http://lo"\n[[sources]]\ntype = "kiln_controller"\nhost = "lo"\nkiln = "lo-1"\nchannels = ["top"]\n'
    )
    (tmp_path / "data").mkdir()
    spool = Spool(tmp_path / "data" / SPOOL_FILE)
    fill(spool, 1)
    spool.reject(spool.boot, 1, "no")
    with closing(spool) if is_running else nullcontext(spool.close()), suppress(SystemExit):
        main(["--config", str(config), "--lang", "en", "doctor", "--send-again"])
    with closing(Spool(tmp_path / "data" / SPOOL_FILE)) as after:
        counts = after.counts()

    assert (counts.quarantined_blocks, counts.waiting_blocks) == ((1, 0) if is_running else (0, 1))
    said = capsys.readouterr()
    assert ("another bridge" in said.err) is is_running
    assert ("Blocks that will be sent again: 1" in said.out) is not is_running
