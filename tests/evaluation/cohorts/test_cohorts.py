"""Cohorts: who belongs to one is known by construction, and what happens later changes nothing."""

import time
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.catalog.columns import ItemColumns, Playlists
from palate.core.clock import DAY_SECONDS, Calendar
from palate.core.errors import BadInput, BadSettings
from palate.core.home import Home
from palate.core.items import KINDS, Kind
from palate.core.listens import Event
from palate.core.settings import Settings, read_settings
from palate.embeddings.inputs import Inputs
from palate.evaluation.cohorts import (
    DEFAULTS,
    MIN_LISTENERS,
    Cohort,
    Cohorts,
    CohortSettings,
    CohortValue,
    by_cohort,
    row_members,
    worst,
)
from palate.evaluation.cohorts.features import Features, listener_features, unix_times
from palate.evaluation.cohorts.rules import Comparison, Joined, parse
from palate.evaluation.intervals import Interval, intervals
from palate.jobs.importing import import_items, import_listeners, import_listens
from palate.jobs.inputs import gather
from palate.listening.history import History
from palate.listening.listeners import ListenerColumns
from palate.sources.world import WorldSettings, simulate

from ..worlds import Play, history_of, random_history, skipped_at

NAN = np.nan


def inputs_of(history: History, kinds: list[Kind] | None = None, **attributes: list[str | None]) -> Inputs:
    """A home with these listens; items are tracks unless `kinds` says otherwise."""
    columns = ItemColumns.unknown(history.n_items)
    if kinds:
        columns = replace(columns, kind=np.array([KINDS.index(kind) for kind in kinds], np.uint8))
    return Inputs(history, Playlists.none(), columns, ListenerColumns(attributes))


def features_at(day: float, plays: list[Play], /, **attributes: list[str | None]) -> Features:
    return listener_features(inputs_of(history_of(plays, n_users=3, n_items=4), **attributes), day * DAY_SECONDS)


def features(**columns: list[float] | list[str | None]) -> Features:
    """Columns as they are given; everybody has one play unless `plays` says otherwise."""
    numbers = {name: np.array(one, float) for name, one in columns.items() if not any(isinstance(x, str) for x in one)}
    texts = {name: np.array([*one, None], object)[:-1] for name, one in columns.items() if name not in numbers}
    size = len(next(iter(columns.values())))
    return Features({"plays": np.ones(size)} | numbers, texts, {"episode_share": "the catalogue has no episode"})


def found(rule: str, known: Features) -> list[int]:
    return np.flatnonzero(Cohort("them", rule).members(known)).tolist()


class TestFeatures:
    def test_counts_and_days(self) -> None:
        known = features_at(40.0, [(0, 0, 1.0), (0, 1, 30.0), (0, 0, 38.5), (0, 2, 38.6), (1, 0, 12.0)])
        expected = {
            "plays": [4, 1, 0],
            "plays_7d": [2, 0, 0],
            "plays_28d": [3, 1, 0],
            "items": [3, 1, 0],
            "days_since_first": [39, 28, NAN],
            "days_since_last": [1.4, 28, NAN],
            "active_days_28d": [2, 0, 0],
            "repeat_share": [1 / 4, 0, NAN],
            "track_share": [1, 1, NAN],
            "onboarding": [0, 0, 0],
        }
        for name, values in expected.items():
            np.testing.assert_allclose(known.numbers[name], values, err_msg=name)

    def test_skips_are_no_plays_and_count_as_being_there(self) -> None:
        history = skipped_at(history_of([(0, 0, 1.0), (0, 1, 2.0), (0, 2, 3.0), (1, 0, 3.0)], 2, 3), [2, 3])
        known = listener_features(inputs_of(history), 4.0 * DAY_SECONDS)
        np.testing.assert_allclose(known.numbers["plays"], [2, 0])
        np.testing.assert_allclose(known.numbers["skip_share"], [1 / 3, 1])
        np.testing.assert_allclose(known.numbers["days_since_last"], [1, 1])
        np.testing.assert_allclose(known.numbers["repeat_share"], [0, NAN])

    def test_night_and_weekend(self) -> None:
        # Day 0 is Thursday, 1970-01-01; day 2 is Saturday.
        hours = [0 + 22.0, 0 + 21.9, 24 + 4.9, 24 + 5.0, 48 + 12.0, 72 + 23.99]
        known = features_at(9.0, [(0, 0, hour / 24) for hour in hours])
        assert known.numbers["night_share"][0] == 3 / 6
        assert known.numbers["weekend_share"][0] == 2 / 6

    def test_local_hours_where_the_offset_is_known(self) -> None:
        plays = [(user, 0, 1.0 + 20.5 / 24) for user in range(3)]
        known = features_at(9.0, plays, utc_offset_hours=["2", None, "-3.5"])
        assert known.numbers["night_share"].tolist() == [1.0, 0.0, 0.0]

    def test_the_hour_of_the_day_survives_a_pause(self) -> None:
        pause = Calendar(((10 * DAY_SECONDS, 50.5 * DAY_SECONDS),))
        unix = np.array([5.0 + 23 / 24, 60.0 + 23 / 24]) * DAY_SECONDS
        home = pause.home_times(unix)
        np.testing.assert_allclose(unix_times(home, pause), unix)
        known = inputs_of(history_of([(0, 0, day / DAY_SECONDS) for day in home], 1, 1))
        assert listener_features(known, 30 * DAY_SECONDS, pause).numbers["night_share"].tolist() == [1.0]

    def test_kinds_and_what_a_home_lacks(self) -> None:
        history = history_of([(0, 0, 1.0), (0, 1, 2.0), (0, 1, 3.0), (0, 0, 4.0)], 2, 2)
        known = listener_features(inputs_of(history, [Kind.TRACK, Kind.EPISODE]), 9 * DAY_SECONDS)
        np.testing.assert_allclose(known.numbers["episode_share"], [1 / 2, NAN])
        assert known.absent == {
            "audiobook_share": "the catalogue has no audiobook",
            "account_age_days": "listeners have no column account_created",
            "top_genre": "no item that was heard has genre",
            "top_artist": "no item that was heard has artist",
        }

    def test_the_most_heard_genre_and_of_equals_the_first(self) -> None:
        plays = [(0, 0, 1.0), (0, 1, 2.0), (0, 1, 3.0), (1, 0, 1.0), (1, 1, 2.0), (2, 2, 1.0)]
        known = inputs_of(history_of(plays, 3, 3))
        genre = replace(known.columns, genre=np.array([1, 0, -1], np.int32), genres=["jazz", "pop"])
        found = listener_features(replace(known, columns=genre), 9 * DAY_SECONDS)
        assert found.texts["top_genre"].tolist() == ["jazz", "jazz", None]

    def test_attributes_are_numbers_or_texts_and_never_hide_a_feature(self) -> None:
        known = features_at(
            3.0,
            [(0, 0, 1.0)],
            country=["SE", None, "DE"],
            born=["1990", None, "1980"],
            plays=["many", None, "few"],
            account_created=["86400", "1970-01-09", None],
            onboarding_artists=[None, "x|y", None],
        )
        assert known.texts["country"].tolist() == ["SE", None, "DE"]
        assert known.texts["attributes.plays"].tolist() == ["many", None, "few"]
        np.testing.assert_array_equal(known.numbers["born"], [1990, NAN, 1980])
        np.testing.assert_array_equal(known.numbers["account_age_days"], [2, NAN, NAN])  # one is not made yet
        assert known.numbers["onboarding"].tolist() == [0.0, 1.0, 0.0]

    def test_an_onboarding_event_before_the_moment_counts(self) -> None:
        history = history_of([(0, 0, 1.0), (1, 0, 5.0)], 2, 1)
        history = replace(history, event=np.full(2, Event.ONBOARDING, np.uint8))
        assert listener_features(inputs_of(history), 3 * DAY_SECONDS).numbers["onboarding"].tolist() == [1.0, 0.0]

    def test_a_home_without_listens(self) -> None:
        known = listener_features(inputs_of(history_of([], 2, 0)), 0.0)
        assert known.numbers["plays"].tolist() == [0.0, 0.0]
        assert np.isnan(known.numbers["night_share"]).all()


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "members"),
        [
            ("n < 3", [0, 1]),
            ("n <= 3", [0, 1, 2]),
            ("n == 2", [1]),
            ("n != 2", [0, 2, 4]),
            ("n>=3 and country==SE", [2]),
            ("n == 1 or n == 2 and country == DE", [0, 1]),
            ("(n == 1 or n == 2) and country == DE", [1]),
            ("country != 'SE'", [1, 4]),
            ('country == "New Zealand"', [4]),
            ("langs has sv", [0, 2]),
            ("langs == sv", [2]),
            ("n < 1970-01-02", [0, 1, 2, 4]),
            ("flag == true", [0, 4]),
            ("flag == no", [1, 2]),
            ("n >= p50", [2, 4]),
            ("country == SE and n >= p100", [2]),
            ("country == FR and n >= p50", []),
            ("episode_share > 0", []),
            ("n == p", None),
        ],
    )
    def test_members_by_hand(self, rule: str, members: list[int] | None) -> None:
        known = features(
            n=[1, 2, 3, NAN, 9],
            country=["SE", "DE", "SE", None, "New Zealand"],
            langs=["en|sv", "de", "sv", None, "ensv"],
            flag=[1, 0, 0, NAN, 1],
        )
        if members is None:
            with pytest.raises(BadInput, match="n is a number and 'p' is none"):
                found(rule, known)
        else:
            assert found(rule, known) == members

    def test_a_percentile_is_taken_among_those_to_its_left(self) -> None:
        known = features(a=[0, 0, 0, 0, 1, 1, 1, 1], b=[0, 0, 0, 0, 1, 2, 3, 4])
        assert found("a == 1 and b >= p50", known) == [6, 7]
        assert found("b >= p50 and a == 1", known) == [4, 5, 6, 7]

    def test_a_percentile_leaves_out_who_never_played(self) -> None:
        known = features(plays=[0, 0, 0, 1, 1], n=[9, 9, 9, 1, 2])
        assert found("n >= p100", known) == [0, 1, 2, 4]

    def test_and_binds_tighter_than_or(self) -> None:
        one, two, three = (Comparison(name, "==", "1") for name in "abc")
        assert parse("a == 1 or b == 1 and c == 1") == Joined("or", one, Joined("and", two, three))
        assert parse("(a == 1 or b == 1) and c == 1") == Joined("and", Joined("or", one, two), three)

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ("", "it ends where a column is needed"),
            ("plays <", "it ends where a value is needed"),
            ("plays 4", "'4' stands where == != < <= > >= or has is needed"),
            ("plays < 4 plays", "'plays' stands where and, or, or the end is needed"),
            ("(plays < 4", r"it ends where \) is needed"),
            ("and == 4", "'and' stands where a column is needed"),
            ("plays < 4 and", "it ends where a column is needed"),
            ("plays = 4", "cannot be read at '= 4'"),
            ("country == 'SE", 'cannot be read at "\'SE"'),
            ("__import__('os')", r"'\(' stands where"),
        ],
    )
    def test_what_cannot_be_read_is_named(self, rule: str, said: str) -> None:
        with pytest.raises(BadInput, match=said):
            Cohort("them", rule)

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ("land == SE", "the cohort them .*no column 'land'; there are: plays, n, country"),
            ("country > SE", "country is text; compare it with ==, != or has, not with >"),
            ("n has 1", "n is a number; compare it with one of"),
            ("n > p101", "p101 is no percentile"),
            ("country", "country is only a column"),
        ],
    )
    def test_what_cannot_be_compared_is_named(self, rule: str, said: str) -> None:
        with pytest.raises(BadInput, match=said):
            found(rule, features(n=[1, 2], country=["SE", None]))

    @given(st.text(max_size=30))
    def test_any_text_is_a_rule_or_a_refusal(self, text: str) -> None:
        try:
            parse(text)
        except BadInput as error:
            assert "write for example" in str(error)  # noqa: PT017  # most texts are refused, some are columns

    @given(st.lists(st.none() | st.sampled_from(["a", "b", "c d"]), min_size=1, max_size=20), st.integers(0, 100))
    def test_a_value_its_opposite_and_the_unknown_are_everybody(self, texts: list[str | None], percent: int) -> None:
        known = features(text=[*texts, "a"], n=[float(x is not None) for x in texts] + [0.0])
        same, other = found("text == 'c d'", known), found("text != 'c d'", known)
        unknown = [row for row, text in enumerate(texts) if text is None]
        assert sorted(same + other + unknown) == list(range(len(texts) + 1))
        assert sorted(found(f"n >= p{percent}", known) + found(f"n < p{percent}", known)) == list(range(len(texts) + 1))


class TestCohorts:
    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> Inputs:
        """120 listeners at day 100: 0-39 SE and heavy, 40-79 DE and nightly, 80-89 cold, 90-119 new and podcasts."""
        rng = np.random.default_rng(1)
        plays: list[Play] = []
        for user in range(40):
            plays += [(user, int(item), 75.0 + k + 0.5) for k, item in enumerate(rng.integers(0, 20, 24))]
        for user in range(40, 80):
            plays += [(user, int(item), 20.0 + k + 23 / 24) for k, item in enumerate(rng.integers(0, 20, 8))]
        plays += [(user, 0, 50.5) for user in range(80, 90)]
        for user in range(90, 120):
            plays += [(user, 20 + k % 3, 90.5 + k) for k in range(6)]
        country = ["SE"] * 40 + ["DE"] * 40 + ["FR"] * 10 + [None] * 30
        kinds = [Kind.TRACK] * 20 + [Kind.EPISODE] * 3
        return inputs_of(history_of(plays, 120, 23), kinds, country=country)

    def test_planted_cohorts_are_found(self, world: Inputs) -> None:
        cohorts = Cohorts.planned(world)
        members = {name: set(np.flatnonzero(mask)) for name, mask in
                   cohorts.membership(world, 100 * DAY_SECONDS).items()}  # fmt: skip
        assert members["cold"] == set(range(80, 90))
        assert members["new_accounts"] == members["podcast_listeners"] | set(range(40))
        assert members["heavy"] == set(range(40))
        assert members["light"] == set(range(90, 120))
        assert members["dormant"] == set(range(40, 90))
        assert members["night"] == set(range(40, 80))
        assert members["podcast_listeners"] == set(range(90, 120))
        assert members["skippers"] == set()
        assert members["country=SE"] == set(range(40))
        assert members["country=DE"] == set(range(40, 80))
        assert cohorts.left_out == {"audiobook_listeners": "the catalogue has no audiobook"}
        assert list(cohorts.rules) == [
            "cold", "new_accounts", "heavy", "light", "dormant", "night", "weekend", "podcast_listeners", "explorers",
            "repeaters", "skippers", "country=DE", "country=SE",
        ]  # fmt: skip
        assert cohorts.rules["country=SE"] == 'country == "SE"'

    def test_future_listens_change_no_membership(self, world: Inputs) -> None:
        cohorts, at = Cohorts.planned(world), 60 * DAY_SECONDS
        history = world.history
        late = np.flatnonzero(history.timestamp >= at)
        rng = np.random.default_rng(0)
        user, item = history.user.copy(), history.item.copy()
        user[late], item[late] = rng.integers(0, 120, len(late)), rng.integers(0, 23, len(late))
        event = history.event.copy()
        event[late] = Event.SKIP
        poisoned = replace(world, history=replace(history, user=user, item=item, event=event))
        clean = cohorts.membership(world.until(at), at)
        for known in (world, poisoned, poisoned.until(at)):
            found = cohorts.membership(known, at)
            assert found.keys() == clean.keys()
            for name, mask in found.items():
                np.testing.assert_array_equal(mask, clean[name], err_msg=name)

    def test_account_age_is_preferred_where_it_is_known(self) -> None:
        known = inputs_of(history_of([(0, 0, 1.0), (1, 0, 50.0)], 2, 1), account_created=["4320000", "0"])
        cohorts = Cohorts.planned(known)
        assert cohorts.rules["new_accounts"] == "account_age_days < 28"
        assert cohorts.membership(known, 51 * DAY_SECONDS)["new_accounts"].tolist() == [True, False]

    def test_a_home_adds_replaces_and_takes_away(self, world: Inputs) -> None:
        settings = CohortSettings({"heavy": "plays >= 8", "swedes": "country == SE", "cold": "", "land": "country"})
        cohorts = Cohorts.planned(world, settings)
        assert cohorts.rules["heavy"] == "plays >= 8"
        assert cohorts.left_out["cold"] == "taken away"
        members = cohorts.membership(world, 100 * DAY_SECONDS)
        assert np.flatnonzero(members["heavy"]).tolist() == list(range(80))
        np.testing.assert_array_equal(members["swedes"], members["land=SE"])

    def test_a_column_that_is_only_lacking_here_leaves_a_cohort_out(self, world: Inputs) -> None:
        settings = CohortSettings({"books": "audiobook_share > 0.5 and plays > 3", "genre": "top_genre"})
        left_out = Cohorts.planned(world, settings).left_out
        assert left_out["books"] == "the catalogue has no audiobook"
        assert left_out["genre"] == "no item that was heard has genre"

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            ("land == SE", "the cohort mine .*no column 'land'; there are: plays, "),
            ("land", "the cohort mine: no column 'land'"),
            ("days_since_first", "days_since_first has 4 different numbers"),
        ],
    )
    def test_an_impossible_rule_is_refused_before_anything_is_trained(
        self, world: Inputs, rule: str, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("palate.evaluation.cohorts.cohorts.MAX_NUMBERS", 3)
        with pytest.raises(BadInput, match=said):
            Cohorts.planned(world, CohortSettings({"mine": rule}))

    def test_only_frequent_values_get_a_cohort_and_numbers_do_too(self) -> None:
        n = 10 * MIN_LISTENERS
        plays = [(user, 0, 1.0) for user in range(n)]
        year = [str(1990 + user // MIN_LISTENERS) for user in range(n)]
        quote = ['say "hi"'] * MIN_LISTENERS + ["rare"] * (MIN_LISTENERS - 1) + [None] * (n - 2 * MIN_LISTENERS + 1)
        known = inputs_of(history_of(plays, n, 1), year=year, quote=quote)
        cohorts = Cohorts.planned(known, CohortSettings({"year": "year", "quote": "quote"}))
        assert [name for name in cohorts.rules if name.startswith("year")] == [f"year={1990 + k}" for k in range(8)]
        assert [name for name in cohorts.rules if name.startswith("quote")] == ['quote=say "hi"']
        members = cohorts.membership(known, 2 * DAY_SECONDS)
        assert np.flatnonzero(members["year=1991"]).tolist() == list(range(MIN_LISTENERS, 2 * MIN_LISTENERS))
        assert members['quote=say "hi"'].sum() == MIN_LISTENERS

    def test_every_default_can_be_read(self) -> None:
        assert all(Cohort(name, rule).rule for name, rules in DEFAULTS.items() for rule in rules)


class TestSettings:
    def test_the_table_is_free(self, tmp_path) -> None:
        path = tmp_path / "palate.toml"
        path.write_text('[cohorts]\nswedes = "country == SE"\n"night owls" = "night_share > 0.5"\ncold = ""\n')
        read = CohortSettings.read(read_settings(path))
        assert read.rules == {"swedes": "country == SE", "night owls": "night_share > 0.5", "cold": ""}
        assert CohortSettings.read(Settings()) == CohortSettings()

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ({"a": "plays <"}, r"defaults: \[cohorts\] a: the rule 'plays <' cannot be read"),
            ({"a": 3}, r"defaults: \[cohorts\] a = 3 must be of type str"),
        ],
    )
    def test_a_bad_rule_names_its_place(self, table: dict, said: str) -> None:
        with pytest.raises(BadSettings, match=said):
            CohortSettings.read(Settings({"cohorts": table}))


class TestByCohort:
    def test_each_cohort_gets_the_interval_of_its_rows(self) -> None:
        rng = np.random.default_rng(0)
        users, windows = rng.integers(0, 40, 200), rng.integers(0, 3, 200)
        values = rng.random((200, 2))
        members = {"even": users % 2 == 0, "nobody": np.zeros(200, bool), "all": np.ones(200, bool)}
        found = by_cohort(values, users, windows, members, {"even": "u % 2"}, 100, 7)
        assert [one.cohort for one in found] == ["even", "nobody", "all"]
        even, nobody, everybody = found
        rows = members["even"]
        assert list(even.intervals) == intervals(values[rows], users[rows], windows[rows], 100, 7)
        assert (even.rule, even.rows, even.users) == ("u % 2", rows.sum(), len(np.unique(users[rows])))
        assert (nobody.rows, nobody.users) == (0, 0)
        assert np.isnan(nobody.interval.value)
        one = by_cohort(values[:, 1], users, windows, {"all": members["all"]}, {}, 100, 7)
        assert one[0].interval == everybody.intervals[1]

    def test_rows_are_members_by_their_window(self) -> None:
        masks = [{"a": np.array([True, False])}, {"a": np.array([False, True]), "b": np.array([True, True])}]
        users, windows = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
        found = row_members(masks, users, windows)
        assert found["a"].tolist() == [True, False, False, True]
        assert found["b"].tolist() == [False, False, True, True]

    def test_the_worst_is_the_lowest_of_the_large_with_a_wider_interval(self) -> None:
        def cohort(name: str, users: int, value: float) -> CohortValue:
            return CohortValue(
                name, "", users, users, (Interval(9.0, 9.0, 9.0), Interval(value, value - 0.1, value + 0.2))
            )

        tiny, low, same, high = (
            cohort("tiny", 29, 0.1),
            cohort("low", 40, 0.3),
            cohort("same", 30, 0.3),
            cohort("h", 90, 1),
        )
        found = worst([tiny, high, same, low], column=1)
        assert found is not None
        assert (found.cohort, found.intervals[0]) == ("low", low.intervals[0])
        # z of 0.975 is 1.959964, and for three looks z of 1 - 0.025 / 3 is 2.393980
        assert found.intervals[1].low == pytest.approx(0.3 - 0.1 * 2.393980 / 1.959964)
        assert found.intervals[1].high == pytest.approx(0.3 + 0.2 * 2.393980 / 1.959964)
        alone = worst([low], column=1)
        assert alone is not None
        assert alone.intervals[1].low == pytest.approx(0.2)
        assert worst([tiny]) is None
        assert worst([replace(low, intervals=(Interval(NAN, NAN, NAN),))]) is None

    def test_a_metric_that_cannot_be_negative_stays_so(self) -> None:
        near = [CohortValue(name, "", 50, 50, (Interval(0.01, 0.0, 0.02),)) for name in "ab"]
        found = worst(near)
        assert found is not None
        assert found.interval.low == 0.0
        assert found.interval.high > 0.02


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inputs, pl.DataFrame]:
    """A home that holds a small simulated world, and the world's listens with their kinds, as its files say them."""
    folder = tmp_path_factory.mktemp("simulated")
    simulate(WorldSettings(listeners=200, items=800, listens=20_000, playlists=150), seed=0).write(folder / "world")
    home, world = Home(folder), folder / "world"
    home.settings.touch()
    import_items(home, [world / "items.parquet"], {}, True, time.time())
    import_listeners(home, [world / "listeners.parquet"], {}, True, time.time())
    import_listens(home, [world / "listens.parquet"], {}, True, time.time())
    kinds = pl.read_parquet(world / "items.parquet", columns=["item_id", "kind"])
    countries = pl.read_parquet(world / "listeners.parquet", columns=["user_id", "country"])
    listens = pl.read_parquet(world / "listens.parquet").join(kinds, on="item_id").join(countries, on="user_id")
    return gather(home), listens


def test_a_simulated_world_counted_from_its_files(simulated: tuple[Inputs, pl.DataFrame]) -> None:
    inputs, listens = simulated
    at = float(np.floor(inputs.end - 35 * DAY_SECONDS))
    short = (pl.col("seconds_played") < 30.0) & (pl.col("seconds_played") < 0.5 * pl.col("duration_seconds"))
    before = listens.filter((pl.col("timestamp") < at) & pl.col("event").is_in(["play", "skip"]))
    counted = before.with_columns(heard=(pl.col("event") == "play") & ~short.fill_null(False)).filter("heard")
    hour = (pl.col("timestamp") // 3600) % 24
    people = counted.group_by("user_id", "country").agg(
        plays=pl.len(),
        recent=(pl.col("timestamp") >= at - 28 * DAY_SECONDS).sum(),
        night=((hour >= 22) | (hour < 5)).mean(),
        episodes=(pl.col("kind") == "episode").mean(),
    )
    expected = {
        "heavy": (pl.col("recent") > 0)
        & (pl.col("recent") >= np.percentile(people.filter(pl.col("recent") > 0)["recent"].to_numpy(), 90)),
        "dormant": pl.col("recent") == 0,
        "night": (pl.col("plays") >= 4) & (pl.col("night") > 0.5),
        "podcast_listeners": pl.col("episodes") > 0.2,
        "country=US": pl.col("country") == "US",
    }
    members = Cohorts.planned(inputs).membership(inputs, at)
    everybody = np.array(inputs.history.users)
    known = set(people["user_id"])
    for name, rule in expected.items():
        found = set(everybody[members[name]]) & known  # a country is also that of who has not played yet
        assert found == set(people.filter(rule)["user_id"]), name
        assert found, name


@given(st.integers(0, 1_000), st.integers(10, 90))
def test_features_never_read_what_comes_later(seed: int, day: int) -> None:
    known, at = inputs_of(random_history(seed, n_plays=200)), day * DAY_SECONDS
    whole, cut = listener_features(known, at), listener_features(known.until(at), at)
    for name, values in whole.numbers.items():
        np.testing.assert_array_equal(values, cut.numbers[name], err_msg=name)
