"""The ranker's importance in the run that trains it, and several runs side by side."""

from pathlib import Path

import numpy as np
import pytest

from palate.core.errors import BadInput
from palate.core.recording import Table
from palate.jobs import importances
from palate.jobs.fit import FitSettings, fit_ranker
from palate.jobs.importances import KEPT_OUT_OF, NDCG, as_answer, as_text, compare, train_watched
from palate.jobs.inputs import gather
from palate.lab.book import Book
from palate.lab.settings import LabSettings
from palate.ranking.features import NAMES
from palate.ranking.ranker import Example, Ranker, RankerSettings

ROUNDS = 30
SETTINGS = RankerSettings(rounds=ROUNDS)
RULE = NAMES.index("own_weight")
QUIET = LabSettings(tracker="none", system_seconds=0)


def lists(n: int, seed: int = 0) -> list[Example]:
    """Lists of 20 in which the two with the greatest own weight are heard."""
    values = np.random.default_rng(seed).normal(size=(n, 20, len(NAMES))).astype(np.float32)
    second = np.sort(values[:, :, RULE], axis=1)[:, -2:-1]
    return [Example(one, (one[:, RULE] >= least).astype(np.float32)) for one, least in zip(values, second, strict=True)]


def told(book: Book, name: str, rows: list[tuple[str, float]]) -> str:
    """A finished run whose importance is known."""
    with book.start("train", name=name, settings=QUIET) as run:
        table = Table(
            ["feature", "gain", "permutation", "shap"], [[feature, value, value, None] for feature, value in rows]
        )
        run.log({"importance": table})
    return run.id


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "lab")


def test_the_ranker_is_the_same_with_and_without_a_run(book: Book, tmp_path: Path) -> None:
    examples = lists(200)
    train_watched(examples, SETTINGS).save(tmp_path / "alone.txt")
    with book.start("train", settings=QUIET):
        train_watched(examples, SETTINGS).save(tmp_path / "kept.txt")
    assert (tmp_path / "alone.txt").read_bytes() == (tmp_path / "kept.txt").read_bytes()


def test_what_is_learnt_by_round_and_what_it_goes_by_is_told(book: Book) -> None:
    with book.start("train", settings=QUIET) as run:
        train_watched(lists(200), SETTINGS)
    info = book.get(run.id)
    curve = book.history(info)[NDCG]
    assert curve.steps[-1] == ROUNDS
    assert curve.values[-1] > 0.9
    assert curve.values[-1] == info.named(NDCG)
    columns, rows = book.table(info, "importance")
    assert [row[0] for row in rows] == list(NAMES)
    assert max(rows, key=lambda row: row[columns.index("permutation")])[0] == "own_weight"
    assert info.named("ranker.trees") > 0
    assert info.named("importance.lists") == len(range(KEPT_OUT_OF, 201, KEPT_OUT_OF)[::4])


def test_the_curve_ends_where_the_whole_ranker_stands(book: Book) -> None:
    """What is added up tree by tree is what the first member answers, on the lists that it did not learn from."""
    examples = lists(200)
    with book.start("train", settings=QUIET) as run:
        ranker = train_watched(examples, SETTINGS)
    kept_out = examples[KEPT_OUT_OF - 1 :: KEPT_OUT_OF]
    features, labels, groups = importances._stacked(kept_out)
    mark = importances.mark_for(labels, groups, top=10)
    assert ranker.booster is not None
    assert mark(np.asarray(ranker.booster.predict(features))) == pytest.approx(book.get(run.id).named(NDCG))


def test_what_is_kept_out_is_not_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def learn(examples, settings, after_round=None, kept_out=()):
        seen.extend(id(example) for example in examples)
        assert not {id(example) for example in kept_out} & set(seen)
        return Ranker(None)

    monkeypatch.setattr(Ranker, "train", learn)
    flat = [
        Example(np.zeros((3, len(NAMES)), np.float32), np.zeros(3, np.float32))
    ]  # teaches nothing, counts for nothing
    examples = flat + lists(KEPT_OUT_OF) + flat + lists(KEPT_OUT_OF - 1)
    train_watched(examples, SETTINGS)
    assert seen == [id(one) for one in examples if one.teaches and one is not examples[KEPT_OUT_OF]]


def test_with_few_lists_nothing_is_kept_out_and_nothing_told(book: Book) -> None:
    with book.start("train", settings=QUIET) as run:
        train_watched(lists(KEPT_OUT_OF - 1), SETTINGS)
        train_watched([], SETTINGS)
    assert book.get(run.id).files == []
    assert book.get(run.id).summary == {}


def test_a_home_is_fitted_to_the_same_ranker_whether_or_not_a_run_is_kept(trained, book: Book, tmp_path: Path) -> None:
    inputs, settings = gather(trained), FitSettings(ranker=RankerSettings(cuts=2, lists_per_cut=60, rounds=20))
    fit_ranker(inputs, settings).save(tmp_path / "alone.txt")
    with book.start("train", settings=QUIET) as run:
        fit_ranker(inputs, settings).save(tmp_path / "kept.txt")
    assert (tmp_path / "alone.txt").read_bytes() == (tmp_path / "kept.txt").read_bytes()
    assert book.get(run.id).named(NDCG) is not None
    assert [name for name in book.history(book.get(run.id)) if name.startswith("ranker.")] == [NDCG]


def test_runs_side_by_side_have_shares_ranks_and_moves(book: Book) -> None:
    first = told(book, "first", [("a", 3.0), ("b", 1.0), ("c", -1.0), ("gone", 0.0)])
    second = told(book, "second", [("a", 1.0), ("b", 3.0), ("c", 0.0), ("new", 4.0)])
    found = compare(book, [second, first], "gain")
    assert [info.name for info in found.runs] == ["first", "second"]  # oldest first, however they were named
    assert found.features == ("new", "b", "a", "c", "gone")
    assert found.shares == ((None, 4 / 8), (1 / 4, 3 / 8), (3 / 4, 1 / 8), (0.0, 0.0), (0.0, None))
    assert found.ranks == ((None, 1), (2, 2), (1, 3), (4, 4), (3, None))
    assert found.moves == (None, 0, -2, 0, None)
    text = as_text(found)
    assert "down 2" in text
    assert "new or gone" in text
    assert as_answer(found)["features"][1] == {
        "feature": "b", "values": (1.0, 3.0), "shares": (1 / 4, 3 / 8), "ranks": (2, 2), "rose": 0,
    }  # fmt: skip


def test_without_a_run_it_is_the_latest_that_has_one(book: Book) -> None:
    told(book, "first", [("a", 1.0)])
    latest = told(book, "second", [("a", 2.0), ("b", 1.0)])
    book.record("eval", summary={"ndcg": 0.1})
    found = compare(book)
    assert [info.id for info in found.runs] == [latest]
    lines = as_text(found).splitlines()
    assert lines[2].count("█") == 2 * lines[3].count("█") > 0


def test_what_cannot_be_compared_is_said(book: Book) -> None:
    with pytest.raises(BadInput, match="palate train"):
        compare(book)
    one = told(book, "one", [("a", 1.0)])
    other = book.record("eval", summary={})
    with pytest.raises(BadInput, match="no shap"):
        compare(book, [one], "shap")
    with pytest.raises(BadInput, match="no table 'importance'"):
        compare(book, [one, other])
    with pytest.raises(BadInput, match="permutation, gain, shap"):
        compare(book, [one], "weight")
