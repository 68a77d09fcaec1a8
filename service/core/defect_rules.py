"""Rules on the ware as data: how fast a kiln may go through which temperatures, for which ware, and who says so."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

from service.core.findings import Severity

# What may be known of the ware. Raw has not been fired, bisqued has; thick has walls that dry slowly; large is as wide
# as plates; glossy is to come out with a shine.
WARE: Final = ("raw", "bisqued", "thick", "large", "glossy")
FOR_S: Final = 300.0  # own choice: how long the kiln has to be beyond a limit

Way = Literal["heating", "cooling"]


@dataclass(frozen=True)
class Limit:
    """A published rate [°C/h] for ware that is all of `of`, up to `to_c` [°C] of the rule's window."""

    rate_c_per_h: float
    of: frozenset[str]
    to_c: float
    severity: Severity
    source: str


@dataclass(frozen=True)
class Rule:
    """One rule.

    Parameters
    ----------
    kind, advice_key : str
        Of the finding.
    way : "heating" or "cooling"
        On the way to the top, or from it.
    window_c : (low, high)
        Where the ware is sensitive. [°C]
    is_slower : bool
        The kiln shall go no slower than the limit, instead of no faster.
    for_s : float
        How long it has to be beyond the limit. [s]
    not_of : frozenset of str
        Ware that it is not for.
    spread_c, spread_source : float and str, or None
        How far apart probes may be within the window; shown as evidence. [°C]
    limits : tuple of Limit
        In the order of the data.
    """

    kind: str
    advice_key: str
    way: Way
    window_c: tuple[float, float]
    is_slower: bool
    for_s: float
    not_of: frozenset[str]
    spread_c: float | None
    spread_source: str | None
    limits: tuple[Limit, ...]

    def holds(self, ware: Collection[str]) -> tuple[Limit, ...]:
        """Return the limits that hold for ware of which this is known, the strictest first; none if it is not for it.

        Examples
        --------
        >>> steam = rules()[0]
        >>> [limit.rate_c_per_h for limit in steam.holds({"raw"})], steam.holds({"bisqued"})
        ([67.0, 167.0, 167.0], ())
        """
        if self.not_of & set(ware):
            return ()
        held = [limit for limit in self.limits if limit.of <= set(ware)]
        return tuple(sorted(held, key=lambda limit: limit.rate_c_per_h, reverse=self.is_slower))


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules of `data/defects.toml`, in its order.

    Raises
    ------
    ValueError
        If the data names an unknown way, an unknown ware, or a window or rate that cannot be.

    Examples
    --------
    >>> [(rule.kind, rule.window_c) for rule in rules()][:2]
    [('steam_explosion', (50.0, 250.0)), ('dehydroxylation_cracks', (450.0, 700.0))]
    """
    text = (resources.files("service.core") / "data" / "defects.toml").read_text(encoding="utf-8")
    return tuple(_rule(raw) for raw in tomllib.loads(text)["rule"])


@cache
def rules_for(ware: frozenset[str]) -> tuple[tuple[Rule, tuple[Limit, ...]], ...]:
    """Return the rules that hold for ware of which this is known, each with its limits, as `Rule.holds` says.

    Examples
    --------
    >>> [rule.kind for rule, _ in rules_for(frozenset(("bisqued",)))]
    ['dunting_quartz']
    """
    held = ((rule, rule.holds(ware)) for rule in rules())
    return tuple((rule, limits) for rule, limits in held if limits)


def _rule(raw: Mapping[str, Any]) -> Rule:
    low_c, high_c = map(float, raw["window_c"])
    not_of = frozenset(raw.get("not_of", ()))
    limits = tuple(_limit(limit, high_c) for limit in raw["limits"])
    unknown = not_of.union(*(limit.of for limit in limits)) - set(WARE)
    is_odd = not low_c < high_c or any(limit.rate_c_per_h <= 0 or not low_c < limit.to_c <= high_c for limit in limits)
    if raw["way"] not in ("heating", "cooling") or unknown or is_odd:
        msg = f"rule {raw['kind']!r}: way {raw['way']!r}, window {raw['window_c']}, unknown ware {sorted(unknown)}"
        raise ValueError(msg)
    return Rule(
        kind=raw["kind"],
        advice_key=raw["advice_key"],
        way=raw["way"],
        window_c=(low_c, high_c),
        is_slower=raw.get("is_slower", False),
        for_s=float(raw.get("for_s", FOR_S)),
        not_of=not_of,
        spread_c=raw.get("spread_c"),
        spread_source=raw.get("spread_source"),
        limits=limits,
    )


def _limit(raw: Mapping[str, Any], high_c: float) -> Limit:
    severity = Severity(raw.get("severity", "warning"))
    return Limit(
        float(raw["rate"]), frozenset(raw.get("of", ())), float(raw.get("to_c", high_c)), severity, raw["source"]
    )
