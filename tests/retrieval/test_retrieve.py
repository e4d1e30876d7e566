import numpy as np

from palate.retrieval.retrieve import retrieve
from palate.retrieval.retrievers import RETRIEVERS

from .small import query_of, record_of, stock_of

STOCK = stock_of(np.eye(6, 3), {0: [(1, 0.5), (5, 0.2)]}, week=[4, 3, 2, 1, 1, 1], ever=[4, 3, 2, 1, 1, 1])
LISTENER = query_of(record_of(plays=[(0, 0)], dim=3), taste=[0, 1, 0])


def test_only_who_has_a_quota_is_asked() -> None:
    found = retrieve({"popular": 2, "again": 3, "company": 0}, LISTENER, STOCK)
    assert found.sources == ("again", "popular")
    assert found.items.tolist() == [0, 1]


def test_the_most_telling_source_stands_first_whatever_the_order_of_the_quotas() -> None:
    quotas = dict.fromkeys(reversed(RETRIEVERS), 6)
    found = retrieve(quotas, LISTENER, STOCK)
    assert found.sources == tuple(RETRIEVERS)
    assert [found.source(row) for row in range(3)] == ["again", "sequence", "sequence"]
    assert found.items.tolist()[:3] == [0, 1, 5]
    assert sorted(found.items.tolist()) == list(range(6))


def test_the_same_query_finds_the_same() -> None:
    first, second = (retrieve(dict.fromkeys(RETRIEVERS, 3), LISTENER, STOCK) for _ in range(2))
    assert first.items.tobytes() == second.items.tobytes()
    assert first.offered.tobytes() == second.offered.tobytes()
    assert first.because.tobytes() == second.because.tobytes()


def test_no_quotas_find_nothing() -> None:
    assert len(retrieve({}, LISTENER, STOCK)) == 0
