"""The staleness curve: moments inside sittings, what is known at each age, and what the marks then are."""

import argparse
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.listens import Event
from palate.embeddings.weights import EVENT_WEIGHTS
from palate.evaluation.splits import EvalSettings, Split, Window, split

from .halves import history_of, inputs_of

pytest.importorskip("torch", reason="the benchmarks train with torch, which is not installed")

AT = 80 * DAY_SECONDS
N_ITEMS, MINUTE = 8, 60.0


@pytest.fixture(scope="module")
def moments() -> ModuleType:
    from staleness import moments

    return moments


@pytest.fixture(scope="module")
def curve() -> ModuleType:
    import staleness_curve

    return staleness_curve


def week(plays: list[tuple[int, int, float]]) -> Split:
    """Everybody heard every item once in the first eight days; then `plays`: user, item, minutes after the cut."""
    before = [(user, item, item * DAY_SECONDS + user) for user in range(3) for item in range(N_ITEMS)]
    rows = [*before, *((user, item, AT + 3_600.0 + minutes * MINUTE) for user, item, minutes in plays)]
    user, item, seconds = (np.array(column) for column in zip(*rows, strict=True))
    inputs = inputs_of(history_of(user, item, seconds.astype(np.float64), 3, N_ITEMS))
    return split(inputs, Window(AT, AT + 1_800.0, AT + 8 * DAY_SECONDS))


PLAYS = [(0, 1, 0), (0, 2, 4), (0, 3, 8), (2, 5, 0), (2, 5, 5), (0, 4, 2_880), (1, 6, 2_880)]


def test_a_moment_inside_is_a_play_that_had_one_before_it_and_at_the_door_is_the_first(moments) -> None:
    part = week(PLAYS)
    start = AT + 3_600.0
    inside = moments.moments(part, moments.INSIDE, most=5, seed=0)
    found = {
        (int(user), (at - start) / MINUTE) for asked in inside for user, at in zip(asked.users, asked.at, strict=True)
    }
    assert found == {(0, 4.0), (0, 8.0), (2, 5.0)}
    door = moments.moments(part, moments.DOOR, most=5, seed=0)
    found = {
        (int(user), (at - start) / MINUTE) for asked in door for user, at in zip(asked.users, asked.at, strict=True)
    }
    assert found == {(0, 0.0), (0, 2_880.0), (1, 2_880.0), (2, 0.0)}


def test_what_is_asked_is_what_comes_next_by_hand(moments) -> None:
    (asked,) = moments.moments(week([(0, 1, 0), (0, 2, 4), (0, 3, 8), (0, 4, 2_880)]), moments.INSIDE, 1, seed=1)
    place = {4.0: 2, 8.0: 3}[(float(asked.at[0]) - AT - 3_600.0) / MINUTE]
    told = {question: by_part["everything"][1].tolist() for question, by_part in asked.targets.items()}
    assert told["next play"] == [place]
    assert told["rest of the sitting"] == list(range(place, 4))
    assert told["next 10 plays"] == list(range(place, 5))
    assert asked.plays.tolist() == [N_ITEMS + place - 1]
    assert all(by_part["unheard"][1].tolist() == [] for by_part in asked.targets.values()), "all was heard before"


def test_an_age_hides_the_plays_that_are_younger(moments) -> None:
    (asked,) = moments.moments(week([(0, 1, 0), (0, 2, 4)]), moments.INSIDE, 1, seed=0)
    part = week([(0, 1, 0), (0, 2, 4)])
    for age_seconds, latest, lacking in ((0.0, 1, 0), (239.0, 1, 0), (240.0, 7, 1), (np.inf, None, 9)):
        known = moments.known_before(part, asked, age_seconds)
        assert np.unique(known.user).tolist() == ([0] if latest is not None else [])
        assert latest is None or int(known.item[-1]) == latest
        assert moments.heard_since(part, asked, age_seconds).tolist() == [lacking]


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, N_ITEMS - 1), st.integers(0, 9_000)), min_size=1, max_size=25),
    st.integers(0, 3), st.floats(0.0, 10 * DAY_SECONDS),
)  # fmt: skip
def test_nothing_of_what_is_asked_about_is_known_at_any_age(plays, seed: int, age_seconds: float) -> None:
    from staleness import moments

    part = week(plays)
    for where in (moments.INSIDE, moments.DOOR):
        for asked in moments.moments(part, where, 2, seed):
            assert len(np.unique(asked.users)) == len(asked.users)
            known = moments.known_before(part, asked, age_seconds)
            until = dict(zip(asked.users.tolist(), (asked.at - age_seconds).tolist(), strict=True))
            assert all(
                time < until[user] for user, time in zip(known.user.tolist(), known.timestamp.tolist(), strict=True)
            )
            assert (moments.heard_since(part, asked, age_seconds) >= 0).all()


def again(known, asked) -> dict[str, np.ndarray]:
    """The latest item of each listener, and nothing else."""
    lists = np.full((len(asked.users), 100), -1, np.int32)
    for place, user in enumerate(asked.users.tolist()):
        mine = known.item[known.user == user]
        lists[place, : min(len(mine), 1)] = mine[-1:]
    return {"everything": lists, "unheard": np.full_like(lists, -1)}


def test_who_repeats_the_latest_play_is_right_only_while_the_taste_is_young(curve) -> None:
    """Listener 2 plays item 5 again five minutes later: known at an age of up to five minutes."""
    found = curve.judged(again, week([(2, 5, 0), (2, 5, 5)]), 1, 0)
    inside = np.flatnonzero(~found["at_door"])
    marks = found["next play/everything/ndcg@100"][inside][0]
    assert marks.tolist() == [1.0 if age < 300.0 else 0.0 for age in curve.AGES_SECONDS]
    assert found["lacks"][inside][0].tolist()[:3] == [0, 0, 1]
    assert np.isnan(found["next play/unheard/ndcg@100"]).all()


def test_a_listeners_moments_of_a_week_are_one_row(curve) -> None:
    from staleness.showing import ALL, EVERYTHING, INSIDE, MAIN, NEWCOMERS, REST, Curve

    key = f"{REST}/{EVERYTHING}/{MAIN}"
    told = {
        key: np.array([[1.0, 0.5], [0.0, 0.5], [0.5, 0.0], [np.nan, np.nan], [1.0, 1.0]]),
        "lacks": np.zeros((5, 2)), "listener": np.array([3, 3, 4, 5, 6]), "plays": np.array([5, 50, 9, 9, 9]),
        "at_door": np.array([False, False, False, False, True]), "week": np.array(0),
    }  # fmt: skip
    found = Curve({"taste": [told]}, (0.0, 60.0), EvalSettings(bootstrap=50))
    everybody = found.points("taste", INSIDE, ALL, REST, EVERYTHING, MAIN)
    assert [one.value for one in everybody.values] == [(0.5 + 0.5) / 2, (0.5 + 0.0) / 2]
    assert [one.value for one in everybody.changes] == [0.0, -0.25]
    assert (everybody.listeners, everybody.rows) == (2, 2)
    both = Curve({"taste": [told], "other": [{**told, key: told[key] - 0.25}]}, (0.0, 60.0), EvalSettings(bootstrap=50))
    assert [one.value for one in both.against("other", INSIDE, EVERYTHING)] == [0.25, 0.25]
    newcomers = found.points("taste", INSIDE, NEWCOMERS, REST, EVERYTHING, MAIN)
    assert [one.value for one in newcomers.values] == [(1.0 + 0.5) / 2, (0.5 + 0.0) / 2]


def test_results_are_kept_and_shown(curve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """With a home that is never opened: the second time nothing is made."""
    from staleness.drawing import picture
    from staleness.showing import Curve, tables

    part, made = week(PLAYS), []
    monkeypatch.setattr(
        curve, "Home", lambda path: argparse.Namespace(require=lambda: None, settings=tmp_path / "palate.toml")
    )
    monkeypatch.setattr(curve, "settle", lambda home: None)
    monkeypatch.setattr(curve, "gather", lambda home: part.known)
    monkeypatch.setattr(curve, "windows", lambda inputs, settings: [part.window])
    monkeypatch.setattr(curve, "split", lambda inputs, window: part)
    monkeypatch.setattr(curve.Makers, "made", lambda self, name, one: made.append(name) or again)
    options = argparse.Namespace(
        home=tmp_path, windows=1, methods=["popular"], moments=2, sequence="{}", results=tmp_path / "kept", show=False
    )  # fmt: skip
    first, second = curve.run(options), curve.run(options)
    assert made == ["popular"]
    np.testing.assert_array_equal(first["popular"][0]["plays"], second["popular"][0]["plays"])
    shown = Curve(second, curve.AGES_SECONDS, EvalSettings(bootstrap=20))
    assert "rest of the sitting, everything" in tables(shown)
    assert picture(shown).startswith("<svg")
    assert "popular, week 0" in capsys.readouterr().err


def test_what_an_old_record_does_not_know_of_is_taken_off_its_list() -> None:
    from staleness.methods import without
    from staleness.moments import Asked

    heard = np.zeros((2, 6), np.bool_)
    heard[0, [1, 4]] = True
    asked = Asked(np.array([0, 1], np.int32), np.zeros(2), np.zeros(2, np.int64), heard, {})
    lists = np.array([[4, 2, 1, 5], [3, -1, -1, -1]], np.int32)
    assert without(lists, asked).tolist() == [[2, 5, -1, -1], [3, -1, -1, -1]]


def test_other_weights_of_saves_and_skips_by_hand() -> None:
    """Item 0 is played, item 1 saved, item 2 skipped, at one moment; vectors are (1, 0), (0, 1) and (4, 0)."""
    import event_weights

    history = history_of(np.zeros(3, int), np.arange(3), np.full(3, DAY_SECONDS), 1, 3)
    history.event[:] = [Event.PLAY, Event.SAVE, Event.SKIP]
    vectors, before = np.array([[1, 0], [0, 1], [4, 0]], np.float32), EVENT_WEIGHTS.copy()
    for variant, sums, count in (
        ((1.0, 0.0), [1.0, 1.0], 2.0), ((3.0, 0.0), [1.0, 3.0], 4.0), ((1.0, -0.5), [-1.0, 1.0], 2.0),
    ):  # fmt: skip
        (record,) = event_weights.records(history, np.zeros(1, np.int32), vectors, np.zeros(3, np.uint8), variant)
        assert record.sums[1, 0].tolist() == sums
        assert record.counts[1, 0] == count
    np.testing.assert_array_equal(EVENT_WEIGHTS, before)
