"""The examples run on a small simulated home, find what was planted, and what they register answers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from palate.heads import Heads

from .conftest import Trained

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / script), *words]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=300, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "weakest"),
    [
        ("personal_search.py", "popularity"), ("home_shelves.py", "the same for everybody"),
        ("ad_interest.py", "who listens most"),
    ],
)  # fmt: skip
def test_an_example_beats_what_knows_no_listener(own: Trained, script: str, weakest: str) -> None:
    done = run(script, str(own.home.root), "--register")
    assert (done.returncode, done.stderr) == (0, "")
    assert "SIMULATED listeners" in done.stdout
    found = re.findall(r"^  (.{24}) (\d\.\d{4}) \[(\d\.\d{4}), (\d\.\d{4})\]", done.stdout, re.MULTILINE)
    values = {name.strip(): (float(low), float(value), float(high)) for name, value, low, high in found}
    assert all(low <= value <= high for low, value, high in values.values())
    assert values["head"][1] > values[weakest][1]
    name = script.removesuffix(".py").replace("_", "-")
    assert Heads(own.home).live(name) == f"{name}@1"
    metrics = Heads(own.home).manifest(f"{name}@1")["metrics"]
    assert round(metrics["auc" if name == "ad-interest" else "ndcg"], 4) == values["head"][1]


def test_a_space_that_has_learnt_everything_leaves_nothing(own: Trained) -> None:
    from palate.embeddings.space import Spaces

    Spaces(own.home.spaces).promote("taste@1", "test")
    done = run("ad_interest.py", str(own.home.root))
    assert done.returncode == 1
    assert done.stderr == (
        "taste@1 leaves 0 days of the log to learn from, and 14 are needed; run: palate train --until TIME, some weeks "
        "before the end\n"
    )
