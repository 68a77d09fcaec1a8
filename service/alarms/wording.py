"""What findings are called and say, in the reader's language; the texts stand in `texts/<language>.toml`.

A template names evidence, whose last part is its unit: {silent_s} becomes "4 phút"; {|moved_c|} leaves out the sign. A
sentence that names something the finding does not bring is left out, so that a text never breaks and never says more
than was measured. Of a list of sentences, the first that can be said is.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any, Final

from service.alarms.quantities import MINUS, Formats

Evidence = Mapping[str, float | str | None]
Sentence = str | list[str]

LANGUAGES: Final = ("vi", "en")
_TEXTS: Final[Mapping[str, dict[str, Any]]] = {
    language: tomllib.loads((resources.files("service.alarms") / f"texts/{language}.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES
}
NO_LABELS: Final[Mapping[str, str]] = {}
MOST_PARTS_SHOWN: Final = 5
_NAME: Final = re.compile(r"{(\|?)(\w+)\|?}")


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
    now: datetime | None = None,
    parts: Sequence[tuple[str, str | None]] = (),
    labels: Mapping[str, str] = NO_LABELS,
) -> Words:
    """Return what is so, what was measured, and what to do; a kind or an advice without text gets a general one.

    `now` is when it is said, of what may hold: for how long it has.
    `parts` are kilns and channels of which the same is so, for the same cause; `labels` is what people call the
    channels of its own kiln.
    """
    plain = _TEXTS[language]
    texts = {**plain, "channel": {**plain["channel"], **labels}}
    formats = Formats(texts["unit"], decimal=texts["decimal"])
    values = {name: _say(texts, formats, name, value) for name, value in evidence.items() if value is not None}
    values |= {"channel": _channel(texts, channel), "kind": kind.replace("_", " ")}
    if end_at is not None and end_at > start_at:
        values["lasted"] = formats.duration((end_at - start_at).total_seconds())
    if end_at is None and now is not None and now > start_at:
        values["so_far"] = formats.duration((now - start_at).total_seconds())
    in_phase = f"{kind}.{evidence.get('phase')}"
    text = texts["finding"].get(in_phase) or texts["finding"].get(kind) or texts["any_finding"]
    advice = texts["advice"].get(advice_key, texts["any_advice"]) if advice_key else ""
    title, detail = text["title"], list(text["detail"])
    if parts:
        title, advice = text["title_of_several"], texts["advice"]["check_what_they_share"]
        detail.append(texts["phrase"]["parts"])
        values |= {"count": str(len(parts) + 1), "parts": _places(plain, parts)}
    return Words(_fill(title, values), " ".join(filter(None, _filled(detail, values))), advice)


def _places(texts: Mapping[str, Any], parts: Sequence[tuple[str, str | None]]) -> str:
    shown = [f"{kiln} ({_channel(texts, channel)})" if channel else kiln for kiln, channel in parts[:MOST_PARTS_SHOWN]]
    return ", ".join(shown) + (" …" if len(parts) > MOST_PARTS_SHOWN else "")


def phrase(key: str, language: str) -> str:
    """Return a text that stands for itself, such as the label of a button."""
    return str(_TEXTS[language]["phrase"][key])


def _say(texts: Mapping[str, Any], formats: Formats, name: str, value: float | str) -> str:
    return _channel(texts, str(value)) if name.endswith("_channel") else formats.quantity(name, value)


def _channel(texts: Mapping[str, Any], channel: str | None) -> str:
    if channel is None:
        return str(texts["no_channel"])
    return str(texts["channel"].get(channel, texts["any_channel"].replace("{name}", channel)))


def _filled(sentences: list[Sentence], values: Mapping[str, str]) -> list[str]:
    choices = [[one] if isinstance(one, str) else one for one in sentences]
    return [next(filter(None, (_fill(one, values) for one in either)), "") for either in choices]


def _fill(sentence: str, values: Mapping[str, str]) -> str:
    """Return the sentence with its values in place, empty if one of them is not there."""
    if any(name not in values for _, name in _NAME.findall(sentence)):
        return ""
    text = _NAME.sub(lambda found: values[found[2]].removeprefix(MINUS if found[1] else ""), sentence)
    return text[:1].upper() + text[1:]
