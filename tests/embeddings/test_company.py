"""Who is heard together: counts that can be checked, cosines by hand."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from palate.catalog.columns import Playlists
from palate.core.listens import Event
from palate.embeddings import company as company_module
from palate.embeddings.company import NEIGHBOURS, Company, fit_company
from palate.listening.history import History

from .worlds import history_of, playlists_of, with_event

groups = st.lists(st.lists(st.integers(0, 7), max_size=6), max_size=10)


def sittings(*lists: list[int], n_items: int = 4) -> History:
    """One listener and one sitting for each list of item rows."""
    plays = [(user, item, float(user)) for user, one in enumerate(lists) for item in one]
    return history_of(plays, n_items)


def table(company: Company) -> list[list[tuple[int, int]]]:
    """For each item its company, best first, as (item, together)."""
    return [
        [(int(item), int(count)) for item, count in zip(items, counts, strict=True) if item >= 0]
        for items, counts in zip(company.items, company.together, strict=True)
    ]


def test_three_sittings_and_a_playlist_by_hand() -> None:
    """Item 0 is in all four groups, 1 in three, 2 in one, 3 in none."""
    company = fit_company(sittings([0, 1], [1, 0], [0, 2]), playlists_of([0, 1]))
    assert table(company) == [[(1, 3), (2, 1)], [(0, 3)], [(0, 1)], []]
    assert company.scores[0, :2].tolist() == pytest.approx([3 / (4 * 3) ** 0.5, 1 / (4 * 1) ** 0.5])
    assert company.scores[1, :2].tolist() == pytest.approx([3 / (3 * 4) ** 0.5, 0.0])
    assert (company.items.shape, company.items.dtype) == ((4, NEIGHBOURS), np.int32)
    assert (company.scores.dtype, company.together.dtype) == (np.float32, np.int32)
    padded = company.items < 0
    assert not company.scores[padded].any()
    assert not company.together[padded].any()


def test_an_item_twice_in_one_group_counts_once() -> None:
    assert table(fit_company(sittings([0, 1, 0, 1], n_items=2), Playlists.none())) == [[(1, 1)], [(0, 1)]]
    assert table(fit_company(sittings(n_items=2), playlists_of([1, 0, 1]))) == [[(1, 1)], [(0, 1)]]


def test_what_was_skipped_or_only_saved_was_not_heard() -> None:
    history = sittings([0, 1, 2, 3])
    history = with_event(with_event(history, 1, Event.SKIP), 2, Event.SAVE)
    assert table(fit_company(history, Playlists.none())) == [[(3, 1)], [], [], [(0, 1)]]


def test_a_place_on_a_playlist_of_an_item_that_the_catalogue_lacks_is_left_out() -> None:
    assert table(fit_company(sittings(n_items=2), playlists_of([0, -1, 1], [-1, 0]))) == [[(1, 1)], [(0, 1)]]


def test_a_group_that_is_too_large_says_nothing_about_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither as company nor in the lengths: item 0 stands in one group that counts."""
    monkeypatch.setattr(company_module, "LARGEST_GROUP", 3)
    company = fit_company(sittings([0, 1, 2, 3], [0, 1]), playlists_of([3, 2, 1], [0, 1, 2, 3]))
    assert table(company) == [[(1, 1)], [(0, 1), (2, 1), (3, 1)], [(3, 1), (1, 1)], [(2, 1), (1, 1)]]
    assert company.scores[0, 0] == np.float32(1 / 2**0.5)


def test_equal_scores_stand_by_row_whatever_counts_they_come_from() -> None:
    """Item 0: with 1 in 2 of 1's 4 groups, with 2 in 1 of 2's 1; all of 0's 4 groups. 2 / 4 = 1 / sqrt(4)."""
    company = fit_company(sittings([0, 1], [0, 1], [0, 2], [0, 3], [1], [1]), Playlists.none())
    assert table(company)[0] == [(1, 2), (2, 1), (3, 1)]
    assert company.scores[0, :3].tolist() == [0.5, 0.5, 0.5]


def test_only_so_many_are_kept_and_ties_at_the_border_go_to_the_smaller_rows() -> None:
    company = fit_company(sittings(list(range(60)), n_items=60), Playlists.none())
    assert company.items[0].tolist() == list(range(1, 51))
    assert company.items[59].tolist() == list(range(50))
    assert (company.scores == 1.0).all()


@pytest.mark.parametrize("n_items", [3, 0])
def test_nobody_is_company_of_anybody_in_an_empty_log(n_items: int) -> None:
    company = fit_company(replace(history_of([]), n_items=n_items), Playlists.none())
    assert company.items.shape == company.scores.shape == company.together.shape == (n_items, NEIGHBOURS)
    assert (company.items == -1).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(played=groups, listed=groups)
def test_counts_are_those_of_brute_force(
    monkeypatch: pytest.MonkeyPatch, played: list[list[int]], listed: list[list[int]]
) -> None:
    monkeypatch.setattr(company_module, "BLOCK_ITEMS", 3)
    company = fit_company(sittings(*played, n_items=8), playlists_of(*listed))
    sets = [set(one) for one in played + listed]
    together = np.zeros((8, 8), np.int32)
    size = np.array([sum(item in one for one in sets) for item in range(8)])
    for one in sets:
        for a, b in combinations(one, 2):
            together[a, b] += 1
            together[b, a] += 1
    for item, company_of in enumerate(table(company)):
        others = [other for other in range(8) if together[item, other]]
        score = {other: together[item, other] / np.sqrt(size[item] * size[other]) for other in others}
        assert company_of == [
            (o, int(together[item, o])) for o in sorted(others, key=lambda other: (-score[other], other))
        ]
        assert company.scores[item, : len(others)].tolist() == [np.float32(score[o]) for o, _ in company_of]
    assert company.scores.min() >= 0.0
    assert company.scores.max() <= 1.0


def test_saved_then_loaded_equals(tmp_path: Path) -> None:
    company = fit_company(sittings([0, 1], [0, 2]), Playlists.none())
    company.save(tmp_path / "company.npz")
    back = Company.load(tmp_path / "company.npz")
    for name in ("items", "scores", "together"):
        np.testing.assert_array_equal(getattr(back, name), getattr(company, name))
