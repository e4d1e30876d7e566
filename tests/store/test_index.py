import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from palate.core.errors import BadInput, BadSettings, Corrupt
from palate.core.settings import Settings
from palate.store.index import IndexSettings, VectorIndex
from palate.testing.store import SPACE, VectorIndexContract, brute_force, whole_numbers

LISTS = IndexSettings(exact_below=1, recall_at=20)


class TestExact(VectorIndexContract):
    def make(self, vectors: NDArray[np.float32], space: str) -> VectorIndex:
        return VectorIndex.build(vectors, space)


class TestLists(VectorIndexContract):
    recall = 0.8  # 8-bit scores cannot order the many ties of whole numbers; recall proper is tested below

    def make(self, vectors: NDArray[np.float32], space: str) -> VectorIndex:
        return VectorIndex.build(vectors, space, LISTS)


@pytest.fixture(params=["exact", "ivf_sq8"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(kind: str, vectors: NDArray[np.float32]) -> VectorIndex:
    index = VectorIndex.build(vectors, SPACE, IndexSettings() if kind == "exact" else LISTS)
    assert index.kind == kind
    return index


def tastes(n: int, dim: int = 32, seed: int = 0) -> NDArray[np.float32]:
    """(n, dim) unit vectors in overlapping groups of about 50, most of the spread in few dimensions."""
    rng = np.random.default_rng(seed)
    spread = np.arange(1, dim + 1) ** -0.5
    groups = max(1, n // 50)
    centres = rng.standard_normal((groups, dim))[rng.integers(0, groups, n)]
    vectors = (0.8 * centres + rng.standard_normal((n, dim))) * spread
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


# -- known by construction


def test_equal_scores_come_by_row() -> None:
    vectors = np.array([[1, 0], [2, 0], [0, 0], [2, 0], [1, 5], [2, -7]], np.float32)
    rows, scores = VectorIndex.build(vectors, SPACE).nearest(np.array([1, 0], np.float32), 4)
    assert rows.tolist() == [[1, 3, 5, 0]]
    assert scores.tolist() == [[2.0, 2.0, 2.0, 1.0]]


def test_copies_of_a_vector_score_alike_wherever_they_stand() -> None:
    rng = np.random.default_rng(1)
    vectors = np.repeat(rng.standard_normal((1, 37)), 1003, axis=0).astype(np.float32)
    index = VectorIndex.build(vectors, SPACE)
    for queries in (rng.standard_normal(37), rng.standard_normal((50, 37))):
        rows, scores = index.nearest(queries.astype(np.float32), 100)
        assert (rows == np.arange(100)).all()
        assert (scores == scores[:, :1]).all()


def test_a_score_does_not_depend_on_the_batch_or_the_filter() -> None:
    vectors, queries = tastes(3000), tastes(40, seed=1)
    index = VectorIndex.build(vectors, SPACE)
    rows, scores = index.nearest(queries, 50)
    for at, query in enumerate(queries):
        allowed = np.zeros(3000, np.bool_)
        allowed[rows[at]] = True
        assert index.nearest(query, 50)[1].tolist() == [scores[at].tolist()]
        assert index.nearest(query, 50, allowed)[1].tolist() == [scores[at].tolist()]


def test_an_index_of_nothing_answers_nothing() -> None:
    for vectors in (np.zeros((0, 4), np.float32), np.zeros((7, 4), np.float32)):
        index = VectorIndex.build(vectors, SPACE, LISTS)
        rows, scores = index.nearest(np.ones(4, np.float32), 3)
        assert (len(index), rows.tolist(), scores.tolist()) == (0, [[-1] * 3], [[-np.inf] * 3])
        index.add([2], np.ones((1, 4), np.float32), SPACE)
        assert index.nearest(np.ones(4, np.float32), 2)[0].tolist() == [[2, -1]]


def test_no_queries_give_no_rows(kind: str) -> None:
    rows, scores = made(kind, whole_numbers(900, 6, 1)).nearest(np.empty((0, 6), np.float32), 5)
    assert rows.shape == scores.shape == (0, 5)


def test_the_kind_follows_the_number_of_filled_rows() -> None:
    vectors = whole_numbers(200, 6, 1)
    vectors[100:] = 0.0
    assert VectorIndex.build(vectors, SPACE, IndexSettings(exact_below=101)).kind == "exact"
    assert VectorIndex.build(vectors, SPACE, IndexSettings(exact_below=100)).kind == "ivf_sq8"


# -- properties


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_nearest_equals_brute_force_through_any_changes(data: st.DataObject) -> None:
    rows, dim = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 5))
    seeds = st.integers(0, 2**32 - 1)
    vectors = np.random.default_rng(data.draw(seeds)).integers(-2, 3, (rows, dim)).astype(np.float32)
    index = VectorIndex.build(vectors.copy(), SPACE)
    for _ in range(data.draw(st.integers(0, 4))):
        chosen = np.array(data.draw(st.lists(st.integers(0, rows + 3), max_size=10, unique=True)), np.int32)
        grown = np.zeros((max(len(vectors), chosen.max(initial=-1) + 1), dim), np.float32)
        grown[: len(vectors)], vectors = vectors, grown
        if data.draw(st.booleans()):
            vectors[chosen] = np.random.default_rng(data.draw(seeds)).integers(-2, 3, (len(chosen), dim))
            index.add(chosen, vectors[chosen], SPACE)
        else:
            vectors[chosen] = 0.0
            index.delete(chosen)
    allowed = np.random.default_rng(data.draw(seeds)).random(len(vectors)) < data.draw(
        st.sampled_from([0.05, 0.5, 1.0])
    )
    queries = np.random.default_rng(data.draw(seeds)).integers(-2, 3, (data.draw(st.integers(1, 6)), dim))
    n = data.draw(st.integers(1, 70))
    found, scores = index.nearest(queries.astype(np.float32), n, allowed)
    for query, got, score in zip(queries, found, scores, strict=True):
        truth = brute_force(vectors, query.astype(np.float32), n, allowed)
        assert got[got >= 0].tolist() == truth.tolist()
        assert score[: len(truth)].tolist() == (vectors[truth] @ query).tolist()


@pytest.mark.slow
def test_lists_reach_the_recall_they_report_on_queries_they_have_not_seen() -> None:
    vectors = tastes(20_000)
    rng = np.random.default_rng(5)
    queries = vectors[rng.integers(0, 20_000, (100, 12))].mean(axis=1)
    index = VectorIndex.build(vectors, SPACE, IndexSettings(exact_below=1), queries[:50])
    assert index.recall is not None
    assert (index.recall.source, index.recall.at, index.recall.queries) == ("given", 200, 50)
    assert index.recall.recall >= 0.95
    truth, _ = VectorIndex.build(vectors, SPACE).nearest(queries[50:], 200)
    found, _ = index.nearest(queries[50:], 200)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)]) >= 0.93


@pytest.mark.parametrize("share", [0.3, 0.05])
def test_lists_keep_their_recall_behind_a_filter(share: float) -> None:
    vectors, queries = tastes(8000), tastes(60, seed=3)
    index = VectorIndex.build(vectors, SPACE, IndexSettings(exact_below=1, recall_at=50))
    allowed = np.random.default_rng(2).random(8000) < share
    truth, _ = VectorIndex.build(vectors, SPACE).nearest(queries, 50, allowed)
    found, _ = index.nearest(queries, 50, allowed)
    assert np.mean([np.isin(a, b).mean() for a, b in zip(found, truth, strict=True)]) >= 0.93


def test_a_second_build_of_the_same_vectors_answers_the_same() -> None:
    vectors = tastes(4000)
    one, two = (VectorIndex.build(vectors, SPACE, LISTS).nearest(vectors[:50], 30) for _ in range(2))
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])


# -- on disk


@pytest.mark.parametrize("mmap", [True, False])
def test_saved_then_loaded_equals(kind: str, mmap: bool, tmp_path: Path) -> None:
    index = made(kind, tastes(1500))
    index.add([3, 1600], tastes(100, seed=4)[:2], SPACE)
    index.delete(np.arange(100, 200))
    index.save(tmp_path / "index")
    loaded = VectorIndex.load(tmp_path / "index", mmap)
    for attribute in ("space", "dim", "kind", "rows", "settings", "recall", "added"):
        assert getattr(loaded, attribute) == getattr(index, attribute)
    assert len(loaded) == len(index) == 1401
    before, after = (one.nearest(tastes(100, seed=5), 40) for one in (index, loaded))
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])


@pytest.mark.parametrize("mmap", [True, False])
def test_a_loaded_index_can_be_changed_and_saved_again(kind: str, mmap: bool, tmp_path: Path) -> None:
    made(kind, tastes(1500)).save(tmp_path / "one")
    index = VectorIndex.load(tmp_path / "one", mmap)
    index.delete(np.arange(500))
    index.add([2000], tastes(100, seed=4)[:1], SPACE)
    index.save(tmp_path / "two")
    before = index.nearest(tastes(100, seed=5), 40)
    del index
    for file in (tmp_path / "one").iterdir():
        file.unlink()
    after = VectorIndex.load(tmp_path / "two", mmap).nearest(tastes(100, seed=5), 40)
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[1], after[1])


def test_the_manifest_says_what_was_measured(tmp_path: Path) -> None:
    made("ivf_sq8", tastes(1500)).save(tmp_path / "index")
    manifest = json.loads((tmp_path / "index" / "manifest.json").read_text())
    assert (manifest["format_version"], manifest["kind"], manifest["space"]) == (1, "ivf_sq8", SPACE)
    assert (manifest["dim"], manifest["count"], manifest["settings"]["recall_target"]) == (32, 1500, 0.95)
    assert manifest["recall"]["recall"] >= 0.95
    assert manifest["recall"]["source"] == "mixtures of items"


def test_a_damaged_index_is_refused_with_the_file_at_fault(kind: str, tmp_path: Path) -> None:
    with pytest.raises(Corrupt, match="no index"):
        VectorIndex.load(tmp_path)
    made(kind, tastes(1500)).save(tmp_path / "index")
    file = tmp_path / "index" / ("vectors.npy" if kind == "exact" else "lists.faiss")
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    with pytest.raises(Corrupt, match=file.name):
        VectorIndex.load(tmp_path / "index")
    file.write_bytes(b"\0" * len(whole))
    with pytest.raises(Corrupt, match="index"):
        VectorIndex.load(tmp_path / "index")
    manifest = tmp_path / "index" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(Corrupt, match="format 2"):
        VectorIndex.load(tmp_path / "index")


# -- what is refused


def test_wrong_calls_are_refused(kind: str) -> None:
    index = made(kind, whole_numbers(900, 6, 1))
    one = np.ones((1, 6), np.float32)
    for rows, vectors in (([-1], one), ([1, 1], np.ones((2, 6))), ([1, 2], one), ([1.5], one), ([1], one[:, :5])):
        with pytest.raises(BadInput):
            index.add(np.array(rows), np.asarray(vectors, np.float32), SPACE)
    for allowed in (np.ones(900, np.int64), np.ones((2, 900), np.bool_)):
        with pytest.raises(BadInput, match="filter"):
            index.nearest(one, 3, allowed)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="at least 1"):
        index.nearest(one, 0)
    with pytest.raises(BadInput, match="not finite"):
        VectorIndex.build(np.array([[1.0, np.nan]], np.float32), SPACE)
    with pytest.raises(BadInput, match="shape"):
        VectorIndex.build(np.ones(3, np.float32), SPACE)
    assert len(index) == 900


@pytest.mark.parametrize("table", [{"exact_below": -1}, {"recall_target": 1.5}, {"recall_at": 0}])
def test_impossible_settings_are_refused(table: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=next(iter(table))):
        Settings({"index": table}).section(IndexSettings)


def test_readers_never_see_half_a_change(kind: str) -> None:
    """A row that is moved between two places is always in exactly one of them."""
    index = made(kind, tastes(1500))
    ends = np.zeros((2, 32), np.float32)
    ends[:, 0] = 50.0, -50.0
    index.add([7], ends[:1], SPACE)
    stop, seen = threading.Event(), []

    def watch() -> None:
        while not stop.is_set():
            rows, scores = index.nearest(ends[:1], 1500)
            seen.append((int((rows == 7).sum()), float(scores[0][rows[0] == 7][0])))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for turn in range(200):
        index.add([7], ends[turn % 2 :][:1], SPACE)
    stop.set()
    watcher.join()
    assert {count for count, _ in seen} == {1}
    assert {score for _, score in seen} <= {2500.0, -2500.0}


def test_a_mask_that_is_prepared_once_never_answers_for_another() -> None:
    """Lists keep the latest mask that cannot be written to; others in between, deletions and no mask at all count."""
    vectors = tastes(8000)
    index = VectorIndex.build(vectors, SPACE, IndexSettings(exact_below=1))
    even, odd = np.arange(8000) % 2 == 0, np.arange(8000) % 2 == 1
    frozen = even.copy()
    frozen.setflags(write=False)
    for mask, left in ((frozen, 0), (odd, 1), (frozen, 0), (frozen, 0)):
        assert set((index.nearest(vectors[0], 50, mask)[0] % 2).ravel().tolist()) == {left}
    assert set((index.nearest(vectors[0], 500)[0] % 2).ravel().tolist()) == {0, 1}
    best = int(index.nearest(vectors[0], 1, frozen)[0][0, 0])
    index.delete([best])
    assert best not in index.nearest(vectors[0], 50, frozen)[0]
    odd[1], odd[2] = False, True  # one that may be written to is looked at each time
    found = index.nearest(vectors[0], 8000, odd)[0]
    assert 2 in found
    assert 1 not in found
