"""`palate eval run`: every method in the table, nothing from after the window, a result kept until the data change."""

import numpy as np
import pytest

from palate.core.artefacts import read_json
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput
from palate.core.home import Home
from palate.jobs.fit import FitSettings
from palate.jobs.inputs import gather
from palate.jobs.judging import fit_all, judge, judged
from palate.jobs.runs import name_run
from palate.listening.log import ListeningLog
from palate.sources.world import WorldSettings

from .small_homes import empty_home, listens_of

END = WorldSettings().end
METHODS = {"for_you", "taste (one vector)", "item-knn", "own-history", "popular-7d", "popular-all"}


def test_the_table_compares_palate_with_the_baselines_and_is_kept(own: Home) -> None:
    text, data = judge(own, windows=1)
    assert text.startswith("SIMULATED data")
    assert data["simulated"] is True
    assert len(data["windows"]) == 1
    for task in ("next", "discover"):
        assert {row["method"] for row in data["tasks"][task]["methods"]} == METHODS
        assert all(method in text for method in METHODS)
    kept = own.lab / "eval.json"
    assert (read_json(kept)["text"], read_json(kept)["data"]) == (text, data)

    before = kept.stat().st_mtime_ns
    assert judged(own, windows=1) == (text, data)
    assert kept.stat().st_mtime_ns == before, "the same data and settings are judged once"
    with ListeningLog(own.log) as log:
        log.append(listens_of([("sim-user-0001", "sim-track-00001", END + 1.0)]))
    assert judged(own, windows=1)[1]["data"]["listens"] == data["data"]["listens"] + 1
    assert kept.stat().st_mtime_ns > before


def test_a_window_is_fitted_on_what_was_known_before_it(own: Home) -> None:
    """The same models come out when everything after the window's start is left away."""
    settings = FitSettings(**vars(name_run(own, None, None).settings))
    inputs = gather(own)
    start = inputs.end - 30 * DAY_SECONDS
    train = inputs.history.until(start)
    one = fit_all(inputs, train, start, settings)
    two = fit_all(inputs.until(start), train, start, settings)
    for name in ("vectors", "trends", "company", "columns"):
        first, second = getattr(one.path.stock, name), getattr(two.path.stock, name)
        parts = (
            [(first, second)] if name == "vectors" else zip(vars(first).values(), vars(second).values(), strict=True)
        )
        for a, b in parts:
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.encoder.weights, two.encoder.weights)
    assert one.records.keys() == two.records.keys()
    assert set(one.records) == set(np.unique(train.user).tolist())


def test_a_log_that_is_too_short_says_how_long_it_must_be(tmp_path) -> None:
    home = empty_home(tmp_path / "home")
    with ListeningLog(home.log) as log:
        log.append(listens_of([("ana", "a", END), ("ana", "b", END + DAY_SECONDS)]))
    with pytest.raises(BadInput, match=r"the log spans 1\.0 days but an evaluation needs 63"):
        judge(home)
    assert not home.lab.exists()
