"""The recording's cast and table; the recording itself is a script for a person to run."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from embeddings.worlds import history_of, inputs_of, with_event
from palate.catalog.columns import ItemColumns
from palate.core.listens import Event
from palate.embeddings.inputs import Inputs

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "scripts" / "jazz_saturday.py")))


def world(plays: dict[int, dict[int, int]]) -> Inputs:
    """plays: user -> item -> how often. Items 0 to 3 are pop, 4 to 15 jazz, each of the artist of its number."""
    rows = [(user, item, 1.0) for user, items in plays.items() for item, times in items.items() for _ in range(times)]
    genre, artist = np.repeat(np.array([0, 1], np.int32), [4, 12]), np.arange(16, dtype=np.int32)
    columns = replace(ItemColumns.unknown(16), genre=genre, genres=["pop", "jazz"], artist=artist)
    return inputs_of(history_of(rows, 16), columns=columns)


IDS = [f"i{row}" for row in range(16)]


def test_the_cast_never_touched_the_genre_and_plays_its_best_known_tracks(script) -> None:
    inputs = world({0: {0: 40, 4: 5}, 1: {0: 50}, 2: {1: 60}, 3: {2: 90}, 4: {0: 400, 5: 1}, 5: {1: 10}})
    middling, heavy = script.chosen(inputs, IDS)
    assert (middling.user_id, middling.plays, middling.usual[0]) == ("u2", 60, "pop")
    assert (heavy.user_id, heavy.plays) == ("u3", 90)
    assert middling.item_ids[:2] == ["i4", "i5"]
    assert len(middling.item_ids) == 10
    assert middling.of_genre == set(IDS[4:])


def test_who_only_skipped_the_genre_is_not_cast(script) -> None:
    inputs = world({0: {0: 40, 4: 1}})
    skipped = Inputs(with_event(inputs.history, 40, Event.SKIP), inputs.playlists, inputs.columns)
    with pytest.raises(LookupError, match="none of jazz"):
        script.chosen(skipped, IDS)


def test_the_table_counts_what_the_answers_hold(script) -> None:
    cast = script.Cast("a listener", "u", 60, ["pop"], IDS[4:14], frozenset(IDS[4:]))

    def answer(plays: int, items: list[str], vector: list[float]) -> Any:
        slate = {"items": [{"item_id": item, "title": item, "reason": "why"} for item in items]}
        return script.Answer(plays, slate, slate, {"vector": vector, "offset": 7, "age_seconds": 2.0}, plays or None)

    told = script.table(cast, [answer(0, ["i0"], [1.0, 0.0]), answer(1, ["i4", "i0", "i5"], [3.0, 4.0])])
    assert told.splitlines()[2:] == ["| 0 | 0 | 0 |  | 7 | 2.0 | 1.000 |", "| 1 | 2 | 2 | 1.000 | 7 | 2.0 | 0.600 |"]
    assert "| 1 | i4 | yes | why |" in script.slates(cast, [answer(1, ["i4"], [1.0])])


def test_the_page_says_that_it_is_simulated(script) -> None:
    cast = script.Cast("a listener", "u", 60, ["pop"], IDS[4:14], frozenset(IDS[4:]))
    slate: dict[str, Any] = {"items": []}
    before = script.Answer(0, slate, slate, {"vector": [1.0], "offset": 7, "age_seconds": 2.0}, None)
    page = script.page([(cast, [before])], ["A Title"], {"listeners": 800, "seed": 3})
    assert page.startswith("# A jazz Saturday (SIMULATED)\n\nSIMULATED:")
    assert "SIMULATED with 800 listeners, seed 3" in page
    assert str(ROOT) not in page
