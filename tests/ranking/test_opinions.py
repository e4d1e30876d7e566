"""What is looked up once and sieved is what looking at each pair would have found."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.embeddings.company import Company
from palate.embeddings.fold_in import FoldIn
from palate.embeddings.records import UserRecord
from palate.ranking import features as features_module
from palate.ranking.features import NAMES, features
from palate.ranking.opinions import SIEVE, opinions
from palate.ranking.rows import Rows
from palate.retrieval.retrieve import retrieve
from palate.retrieval.retrievers import RECENT_ITEMS
from palate.retrieval.stock import Stock
from retrieval.small import NOW, query_of, record_of, stock_of

ITEMS, DIM = 40, 4


def some_stock(seed: int) -> Stock:
    """Items of which each keeps company with four others, with a fold-in."""
    rng = np.random.default_rng(seed)
    pairs = {
        item: [(int(other), float(rng.random())) for other in rng.permutation(ITEMS)[:4] if other != item]
        for item in range(ITEMS)
    }
    plays = rng.integers(0, 50, ITEMS)
    stock = stock_of(
        rng.normal(size=(ITEMS, DIM)), pairs, artist=rng.integers(-1, 6, ITEMS), week=plays, month=plays, ever=plays
    )
    factors = rng.normal(size=(ITEMS, DIM - 1)).astype(np.float32)
    return replace(stock, fold_in=FoldIn.of(factors, 40.0, 1.0, 18.0))


def some_record(seed: int, stock: Stock, n: int) -> UserRecord:
    rng = np.random.default_rng(seed)
    plays = [(int(item), float(ago)) for item, ago in zip(rng.integers(0, ITEMS, n), rng.random(n) * 90, strict=True)]
    skips = [(int(item), float(rng.random() * 90)) for item in rng.integers(0, ITEMS, n // 3)]
    return record_of(plays, skips, stock.vectors)


def over_highest(values: list[float], latest: list[int]) -> np.ndarray:
    highest = max([values[item] for item in latest], default=0.0)
    return np.array(values) / (highest if highest > 0 else 1.0)


def one_by_one(record: UserRecord, stock: Stock) -> tuple[np.ndarray, np.ndarray]:
    """(items,) own and company as their docstrings say, in loops."""
    played = {
        int(item): (weight, (record.at - last) / DAY_SECONDS)
        for item, weight, last, n in zip(record.items, record.weights, record.last, record.plays, strict=True) if n > 0
    }  # fmt: skip
    own, company = [0.0] * ITEMS, [0.0] * ITEMS
    for item, (weight, days) in played.items():
        own[item] = weight * 2 ** (-days / 28)  # halved every 28 days already
        company[item] += 2 ** (-days / 30)
        for other, cosine in zip(stock.company.items[item], stock.company.scores[item], strict=True):
            if other >= 0:
                company[other] += 2 ** (-days / 30) * float(cosine)
    return over_highest(own, list(played)), over_highest(company, list(played))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 60))
def test_own_and_company_are_what_loops_would_find(seed: int, n: int) -> None:
    stock = some_stock(seed % 5)
    record = some_record(seed, stock, n)
    items = np.random.default_rng(seed).permutation(ITEMS)[:25].astype(np.int32)
    rows = Rows.of(items, record, stock.n_items)
    query = query_of(record, taste=np.ones(DIM))
    vectors = stock.vectors[rows.rows]
    told = opinions(rows, vectors @ query.taste, vectors[:, -1], query, stock)[rows.asked]
    own, company = one_by_one(record, stock)
    np.testing.assert_allclose(told[:, 0], own[items], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(told[:, 1], company[items], rtol=1e-5, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 300), unique=True), st.integers(0, 200))
def test_rows_hold_all_that_is_asked_and_all_that_is_latest(items: list[int], n: int) -> None:
    record = record_of([(2 * item, float(item)) for item in range(n)])
    asked = np.array(items, np.int32)
    rows = Rows.of(asked, record, 250)
    assert (np.diff(rows.rows) > 0).all()
    assert rows.rows[rows.asked].tolist() == items
    latest = [2 * item for item in range(min(n, 125))][:RECENT_ITEMS]  # item 0 was played last
    assert sorted(rows.rows[rows.latest].tolist()) == latest
    assert sorted(record.items[rows.recent].tolist()) == latest
    assert record.items[rows.place].tolist() == rows.rows[rows.known].tolist()
    assert set(rows.rows[rows.known].tolist()) == set(rows.rows.tolist()) & set(record.items.tolist())


def test_what_only_shares_the_sieve_is_no_company() -> None:
    n = SIEVE + 2
    company = Company(
        *(np.full((n, 1), value, kind) for value, kind in ((-1, np.int32), (0, np.float32), (0, np.int32)))
    )
    company.items[0, 0], company.scores[0, 0] = SIEVE + 1, 0.5  # the same last bits as row 1
    stock = replace(stock_of(np.zeros((n, 2))), company=company)
    rows = Rows.of(np.array([1], np.int32), record := record_of([(0, 0.0)]), n)
    dots = np.zeros(len(rows.rows), np.float32)
    assert opinions(rows, dots, dots, query_of(record), stock)[rows.asked, 1].tolist() == [0.0]
    rows = Rows.of(np.array([SIEVE + 1], np.int32), record, n)
    assert opinions(rows, dots, dots, query_of(record), stock)[rows.asked, 1].tolist() == [0.5]


def test_many_codes_are_added_up_like_few(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = some_stock(1)
    query = query_of(some_record(1, stock, 30), taste=np.ones(DIM))
    candidates = retrieve({"again": 20, "popular": 30}, query, stock)
    few = features(candidates, query, stock)
    monkeypatch.setattr(features_module, "MOST_COUNTED", 0)
    many = features(candidates, query, stock)
    assert np.array_equal(few, many, equal_nan=True)
    assert few[:, NAMES.index("artist_weight")].max() > 0


def test_an_item_that_came_after_the_stock_has_no_columns() -> None:
    stock = some_stock(2)
    record = record_of([(3, 1.0), (ITEMS + 5, 0.0)])
    query = query_of(record, taste=np.ones(DIM))
    candidates = retrieve({"popular": 5}, query, stock)
    assert np.isfinite(features(candidates, query, stock)[:, NAMES.index("artist_weight")]).all()
    assert record.at == NOW
