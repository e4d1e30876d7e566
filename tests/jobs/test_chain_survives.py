"""kill -9 at any moment: run again to the end, the result is that of an undisturbed run, published once."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from palate.core.artefacts import read_json
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.store.items import ItemStore

from .small_homes import TOML, copied, filled, labels, records

# Long enough that a kill may fall into any of the fits.
SLOWER = TOML.replace("iterations = 3", "iterations = 15").replace("cuts = 2", "cuts = 4").replace("= 20", "= 60")
LEAST_KILLS = 6
PALATE = [sys.executable, "-c", "from palate.cli import main; main(prog_name='palate')"]


def palate(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*PALATE, "--home", str(home.root), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def names(home: Home) -> set[str]:
    """Every file of the home by its path, half-written ones too; who was writing makes no difference."""
    found = (path.relative_to(home.root).as_posix() for path in home.root.rglob("*"))
    return {re.sub(r"\.\d+\.tmp", ".tmp", name) for name in found}


def killed(home: Home, wanted: int, longer_seconds: float) -> bool:
    """Trains until so many new files appear, and a moment longer; False when it ended before."""
    before = names(home)
    process = subprocess.Popen(
        [*PALATE, "--home", str(home.root), "train"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            try:
                fresh = len(names(home) - before)
            except FileNotFoundError:  # renamed while looking
                continue
            if fresh >= wanted:
                time.sleep(longer_seconds)
                break
    finally:
        process.kill()
    return process.wait() == -signal.SIGKILL


def published(home: Home, label: str) -> dict[str, bytes]:
    """Every file of a space but its manifest, which says when it was made."""
    folder = home.spaces / label
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items() if name != "manifest.json"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_it_ends_as_if_nothing_had_happened(world: Path, tmp_path: Path, seed: int) -> None:
    home = filled(tmp_path / "killed", world, SLOWER)
    calm = copied(home, tmp_path / "calm")
    assert palate(calm, "train").returncode == 0

    rng, kills = np.random.default_rng(seed), 0
    moments = [(1, float(rng.uniform(0.0, 0.05))) for _ in range(LEAST_KILLS)]
    while killed(home, *(moments.pop() if moments else (int(rng.integers(1, 4)), float(rng.uniform(0.0, 0.2))))):
        kills += 1
        assert kills < 100, "it does not get on"
    assert kills >= LEAST_KILLS
    done = palate(home, "train")
    assert (done.returncode, done.stdout) == (0, "taste@1 is live and up to date\n")

    assert labels(home) == labels(calm) == ["taste@1"]
    assert [entry["space"] for entry in Spaces(home.spaces).history()] == ["taste@1"]
    assert published(home, "taste@1") == published(calm, "taste@1")
    one, two = (read_json(each.spaces / "taste@1" / "manifest.json") for each in (home, calm))
    assert one | {"created": 0} == two | {"created": 0}
    assert records(home, "taste@1") == records(calm, "taste@1")
    with ItemStore(home.online / "items") as mine, ItemStore(calm.online / "items") as theirs:
        assert [mine.get(row) for row in range(len(mine))] == [theirs.get(row) for row in range(len(theirs))]
    half = [path for folder in (home.spaces, home.online / "items") for path in folder.glob(".*") if path.is_dir()]
    assert half == []
