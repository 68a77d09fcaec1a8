"""What is given up first when the card is full: not hours, but how often in them."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from msgspec import structs

from firmware_bridge.wire import Block, Column

MEANS_OF_MS: Final = 10_000


def thin(blocks: Sequence[Block]) -> list[Block]:
    """Return the same blocks by name, in order, with one mean for every ten seconds of a channel.

    The mean stands in the last block of its ten seconds at their mean time; the others say nothing. Faults that lasted
    all of the time stay one fault. Blocks are of one boot.
    """
    thinned: dict[int, Block] = {}
    by_kiln = sorted(blocks, key=lambda block: (block.kiln, block.seq))
    for _, group in groupby(by_kiln, key=lambda block: (block.kiln, block.until_ms // MEANS_OF_MS)):
        together = list(group)
        for block in together[:-1]:
            thinned[block.seq] = structs.replace(block, until_ms=0, columns=[])
        last = together[-1]
        thinned[last.seq] = structs.replace(last, columns=_means([one for block in together for one in block.columns]))
    return [thinned[block.seq] for block in blocks]


def _means(columns: Sequence[Column]) -> list[Column]:
    by_channel: dict[str, list[Column]] = {}
    for column in columns:
        if column.at_ms:
            by_channel.setdefault(column.channel, []).append(column)
    return [_mean(ours) for ours in by_channel.values()]


def _mean(columns: Sequence[Column]) -> Column:
    taken = [pair for column in columns for pair in zip(column.at_ms, column.value, strict=True)]
    good = [(at_ms, value) for at_ms, value in taken if value is not None]
    at_ms = sum(at for at, _ in good or taken) // len(good or taken)
    first = columns[0]
    if good:
        value = round(sum(value for _, value in good) / len(good), 2)
        return Column(first.channel, first.unit, [at_ms], [value])
    faults = [fault for column in columns for fault in column.fault.values()]
    return Column(first.channel, first.unit, [at_ms], [None], {0: faults[-1]} if faults else {})
