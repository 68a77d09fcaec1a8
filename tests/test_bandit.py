"""Bandit finds nothing in what is installed, but for what is argued where it stands.

Its rules are Ruff's S rules by other numbers (B608 is S608), so one comment answers both.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# That a file imports subprocess is no finding: each call of it is one (B603).
SKIPPED = "B404"


def test_every_finding_of_bandit_is_argued_in_place() -> None:
    words = [sys.executable, "-m", "bandit", "-q", "-r", "service", "firmware_bridge", "-f", "json", "--skip", SKIPPED]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)

    assert report["errors"] == []
    assert report["metrics"]["_totals"]["loc"] > 10_000
    assert [
        f"{one['filename']}:{one['line_number']} {one['issue_text']}" for one in report["results"] if not argued(one)
    ] == []


def argued(finding: dict[str, object]) -> bool:
    lines = (ROOT / str(finding["filename"])).read_text().splitlines()
    span = finding["line_range"]
    assert isinstance(span, list)
    here, before = "\n".join(lines[min(span) - 1 : max(span)]), lines[min(span) - 2].strip()
    _, rule, why = here.partition(f"noqa: S{str(finding['test_id'])[1:]}")
    return bool(rule) and (" - " in why or before.startswith("#"))
