import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from palate.core.errors import Corrupt
from palate.ranking.features import NAMES
from palate.ranking.ranker import Example, Ranker, RankerSettings

SETTINGS = RankerSettings(rounds=30)
RULE = NAMES.index("own_weight")


def lists(n: int, seed: int) -> list[Example]:
    """Random lists of 20 in which what is heard next is what has the greatest own weight; some facts are missing."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        values = rng.normal(size=(20, len(NAMES))).astype(np.float32)
        out.append(Example(values, (values[:, RULE] >= np.sort(values[:, RULE])[-2]).astype(np.float32)))
        values[rng.random(values.shape) < 0.1] = np.nan
        values[:, RULE] = np.nan_to_num(values[:, RULE], nan=-9.0)
    return out


@pytest.fixture(scope="module")
def trained() -> Ranker:
    return Ranker.train(lists(150, seed=1), SETTINGS)


def hits(ranker: Ranker, examples: list[Example]) -> float:
    """How often the first of the ranked list was heard, among lists in which something can be known."""
    return float(np.mean([e.labels[np.argmax(ranker.score(e.features))] for e in examples]))


def test_it_learns_a_planted_rule(trained: Ranker) -> None:
    unseen = lists(100, seed=2)
    assert hits(trained, unseen) > 0.8
    assert hits(Ranker(None), unseen) < 0.3
    assert next(iter(trained.importance())) == "own_weight"
    assert sum(trained.importance().values()) == pytest.approx(1.0)


def test_the_same_examples_make_the_same_ranker(trained: Ranker, tmp_path: Path) -> None:
    Ranker.train(lists(150, seed=1), SETTINGS).save(tmp_path / "again.txt")
    trained.save(tmp_path / "once.txt")
    assert (tmp_path / "again.txt").read_bytes() == (tmp_path / "once.txt").read_bytes()


def test_lists_that_teach_nothing_are_left_out() -> None:
    values = np.zeros((5, len(NAMES)), np.float32)
    for labels in (np.zeros(5, np.float32), np.ones(5, np.float32)):
        assert Ranker.train([Example(values, labels)], SETTINGS).importance() == {}


@pytest.mark.parametrize("examples", [[], [Example(np.zeros((0, len(NAMES)), np.float32), np.zeros(0, np.float32))]])
def test_an_untrained_ranker_scores_by_taste(examples: list[Example]) -> None:
    ranker = Ranker.train(examples, SETTINGS)
    values = lists(1, seed=3)[0].features
    np.testing.assert_array_equal(ranker.score(values), values[:, NAMES.index("taste_score")])
    assert ranker.importance() == {}


def nothing() -> NDArray[np.float32]:
    return np.zeros((0, len(NAMES)), np.float32)


def test_no_candidates_have_no_scores(trained: Ranker) -> None:
    assert trained.score(nothing()).shape == Ranker(None).score(nothing()).shape == (0,)


def test_one_candidate_scores_as_among_others(trained: Ranker) -> None:
    values = lists(1, seed=4)[0].features
    alone = np.concatenate([trained.score(values[row : row + 1]) for row in range(len(values))])
    np.testing.assert_array_equal(alone, trained.score(values))
    assert alone.dtype == np.float32


@pytest.mark.parametrize("untrained", [False, True])
def test_saved_then_loaded_scores_the_same(trained: Ranker, tmp_path: Path, untrained: bool) -> None:
    ranker = Ranker(None) if untrained else trained
    ranker.save(tmp_path / "ranker.txt")
    loaded, values = Ranker.load(tmp_path / "ranker.txt"), lists(1, seed=5)[0].features
    np.testing.assert_array_equal(loaded.score(values), ranker.score(values))
    assert loaded.importance() == ranker.importance()


@pytest.mark.parametrize("content", [b"not a ranker", b"tree\nversion=v4\n", b"\xff\xfe\x00", b"{}"])
def test_a_foreign_file_is_corrupt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ranker.txt").write_bytes(content)
    with pytest.raises(Corrupt, match="train"):
        Ranker.load(tmp_path / "ranker.txt")


def test_half_a_ranker_is_corrupt(trained: Ranker, tmp_path: Path) -> None:
    trained.save(tmp_path / "ranker.txt")
    text = (tmp_path / "ranker.txt").read_text(encoding="utf-8")
    for share in (0.02, 0.3, 0.9):
        (tmp_path / "ranker.txt").write_text(text[: int(share * len(text))], encoding="utf-8")
        with pytest.raises(Corrupt):
            Ranker.load(tmp_path / "ranker.txt")


def test_a_ranker_of_other_features_is_corrupt(trained: Ranker, tmp_path: Path) -> None:
    trained.save(tmp_path / "ranker.txt")
    told = json.loads((tmp_path / "ranker.txt").read_text(encoding="utf-8"))
    (tmp_path / "ranker.txt").write_text(json.dumps(told | {"features": ["a", "b"]}), encoding="utf-8")
    with pytest.raises(Corrupt, match="other features"):
        Ranker.load(tmp_path / "ranker.txt")


def test_a_cut_model_inside_a_whole_file_is_corrupt(trained: Ranker, tmp_path: Path) -> None:
    trained.save(tmp_path / "ranker.txt")
    told = json.loads((tmp_path / "ranker.txt").read_text(encoding="utf-8"))
    told["members"][1] = told["members"][1][:500]
    (tmp_path / "ranker.txt").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(Corrupt, match="not a whole ranker"):
        Ranker.load(tmp_path / "ranker.txt")


@pytest.mark.parametrize("untrained", [False, True])
def test_contributions_add_up_to_the_score(trained: Ranker, untrained: bool) -> None:
    ranker, values = Ranker(None) if untrained else trained, lists(1, seed=6)[0].features
    told = ranker.contributions(values)
    assert told.shape == (len(values), len(NAMES) + 1)
    np.testing.assert_allclose(told.sum(axis=1), ranker.score(values), atol=1e-5)
    assert ranker.contributions(nothing()).shape == (0, len(NAMES) + 1)
