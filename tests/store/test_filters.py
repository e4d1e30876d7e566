import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.core.items import KINDS, Kind
from palate.store.filters import Facets, Filter

FACETS = Facets(
    kind=np.array([0, 0, 1, 1, 2], np.uint8),
    language=np.array([0, -1, 0, 1, 1], np.int32),
    available=np.array([True, True, True, False, True]),
    languages=("en", "de"),
)


def test_an_empty_filter_lets_through_what_is_available() -> None:
    assert Filter().mask(FACETS).tolist() == [True, True, True, False, True]
    assert Filter(available_only=False).mask(FACETS).tolist() == [True] * 5


def test_a_filter_changes_nothing_it_reads() -> None:
    Filter(kinds=frozenset({Kind.TRACK})).mask(FACETS)
    assert FACETS.available.tolist() == [True, True, True, False, True]


def test_kinds_and_languages_both_have_to_fit() -> None:
    choice = Filter(frozenset({Kind.EPISODE, Kind.AUDIOBOOK}), frozenset({"de"}), available_only=False)
    assert choice.mask(FACETS).tolist() == [False, False, False, True, True]


def test_an_unknown_language_passes_any_choice_even_of_a_language_that_no_row_has() -> None:
    assert Filter(languages=frozenset({"en"})).mask(FACETS).tolist() == [True, True, True, False, False]
    assert Filter(languages=frozenset({"fr"})).mask(FACETS).tolist() == [False, True, False, False, False]


def test_no_rows_give_an_empty_mask() -> None:
    empty = Facets(np.empty(0, np.uint8), np.empty(0, np.int32), np.empty(0, np.bool_))
    assert Filter(frozenset(KINDS), frozenset({"en"})).mask(empty).shape == (0,)


rows = st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1), st.booleans()), min_size=1, max_size=30)


@given(rows, st.frozensets(st.sampled_from(KINDS)), st.frozensets(st.sampled_from(["en", "de", "fr"])), st.booleans())
def test_a_mask_is_the_rule_row_by_row(
    rows: list[tuple[int, int, bool]], kinds: frozenset[Kind], languages: frozenset[str], available_only: bool
) -> None:
    kind, language, available = zip(*rows, strict=True)
    facets = Facets(np.array(kind, np.uint8), np.array(language, np.int32), np.array(available), ("en", "de"))
    expected = [
        (not kinds or KINDS[k] in kinds)
        and (not languages or code == -1 or ("en", "de")[code] in languages)
        and (is_available or not available_only)
        for k, code, is_available in rows
    ]
    assert Filter(kinds, languages, available_only).mask(facets).tolist() == expected
