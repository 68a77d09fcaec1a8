"""The words for what the science really says of two bad firings, and for what it does not say yet."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from firings import HASTY, INSTRUMENT_FAULTS, OFF_SCHEDULE, OVERFIRED, STRAYING_KILN, UNDERFIRED

import service.core
from service.alarms.wording import _TEXTS, LANGUAGES, Words, words
from service.core.findings import Finding, Group, Severity

EVERY = [*HASTY, *OFF_SCHEDULE, *UNDERFIRED, *OVERFIRED, *INSTRUMENT_FAULTS, *STRAYING_KILN]
START = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)


def say(finding: Finding, language: str = "vi") -> Words:
    return words(
        finding.kind,
        advice_key=finding.advice_key,
        channel=finding.channel,
        evidence=finding.evidence,
        start_at=START + timedelta(seconds=finding.start_s),
        end_at=None if finding.end_s is None else START + timedelta(seconds=finding.end_s),
        language=language,
    )


SILENT = Finding(
    "sensor_silent",
    Group.SENSOR,
    Severity.CRITICAL,
    "top",
    7200.0,
    None,
    {"silent_limit_s": 300.0, "last_value_c": 295.2},
    "check_probe_wiring",
)
STALLED = Finding(
    "stalled",
    Group.KILN,
    Severity.WARNING,
    None,
    7200.0,
    None,
    {"highest_c": 1119.6, "no_rise_s": 5400.0, "target_cone": "6"},
    "check_fuel_and_draught",
)


def test_every_kind_in_the_science_has_words() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in Path(service.core.__file__).parent.rglob("*.py"))

    assert set(re.findall(r'"(\w+)", Group\.', sources)) <= set(_TEXTS["vi"]["finding"])


def test_the_firings_bring_every_kind_that_the_science_knows() -> None:
    assert {one.kind for one in EVERY} == set(_TEXTS["vi"]["finding"]) - {
        "bridge_silent",
        "uneven_heating.cooling",
    }
    assert {one.advice_key for one in EVERY} == set(_TEXTS["vi"]["advice"]) - {
        "check_bridge",
        "check_what_they_share",
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("finding", EVERY, ids=lambda one: one.kind)
def test_every_finding_is_said_whole_in_every_language(finding: Finding, language: str) -> None:
    text = say(finding, language)

    assert text.title
    assert text.detail
    assert text.advice != _TEXTS[language]["any_advice"]
    assert text.title != _TEXTS[language]["any_finding"]["title"].replace("{kind}", finding.kind.replace("_", " "))
    assert not re.search(r"[{}|]|None|nan|  ", f"{text.title} {text.detail} {text.advice}")


@pytest.mark.parametrize(
    ("finding", "title", "detail"),
    [
        (SILENT, "Mất tín hiệu can trên", "Đã hơn 5 phút không có số đo. Số cuối cùng là 295 °C."),
        (
            replace(SILENT, channel="bottom", end_s=8400.0),
            "Mất tín hiệu can dưới",
            "Mất số đo suốt 20 phút. Số cuối cùng là 295 °C.",
        ),
        (
            STALLED,
            "Lò không lên nhiệt",
            "Đã 1 giờ 30 phút không lên quá 1120 °C. Chừng ấy chưa tới nhiệt của côn 6.",
        ),
        (
            replace(STALLED, evidence={**STALLED.evidence, "target_cone": None}),
            "Lò không lên nhiệt",
            "Đã 1 giờ 30 phút không lên quá 1120 °C.",
        ),
    ],
)
def test_a_finding_reads_as_a_potter_says_it(finding: Finding, title: str, detail: str) -> None:
    text = say(finding)

    assert (text.title, text.detail) == (title, detail)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_not_measured_is_not_said(language: str) -> None:
    for kind in _TEXTS[language]["finding"]:
        text = words(kind, advice_key="", channel=None, evidence={}, start_at=START, end_at=None, language=language)

        assert text.title
        assert not re.search(r"[{}|]|None", f"{text.title} {text.detail}")


def test_what_has_no_words_yet_gets_general_ones() -> None:
    text = words(
        "bloating",
        advice_key="open_the_damper",
        channel="t3",
        evidence={"rate_c_per_h": 900.0},
        start_at=START,
        end_at=START,
        language="vi",
    )

    assert text == Words("Cần xem: bloating", "Số đo của can t3 có chỗ khác thường.", _TEXTS["vi"]["any_advice"])


def test_names_from_outside_are_taken_as_they_are() -> None:
    text = words(
        "sensor_silent",
        advice_key="",
        channel="{last_value_c}",
        evidence={"last_value_c": 500.0},
        start_at=START,
        end_at=None,
        language="en",
    )

    assert text.title == "No signal from probe {last_value_c}"


def test_probes_are_called_as_their_people_call_them_and_those_of_other_kilns_are_not() -> None:
    text = words(
        "sensor_silent",
        advice_key="",
        channel="t5",
        evidence={},
        start_at=START,
        end_at=None,
        language="vi",
        labels={"t5": "can gần cửa lò"},
    )
    several = words(
        "sensor_silent",
        advice_key="",
        channel="t5",
        evidence={},
        start_at=START,
        end_at=None,
        language="vi",
        parts=[("Lò 2", "t5")],
        labels={"t5": "can gần cửa lò"},
    )

    assert text.title == "Mất tín hiệu can gần cửa lò"
    assert "Lò 2 (can t5)" in several.detail


def test_both_languages_say_the_same_things() -> None:
    vietnamese, english = (_TEXTS[language] for language in LANGUAGES)

    assert _shape(vietnamese) == _shape(english)


def _shape(text: object) -> object:
    """Return the structure, with the evidence that each text names."""
    if isinstance(text, dict):
        return {key: _shape(value) for key, value in text.items()}
    if isinstance(text, list):
        return [_shape(one) for one in text]
    return set(re.findall(r"{(\S+?)}", str(text)))
