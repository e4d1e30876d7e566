"""The demo: a world from nothing; what is done is not done again; nobody's own listens are touched."""

from pathlib import Path

import pytest

from palate.core.errors import BadInput
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.jobs.demo import build
from palate.listening.log import ListeningLog

from .small_homes import empty_home, labels, listens_of

SIZE = {"listeners": 60, "items": 400, "listens": 5_000, "seed": 1}


@pytest.mark.slow
def test_the_demo_is_built_once_and_marks_its_numbers(tmp_path: Path) -> None:
    home = empty_home(tmp_path / "home")
    answer = build(home, SIZE, windows=1)
    assert answer["text"].startswith("SIMULATED data: these numbers say nothing about people\n")
    assert "for_you" in answer["text"]
    assert (answer["space"], answer["evaluation"]["simulated"]) == ("taste@1", True)
    assert Spaces(home.spaces).live.manifest["simulated"] is True
    files = [home.root / "world" / "listens.parquet", home.lab / "eval.json", home.catalog / "items.parquet"]
    before = [file.stat().st_mtime_ns for file in files]

    assert build(home, SIZE, windows=1) == answer
    assert [file.stat().st_mtime_ns for file in files] == before
    assert labels(home) == ["taste@1"]

    with pytest.raises(BadInput, match="holds a world of another size or seed"):
        build(home, SIZE | {"seed": 2}, windows=1)


def test_a_home_with_listens_of_its_own_is_refused(tmp_path: Path) -> None:
    home = empty_home(tmp_path / "home")
    with ListeningLog(home.log) as log:
        log.append(listens_of([("ana", "a", 1_000.0)]))
    with pytest.raises(BadInput, match="holds listens already; give the demo a home of its own"):
        build(home, SIZE, windows=1)
    assert not (home.root / "world").exists()


def test_a_world_that_is_too_small_leaves_nothing_behind(tmp_path: Path) -> None:
    home = empty_home(tmp_path / "home")
    with pytest.raises(BadInput, match="items = 1 is too small for a world; use 400 or more"):
        build(home, SIZE | {"items": 1}, windows=1)
    assert [path.name for path in home.root.iterdir()] == ["palate.toml"]
    assert Home(home.root).require() == home
