import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from palate.core.candidates import Candidates, Offer, merge

NAN = float("nan")


def offer(*pairs: tuple[int, float], because: tuple[int, ...] | None = None) -> Offer:
    """An offer of (item, score) in order."""
    items, scores = np.array([item for item, _ in pairs], np.int32), np.array([score for _, score in pairs], np.float32)
    return Offer.of(items, scores, None if because is None else np.array(because, np.int32))


def test_offers_are_merged_as_by_hand() -> None:
    merged = merge(
        [("own", offer((7, 3.0), (2, 1.0), because=(7, 2))), ("none", Offer.none()), ("all", offer((5, 9.0), (2, 8.0)))]
    )
    assert merged.sources == ("own", "none", "all")
    assert merged.items.tolist() == [7, 2, 5]
    np.testing.assert_array_equal(merged.offered, np.array([[3, NAN, NAN], [1, NAN, 8], [NAN, NAN, 9]], np.float32))
    assert merged.because.tolist() == [[7, -1, -1], [2, -1, -1], [-1, -1, -1]]
    assert np.isnan(merged.scores).all()
    assert [merged.source(row) for row in range(3)] == ["own", "own", "all"]


def test_nothing_offered_is_no_candidates() -> None:
    for offers in ([], [("one", Offer.none())]):
        merged = merge(offers)
        assert len(merged) == 0
        assert merged.offered.shape == merged.because.shape == (0, len(offers))
        assert merged.items.dtype == np.int32


def offers() -> SearchStrategy[list[Offer]]:
    """A few offers, each item once in each, some of them by several."""
    rows = st.lists(st.integers(0, 12), unique=True, max_size=8)
    scored = rows.map(lambda items: offer(*((item, item + 0.5) for item in items), because=tuple(items)))
    return st.lists(scored, max_size=4)


def by_hand(made: list[Offer]) -> list[int]:
    """Items in order of first appearance."""
    return list(dict.fromkeys(item for one in made for item in one.items.tolist()))


@given(offers())
def test_every_item_stands_once_in_order_of_first_appearance(made: list[Offer]) -> None:
    merged = merge([(f"r{at}", one) for at, one in enumerate(made)])
    assert merged.items.tolist() == by_hand(made)


@given(offers())
def test_who_offered_what_is_kept(made: list[Offer]) -> None:
    merged = merge([(f"r{at}", one) for at, one in enumerate(made)])
    for row, item in enumerate(merged.items.tolist()):
        offering = [at for at, one in enumerate(made) if item in one.items]
        assert np.flatnonzero(~np.isnan(merged.offered[row])).tolist() == offering
        assert merged.source(row) == f"r{offering[0]}"
        assert merged.because[row].tolist() == [item if at in offering else -1 for at in range(len(made))]
        assert merged.offered[row, offering].tolist() == [item + 0.5] * len(offering)


@given(offers(), st.data())
def test_taking_keeps_rows_whole(made: list[Offer], data: st.DataObject) -> None:
    merged = merge([(f"r{at}", one) for at, one in enumerate(made)])
    positions = data.draw(st.permutations(range(len(merged))))
    taken = merged.take(np.array(positions, np.intp))
    assert taken.items.tolist() == merged.items[positions].tolist() if positions else len(taken) == 0
    back = taken.take(np.argsort(np.array(positions, np.intp)))
    assert_equal(back, merged)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(merged), max_size=len(merged))), np.bool_)
    assert_equal(merged.take(mask), merged.take(np.flatnonzero(mask)))


def assert_equal(one: Candidates, other: Candidates) -> None:
    assert one.sources == other.sources
    for name in ("items", "offered", "because", "scores"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
