"""The homes of tests/jobs, and the benchmarks' folder on the path, as when one of them is run."""

import sys
from pathlib import Path

from jobs.conftest import own, trained, world

__all__ = ["own", "trained", "world"]

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
