"""A snapshot of a bridge with one good probe and one that is open."""

from firmware_bridge.latest import ChannelStatus
from firmware_bridge.status import Snapshot, SourceStatus, SpoolStatus, UplinkStatus
from firmware_bridge.wire import Quality

SNAPSHOT = Snapshot(
    written_ms=1_000_000,
    readings_read=120,
    boot="00" * 8,
    sources=(SourceStatus("lo-1/top", "lo-1", True, 130, 120, 2, 1, 3, 0, {"no_time": 4}),),
    channels=(
        ChannelStatus("lo-1", "top", "c", 1234.56, Quality.GOOD, 999_000, 999_000, 118.4),
        ChannelStatus("lo-1", 'a"<b>', "c", None, Quality.OPEN, 700_000, 700_000, None),
    ),
    spool=SpoolStatus(3, 30, 1, 40, 0, 1_500_000, 12_000_000_000),
    uplink=UplinkStatus("later", "no answer: <b>", 0),
)
