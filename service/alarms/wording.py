"""What findings are called and say, in the reader's language; the texts stand in `texts/<language>.toml`.

A template names evidence, whose last part is its unit: {silent_s} becomes "4 phút". A sentence that names something the
finding does not bring is left out, so that a text never breaks and never says more than was measured.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Final

from service.alarms.quantities import Formats

Evidence = Mapping[str, float | str | None]

LANGUAGES: Final = ("vi", "en")
_TEXTS: Final[Mapping[str, dict[str, Any]]] = {
    language: tomllib.loads((resources.files("service.alarms") / f"texts/{language}.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES
}
_NAME: Final = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Words:
    title: str
    detail: str
    advice: str


def words(
    kind: str,
    *,
    advice_key: str,
    channel: str | None,
    evidence: Evidence,
    start_at: datetime,
    end_at: datetime | None,
    language: str,
) -> Words:
    """Return what is so, what was measured, and what to do; a kind or an advice without text gets a general one."""
    texts = _TEXTS[language]
    formats = Formats(texts["unit"], decimal=texts["decimal"], thousands=texts["thousands"])
    values = {name: formats.quantity(name, value) for name, value in evidence.items() if value not in (None, "")}
    values |= {"channel": _channel(texts, channel), "kind": kind.replace("_", " ")}
    if end_at is not None and end_at > start_at:
        values["lasted"] = formats.duration((end_at - start_at).total_seconds())
    text = texts["finding"].get(kind, texts["any_finding"])
    advice = texts["advice"].get(advice_key, texts["any_advice"]) if advice_key else ""
    return Words(
        title=_upper_first(_fill([text["title"]], values)),
        detail=_fill(text["detail"], values),
        advice=_fill([advice], values),
    )


def phrase(key: str, language: str) -> str:
    """Return a text that stands for itself, such as the label of a button."""
    return str(_TEXTS[language]["phrase"][key])


def _channel(texts: Mapping[str, Any], channel: str | None) -> str:
    if channel is None:
        return str(texts["no_channel"])
    return str(texts["channel"].get(channel, texts["any_channel"].format(name=channel)))


def _fill(sentences: Sequence[str], values: Mapping[str, str]) -> str:
    sayable = [one for one in sentences if all(name in values for name in _NAME.findall(one))]
    return _upper_first(" ".join(_NAME.sub(lambda found: values[found[1]], one) for one in sayable))


def _upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]
