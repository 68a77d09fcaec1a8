"""What the bridge has done so far, in a file for whoever looks after it."""

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from firmware_bridge.intake import Intake
from firmware_bridge.recorder import Recorder
from firmware_bridge.spool import Spool
from firmware_bridge.uplink import Uplink


class StatusFile:
    """`status.json`: the counts of this process, and of the spool since it was made."""

    def __init__(self, path: Path, intakes: Sequence[Intake], recorder: Recorder, spool: Spool, uplink: Uplink) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._intakes = intakes
        self._recorder = recorder
        self._spool = spool
        self._uplink = uplink

    def write(self) -> None:
        """Replace the file in one step: who reads it never sees half of it."""
        fresh = self._path.with_suffix(".new")
        with self._lock:
            fresh.write_text(json.dumps(self._snapshot(), indent=1), "utf-8")
            fresh.replace(self._path)

    def _snapshot(self) -> dict[str, Any]:
        counts = asdict(self._spool.counts())
        answer = self._uplink.last_answer
        return {
            "readings_read": counts.pop("readings_read"),
            "boot": self._spool.boot,
            "sources": [
                {
                    "name": intake.key,
                    "kiln": intake.kiln,
                    "connected": intake.is_connected,
                    **vars(intake.counters),
                }
                for intake in self._intakes
            ],
            "spool": {**counts, "failed_commits": self._recorder.failed_commits},
            "uplink": {
                "answer": answer.verdict if answer else None,
                "detail": answer.detail if answer else "",
                "failures": self._uplink.failures,
            },
        }
