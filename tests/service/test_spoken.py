"""The command line in the reader's language: help, mistakes and refusals."""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service import cli
from service.spoken import VIETNAMESE, say

TWO_PROBES = Path(__file__).parents[2] / "service/demo/recordings/ocr_two_probe_20151021.csv"
Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Give what a command says, in a language, until it ends itself."""

    def running(language: str, *words: str | Path) -> str:
        monkeypatch.setenv("LC_ALL", language)
        monkeypatch.setattr("sys.argv", ["canhlo", *map(str, words)])
        with pytest.raises(SystemExit):
            cli.main()
        out, err = capsys.readouterr()
        return out + err

    return running


def helps(parser: argparse.ArgumentParser) -> Iterator[str | None]:
    for action in parser._actions:
        yield action.help
        if isinstance(action, argparse._SubParsersAction):
            yield from (one.help for one in action._choices_actions)
            for one in action.choices.values():
                yield from helps(one)


def test_every_line_of_help_is_there_in_vietnamese() -> None:
    every = set(helps(cli._parser()))

    assert "read a log of any known format and say what it holds" in every
    assert every - VIETNAMESE.keys() == {None, "tiếng Việt / English"}


def test_help_is_in_the_readers_language(run: Run) -> None:
    vietnamese, english = run("vi_VN.UTF-8", "import", "--help"), run("en_GB.UTF-8", "import", "--help")

    assert vietnamese.startswith("cách dùng: canhlo import ")
    assert "côn đích của các mẻ nung trong đó" in vietnamese
    assert english.startswith("usage: canhlo import ")
    assert "the cone that its firings were to reach" in english


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], "canhlo: còn thiếu: COMMAND (canhlo --help)\n"),
        (["analyse"], "canhlo analyse: còn thiếu: LOG (canhlo analyse --help)\n"),
        (["analyse", "nowhere.csv"], "canhlo: không mở được nowhere.csv: không có tệp hay thư mục này\n"),
        (["analyse", TWO_PROBES, "--cone", "99"], "canhlo analyse: --cone: không có côn '99'; có các côn: 022 021"),
        (["analyse", TWO_PROBES, "--fuel", "gas"], "canhlo analyse: --fuel: không có 'gas'; chọn một trong: "),
        (["analyse", TWO_PROBES, "--interval", "x"], "canhlo analyse: --interval: cần một con số, không phải 'x' ("),
        (["analyse", TWO_PROBES, "--time-zone", "Hà Nội"], "canhlo: không có múi giờ 'Hà Nội'; cần tên như "),
        (["import", TWO_PROBES, "--kiln", "lo-1"], f"canhlo: {TWO_PROBES.name}: giờ trong bản ghi không nói múi giờ"),
        (["kilns", "--token", "x", "--url", "lo.vn"], "canhlo: 'lo.vn' không phải địa chỉ dịch vụ; cần như http"),
    ],
)
def test_a_mistake_is_told_in_vietnamese(run: Run, words: list[str | Path], wanted: str) -> None:
    assert run("vi_VN.UTF-8", *words).startswith(wanted)


def test_what_the_catalogue_does_not_have_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "vi_VN.UTF-8")

    assert say("the disk {is} full") == "the disk {is} full"
    assert say("log.csv cannot be opened: the disk {is} full") == "không mở được log.csv: the disk {is} full"
