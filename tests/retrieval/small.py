"""Stocks and records of a few items, small enough to work out by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.embeddings.company import NEIGHBOURS, Company
from palate.embeddings.records import UserRecord
from palate.retrieval.query import Query
from palate.retrieval.stock import Stock
from palate.retrieval.trends import Trends
from palate.store.index import VectorIndex

NOW = 1_000 * DAY_SECONDS
Neighbours = dict[int, list[tuple[int, float]]]  # anchor -> (item, cosine), best first


def stock_of(vectors: ArrayLike, neighbours: Neighbours | None = None, **facts: ArrayLike) -> Stock:
    """A stock at NOW.

    vectors  # (items, dim), the last coordinate popularity; records sum the same ones
    facts    columns of ItemColumns by name; week, month, ever and first_heard (default: 0, 0, 0, never)
    """
    table = np.array(vectors, np.float32)
    n = len(table)
    plays = {name: np.array(facts.pop(name, [0] * n), np.int32) for name in ("week", "month", "ever")}
    first = np.array(facts.pop("first_heard", [np.inf] * n), np.float64)
    columns = ItemColumns.unknown(n)
    columns = replace(columns, **{name: np.array(v, getattr(columns, name).dtype) for name, v in facts.items()})
    trends = Trends(np.array(NOW), plays["week"], plays["month"], plays["ever"], first)
    index = VectorIndex.build(table, "small@1")
    return Stock("small@1", columns, table, table, index, company_of(n, neighbours or {}), trends)


def company_of(n: int, neighbours: Neighbours) -> Company:
    """The company of n items; those not named have none. `together` is a hundred cosines."""
    items, scores = np.full((n, NEIGHBOURS), -1, np.int32), np.zeros((n, NEIGHBOURS), np.float32)
    for anchor, pairs in neighbours.items():
        for place, (item, cosine) in enumerate(pairs):
            items[anchor, place], scores[anchor, place] = item, cosine
    return Company(items, scores, np.round(100 * scores).astype(np.int32))


def record_of(
    plays: Sequence[tuple[int, float]] = (),
    skips: Sequence[tuple[int, float]] = (),
    vectors: ArrayLike | None = None,
    kinds: Sequence[int] = (),
    dim: int = 2,
) -> UserRecord:
    """The record of (item, days before NOW), folded in one by one."""
    table = None if vectors is None else np.array(vectors, np.float32)
    record = UserRecord.empty(dim if table is None else table.shape[1])
    events = sorted([(ago, item, False) for item, ago in plays] + [(ago, item, True) for item, ago in skips])
    for ago, item, skip in reversed(events):
        vector = np.zeros(record.dim, np.float32) if table is None else table[item]
        moment = NOW - ago * DAY_SECONDS
        record.add(item, kinds[item] if kinds else 0, vector, moment, 0.0 if skip else 1.0, skip)
    return record


def query_of(
    record: UserRecord | None = None,
    taste: ArrayLike = (0.0, 0.0),
    seeds: Sequence[int] = (),
    exclude: Sequence[int] = (),
) -> Query:
    """A query at NOW; without a record, a stranger's."""
    vector = np.array(taste, np.float32)
    known = UserRecord.empty(len(vector)) if record is None else record
    return Query(known, vector, NOW, np.array(seeds, np.int32), np.array(exclude, np.int32))
