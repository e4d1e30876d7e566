"""What any vector index and any record store must do. Inherit, say how to make one, and pytest does the rest.

    class TestMyIndex(VectorIndexContract):
        def make(self, vectors, space):
            return MyIndex(vectors, space)

The vectors are small whole numbers: every inner product is exact in float32 whatever order an engine sums in, and
equal scores are common.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palate.core.errors import BadInput, PalateError, SpaceMismatch
from palate.core.partitions import PARTITIONS, partition_of
from palate.store.folds import Part, Standing

SPACE = "taste@1"


class Index(Protocol):
    """The face of a vector index; `palate.store.index.VectorIndex` is the one that Palate brings."""

    def nearest(
        self, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_] | None = None, space: str | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]: ...

    def add(self, rows: ArrayLike, vectors: NDArray[np.float32], space: str) -> None: ...

    def delete(self, rows: ArrayLike) -> None: ...

    def __len__(self) -> int: ...


class Records(Protocol):
    """The face of a record store; `palate.store.records.OnlineStore` is the one that Palate brings."""

    def get(self, space: str, user_id: str) -> bytes | None: ...

    def read(self, space: str, user_id: str) -> tuple[bytes | None, int]: ...

    def get_many(self, space: str, user_ids: Sequence[str]) -> list[bytes | None]: ...

    def put_many(self, space: str, records: Mapping[str, bytes], offset: int) -> None: ...

    def offset(self, space: str) -> int: ...

    def delete(self, user_id: str) -> int: ...

    def users(self, space: str, after: str = "") -> Iterator[str]: ...

    def count(self, space: str) -> int: ...

    def drop(self, space: str) -> None: ...

    def replace(self, space: str, records: Iterable[tuple[str, bytes]], offset: int | Sequence[int]) -> None: ...

    def standing(self, space: str) -> Standing: ...

    def commit(self, space: str, epoch: int, parts: Sequence[Part]) -> list[bool]: ...


@contextmanager
def refused(error: type[PalateError], word: str = "") -> Iterator[None]:
    """Passes when the block raises `error` with `word` in its message; importing this file needs no pytest."""
    message = None
    try:
        yield
    except error as raised:
        message = str(raised)
    assert message is not None, f"{error.__name__} was not raised"
    assert word in message, f"{message!r} does not say {word!r}"


def whole_numbers(rows: int, dim: int, seed: int) -> NDArray[np.float32]:
    """(rows, dim) float32 of -3 .. 3, no row all zero."""
    vectors = np.random.default_rng(seed).integers(-3, 4, (rows, dim)).astype(np.float32)
    vectors[~vectors.any(axis=1), 0] = 1.0
    return vectors


def brute_force(
    vectors: NDArray[np.float32], query: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """The rows that `nearest` must answer, in order, without padding."""
    rows = np.flatnonzero(allowed & vectors.any(axis=1))
    scores = vectors[rows].astype(np.float64) @ query.astype(np.float64)
    return rows[np.lexsort((rows, -scores))[:n]].astype(np.int32)


class VectorIndexContract:
    """`recall` is the share of the true answer that must be found; 1.0 also demands its order."""

    recall = 1.0

    def make(self, vectors: NDArray[np.float32], space: str) -> Index:
        """An index of `vectors`, rows by position."""
        raise NotImplementedError

    def check(
        self, index: Index, vectors: NDArray[np.float32], allowed: NDArray[np.bool_] | None = None, n: int = 20
    ) -> None:
        """Asks eight questions and compares with brute force; `allowed` None means without a filter."""
        queries = whole_numbers(8, vectors.shape[1], seed=99)
        usable = np.ones(len(vectors), np.bool_) if allowed is None else allowed
        rows, scores = index.nearest(queries, n, allowed)
        assert rows.shape == scores.shape == (8, n)
        assert rows.dtype == np.int32
        assert scores.dtype == np.float32
        hits = total = 0
        for query, found, score in zip(queries, rows, scores, strict=True):
            truth = brute_force(vectors, query, n, usable)
            length = len(truth)
            assert (found[:length] >= 0).all()
            assert (found[length:] == -1).all()
            assert (score[length:] == -np.inf).all()
            assert np.array_equal(np.lexsort((found[:length], -score[:length])), np.arange(length))
            assert usable[found[:length]].all()
            assert vectors[found[:length]].any(axis=1).all()
            if self.recall == 1.0:
                assert found[:length].tolist() == truth.tolist()
                assert score[:length].tolist() == (vectors[truth] @ query).tolist()
            hits, total = hits + len(np.intersect1d(found, truth)), total + length
        assert hits >= self.recall * total

    def test_the_nearest_rows_come_in_order(self) -> None:
        vectors = whole_numbers(900, 6, seed=1)
        self.check(self.make(vectors, SPACE), vectors)

    def test_a_filter_leaves_only_allowed_rows_and_never_shortens_the_answer(self) -> None:
        vectors = whole_numbers(900, 6, seed=2)
        index = self.make(vectors, SPACE)
        for share in (0.5, 0.1, 0.02):
            self.check(index, vectors, np.random.default_rng(3).random(900) < share)

    def test_a_filter_that_allows_nothing_gives_padding_only(self) -> None:
        vectors = whole_numbers(900, 6, seed=2)
        self.check(self.make(vectors, SPACE), vectors, np.zeros(900, np.bool_))

    def test_a_row_beyond_the_filter_is_not_allowed(self) -> None:
        vectors = whole_numbers(900, 6, seed=2)
        rows, _ = self.make(vectors, SPACE).nearest(vectors[0], 900, np.ones(400, np.bool_))
        assert rows.max() < 400
        assert (rows >= 0).sum() == 400

    def test_a_row_of_zeros_is_never_answered(self) -> None:
        vectors = whole_numbers(900, 6, seed=4)
        vectors[::3] = 0.0
        index = self.make(vectors, SPACE)
        assert len(index) == 600
        self.check(index, vectors)

    def test_one_query_equals_the_same_query_in_a_batch(self) -> None:
        vectors, queries = whole_numbers(900, 6, seed=5), whole_numbers(40, 6, seed=6)
        index = self.make(vectors, SPACE)
        rows, scores = index.nearest(queries, 15)
        for at, query in enumerate(queries):
            one_rows, one_scores = index.nearest(query, 15)
            assert one_rows.tolist() == rows[at : at + 1].tolist()
            assert one_scores.tolist() == scores[at : at + 1].tolist()

    def test_more_than_there_are_is_padded(self) -> None:
        vectors = whole_numbers(5, 6, seed=7)
        rows, scores = self.make(vectors, SPACE).nearest(vectors[0], 9)
        assert sorted(rows[0, :5].tolist()) == [0, 1, 2, 3, 4]
        assert rows[0, 5:].tolist() == [-1] * 4
        assert scores[0, 5:].tolist() == [-np.inf] * 4

    def test_an_added_row_is_found_at_once(self) -> None:
        vectors = whole_numbers(900, 6, seed=8)
        index = self.make(vectors, SPACE)
        best = np.full((1, 6), 100.0, np.float32)
        index.add([950], best, SPACE)
        assert index.nearest(best, 1)[0].tolist() == [[950]]
        assert len(index) == 901

    def test_an_added_row_that_exists_is_replaced(self) -> None:
        vectors = whole_numbers(900, 6, seed=8)
        index = self.make(vectors, SPACE)
        moved = np.arange(0, 900, 7)
        vectors[moved] = whole_numbers(len(moved), 6, seed=9)
        vectors[moved[:5]] = 0.0
        index.add(moved, vectors[moved], SPACE)
        assert len(index) == 895
        self.check(index, vectors)

    def test_deleted_rows_are_gone_at_once_and_unknown_ones_change_nothing(self) -> None:
        vectors = whole_numbers(900, 6, seed=10)
        index = self.make(vectors, SPACE)
        gone = np.arange(0, 900, 2)
        index.delete(gone)
        index.delete([0, 5000])
        vectors[gone] = 0.0
        assert len(index) == 450
        self.check(index, vectors)

    def test_vectors_of_another_space_are_refused(self) -> None:
        vectors = whole_numbers(50, 6, seed=11)
        index = self.make(vectors, SPACE)
        with refused(SpaceMismatch, "taste@2"):
            index.nearest(vectors[0], 3, space="taste@2")
        with refused(SpaceMismatch, "taste@2"):
            index.add([1], vectors[:1], "taste@2")
        assert index.nearest(vectors[0], 3, space=SPACE)[0].shape == (1, 3)

    def test_a_query_that_cannot_be_compared_is_refused(self) -> None:
        index = self.make(whole_numbers(50, 6, seed=12), SPACE)
        for bad in (np.ones(7), np.full(6, np.nan), np.full(6, np.inf)):
            with refused(BadInput):
                index.nearest(bad.astype(np.float32), 3)


class RecordStoreContract:
    """`make` opens the store at a path, and opening it again must find what was written."""

    def make(self, path: Path) -> Any:
        """An open store (`Records`, and a context manager that closes it)."""
        raise NotImplementedError

    def test_what_is_put_is_got_with_its_offset(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"1", "bob": b""}, offset=7)
            store.put_many("taste@1", {"ann": b"2"}, offset=9)
            assert (store.get("taste@1", "ann"), store.get("taste@1", "bob")) == (b"2", b"")
            assert (store.offset("taste@1"), store.count("taste@1")) == (9, 2)
        with self.make(tmp_path / "r") as store:
            assert (store.get("taste@1", "ann"), store.offset("taste@1")) == (b"2", 9)

    def test_what_was_never_put_is_none(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "r") as store:
            assert store.get("taste@1", "ann") is None
            assert (store.offset("taste@1"), store.count("taste@1"), list(store.users("taste@1"))) == (0, 0, [])

    def test_spaces_are_apart(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"old"}, offset=1)
            store.put_many("taste@2", {"ann": b"new", "bob": b"x"}, offset=2)
            assert (store.get("taste@1", "ann"), store.get("taste@2", "ann")) == (b"old", b"new")
            store.drop("taste@2")
            store.drop("never@1")
            assert store.get("taste@2", "ann") is None
            assert (store.offset("taste@2"), store.offset("taste@1"), store.get("taste@1", "ann")) == (0, 1, b"old")

    def test_deleting_a_user_reaches_every_space_and_no_one_else(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"1", "bob": b"1"}, offset=1)
            store.put_many("taste@2", {"ann": b"2"}, offset=5)
            assert (store.delete("ann"), store.delete("ann")) == (2, 0)
            assert store.get("taste@1", "ann") is store.get("taste@2", "ann") is None
            assert (store.get("taste@1", "bob"), store.offset("taste@2")) == (b"1", 5)

    def test_any_text_is_a_user_id(self, tmp_path: Path) -> None:
        ids = ["a", "=a", "#a", "x" * 509, "x" * 510, "x" * 511, "x" * 512, "ü" * 512, "\0", "a\nb", "日本", "🎧" * 128]
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {one: one.encode() for one in ids}, offset=1)
            assert [store.get("taste@1", one) for one in ids] == [one.encode() for one in ids]
            assert sorted(store.users("taste@1")) == sorted(ids)
            assert store.get_many("taste@1", [*ids, "nobody"]) == [*(one.encode() for one in ids), None]
            assert [store.delete(one) for one in ids] == [1] * len(ids)

    def test_users_go_on_after_any_of_them(self, tmp_path: Path) -> None:
        ids = [f"user-{number}" for number in range(200)] + ["x" * 600]
        with self.make(tmp_path / "r") as store:
            store.replace("taste@1", ((one, b"x") for one in ids), offset=3)
            listed = list(store.users("taste@1"))
            for place in (0, 7, 99, 200):
                assert list(store.users("taste@1", listed[place])) == listed[place + 1 :]

    def test_every_user_comes_once_however_many_there_are(self, tmp_path: Path) -> None:
        ids = {f"user-{number}" for number in range(12_345)}
        with self.make(tmp_path / "r") as store:
            store.replace("taste@1", ((one, b"x") for one in ids), offset=3)
            listed = list(store.users("taste@1"))
        assert len(listed) == 12_345
        assert set(listed) == ids

    def test_replace_shows_all_or_nothing(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"old", "gone": b"old"}, offset=4)

            def records() -> Iterator[tuple[str, bytes]]:
                yield "ann", b"new"
                for number in range(12_000):
                    yield f"user-{number}", b"new"
                assert (store.get("taste@1", "ann"), store.offset("taste@1"), store.count("taste@1")) == (b"old", 4, 2)

            store.replace("taste@1", records(), offset=40)
            assert (store.get("taste@1", "ann"), store.get("taste@1", "gone")) == (b"new", None)
            assert (store.offset("taste@1"), store.count("taste@1")) == (40, 12_001)

    def test_a_replace_that_fails_changes_nothing(self, tmp_path: Path) -> None:
        def failing() -> Iterator[tuple[str, bytes]]:
            for number in range(12_000):
                yield f"user-{number}", b"new"
            raise PalateError("the source ended early")

        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"old"}, offset=4)
            for space in ("taste@1", "taste@2"):
                with refused(PalateError, "ended early"):
                    store.replace(space, failing(), offset=40)
            assert (store.get("taste@1", "ann"), store.offset("taste@1"), store.count("taste@1")) == (b"old", 4, 1)
            assert (store.count("taste@2"), store.offset("taste@2")) == (0, 0)
            store.replace("taste@2", [("bob", b"x")], offset=41)
            assert (store.count("taste@2"), store.get("taste@2", "user-1")) == (1, None)

    def test_each_part_is_written_with_its_offset_if_it_stands_where_it_stood(self, tmp_path: Path) -> None:
        ann, bob = partition_of("ann"), partition_of("bob")
        assert ann != bob
        with self.make(tmp_path / "r") as store:
            epoch = store.standing("taste@1").epoch
            assert store.commit("taste@1", epoch, [Part(ann, 0, 5, {"ann": b"5"})]) == [True]
            assert (store.standing("taste@1").offsets[ann], store.offset("taste@1")) == (5, 0)
            late = [Part(ann, 0, 7, {"ann": b"7"}), Part(bob, 0, 7, {"bob": b"7"})]
            assert store.commit("taste@1", epoch, late) == [False, True]
            assert (store.get("taste@1", "ann"), store.get("taste@1", "bob")) == (b"5", b"7")
            assert store.commit("taste@1", epoch, [Part(ann, 5, 9, {})]) == [True]
        with self.make(tmp_path / "r") as store:
            offsets = [0] * PARTITIONS
            offsets[ann], offsets[bob] = 9, 7
            assert store.standing("taste@1").offsets == tuple(offsets)
            store.put_many("taste@1", {}, offset=9)
            assert store.offset("taste@1") == 9

    def test_nothing_is_written_over_what_was_deleted_dropped_or_replaced_meanwhile(self, tmp_path: Path) -> None:
        part = partition_of("ann")
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"1", "bob": b"1"}, offset=4)
            meddling: list[Callable[[], object]] = [
                partial(store.delete, "ann"),
                partial(store.replace, "taste@1", [("ann", b"2")], [4] * PARTITIONS),
                partial(store.drop, "taste@1"),
            ]
            for meddle, left in zip(meddling, (None, b"2", None), strict=True):
                standing = store.standing("taste@1")
                meddle()
                again = Part(part, standing.offsets[part], 8, {"ann": b"old"})
                assert store.commit("taste@1", standing.epoch, [again]) == [False]
                assert store.get("taste@1", "ann") == left

    def test_a_replaced_space_may_contain_more_of_some_partitions(self, tmp_path: Path) -> None:
        offsets = list(range(PARTITIONS))
        with self.make(tmp_path / "r") as store:
            store.replace("taste@1", [("ann", b"1")], offsets)
            assert store.standing("taste@1").offsets == tuple(offsets)
            assert store.offset("taste@1") == 0

    def test_replacing_with_nobody_leaves_an_empty_space_at_its_offset(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "r") as store:
            store.put_many("taste@1", {"ann": b"old"}, offset=4)
            store.replace("taste@1", [], offset=5)
            assert (store.count("taste@1"), store.offset("taste@1"), store.get("taste@1", "ann")) == (0, 5, None)
