"""Random lists and targets, as the metrics take them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

PLACES, ITEMS = 8, 15  # targets reach further than the lists, so that some can never be hit


def csr(targets: list[set[int]]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    indptr = np.cumsum([0] + [len(one) for one in targets])
    return indptr, np.array([item for one in targets for item in sorted(one)], np.int32)


@st.composite
def padded(draw: st.DrawFn, rows: int | None = None) -> NDArray[np.int32]:
    """(q, PLACES) lists of distinct items, some of them short, some empty."""
    count = rows if rows is not None else draw(st.integers(1, 6))
    lists = np.full((count, PLACES), -1, np.int32)
    for one in lists:
        length = draw(st.integers(0, PLACES))
        one[:length] = draw(st.permutations(range(12)))[:length]
    return lists


@st.composite
def judged(draw: st.DrawFn) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Lists with the targets of each, at least one."""
    lists = draw(padded())
    wanted = st.sets(st.integers(0, ITEMS - 1), min_size=1)
    return lists, *csr(draw(st.lists(wanted, min_size=len(lists), max_size=len(lists))))


def many(
    seed: int, rows: int, places: int, items: int
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Lists of every length from 0 to `places`, and from one target to more than there are places."""
    rng = np.random.default_rng(seed)
    lists = rng.permuted(np.tile(np.arange(items, dtype=np.int32), (rows, 1)), axis=1)[:, :places]
    lists[np.arange(places) >= rng.integers(0, places + 1, (rows, 1))] = -1
    targets: list[Any] = [rng.choice(items, rng.integers(1, 2 * places), replace=False) for _ in range(rows)]
    indptr = np.concatenate(([0], np.cumsum([len(one) for one in targets])))
    return lists, indptr, np.concatenate(targets).astype(np.int32)
