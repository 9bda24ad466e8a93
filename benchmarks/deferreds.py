"""Deferreds, coroutines, timers and calls from threads: each measurement is a fresh process that runs `deferred_cases.py`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.deferred_cases import CASES, MODULES
from benchmarks.samples import CPU, MeasureError, Sample

SCRIPT = Path(__file__).with_name("deferred_cases.py")


@dataclass(frozen=True)
class DeferredWork:
    """One of the cases."""

    name: str

    unit = CPU

    @property
    def title(self) -> str:
        return CASES[self.name].title

    @property
    def peers(self) -> Sequence[str]:
        return list(MODULES)

    def measure(self, peer: str, seconds: float) -> Sample:
        argv = [sys.executable, str(SCRIPT), peer, self.name, str(seconds)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=seconds * 2 + 60)
        except subprocess.CalledProcessError as error:
            raise MeasureError(f"{self.title} with {peer}: {error.stderr.strip()}") from None
        except subprocess.TimeoutExpired as error:
            raise MeasureError(f"{self.title} with {peer}: no end within {error.timeout:g} seconds") from None
        figures: dict[str, float] = json.loads(done.stdout)
        return Sample(figures["per_second"], figures["cpu_us"])


WORKS = [DeferredWork(name) for name in CASES]
