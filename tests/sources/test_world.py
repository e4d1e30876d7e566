"""The simulated world: each thing that was planted is found again by a simple statistic."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadSettings, Corrupt
from palate.core.items import KINDS, Kind
from palate.core.listens import Event
from palate.listening.history import skip_rule
from palate.sources.world import World, WorldSettings, read_truth, simulate
from palate.sources.world.draws import Draws
from palate.sources.world.truth import night

SMALL = WorldSettings(listeners=200, items=800, listens=20_000, playlists=150)
GOLDEN_WORLD = "9f39c7f97f358fc43d8930e47e5982493a33f89a20c8af8c322a2afe2f962ea2"
GOLDEN_DRAWS = [492258641, 985224895, 674309260]


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(SMALL, seed=0)


@pytest.fixture(scope="module")
def larger() -> World:
    """For what shows only where a sub-genre has enough tracks in every language."""
    return simulate(WorldSettings(listeners=1_000, items=2_000, listens=100_000, playlists=0), seed=0)


class Heard:
    """Plays and skips of a world with what the tests ask of them, one row each."""

    def __init__(self, world: World) -> None:
        plays = world.plays.take((world.plays.event == Event.PLAY) | (world.plays.event == Event.SKIP))
        truth = world.truth
        self.user, self.item, self.time = plays.user.astype(int), plays.item.astype(int), plays.timestamp
        self.skip = plays.event == Event.SKIP
        self.sitting = self.user * 100_000 + plays.sitting
        self.kind = truth.kind[self.item]
        self.genre = truth.topic_genre[truth.topic.argmax(axis=1)][self.item]
        self.affinity = truth.affinities(self.user, self.item, self.time)
        self.hour = (self.time / 3600.0 + truth.utc_hours[self.user]) % 24.0
        pair = self.user * len(world.items) + self.item
        self.first = np.zeros(len(pair), bool)
        self.first[np.unique(pair, return_index=True)[1]] = True

    def __len__(self) -> int:
        return len(self.user)


@pytest.fixture(scope="module")
def heard(world: World) -> Heard:
    return Heard(world)


def fingerprint(world: World) -> str:
    """A hash of every event and of what the catalogue says."""
    listens, digest = world.listens, hashlib.sha256()
    for numbers in (listens.timestamp, listens.event, listens.seconds_played, listens.duration_seconds):
        digest.update(numbers.astype(numbers.dtype.newbyteorder("<")).tobytes())
    for words in (listens.user_id, listens.item_id, listens.session_id, listens.surface):
        digest.update(repr(words).encode())
    digest.update(repr(world.items).encode() + repr(world.playlists).encode())
    return digest.hexdigest()


def test_sizes_are_the_asked_ones(world: World, heard: Heard) -> None:
    assert len(world.listeners) == 200
    assert len(world.items) == 800
    assert len(heard) == pytest.approx(20_000, rel=0.02)
    assert len(world.listens) == pytest.approx(20_000, rel=0.1)
    counts = {kind: sum(item.kind is kind for item in world.items) for kind in KINDS}
    assert counts == {Kind.TRACK: 712, Kind.EPISODE: 64, Kind.AUDIOBOOK: 24}


def test_ids_are_unique_and_say_simulated(world: World) -> None:
    for ids in ([one.user_id for one in world.listeners], [one.item_id for one in world.items]):
        assert len(set(ids)) == len(ids)
        assert all(one.startswith("sim-") for one in ids)
    assert set(world.listens.user_id) <= {one.user_id for one in world.listeners}
    assert set(world.listens.item_id) <= {one.item_id for one in world.items}


def test_the_same_seed_gives_the_same_world_and_another_seed_another(world: World) -> None:
    same = simulate(SMALL, seed=0)
    assert fingerprint(same) == fingerprint(world)
    assert fingerprint(simulate(SMALL, seed=1)) != fingerprint(world)
    for name in ("topic", "taste", "phase_start", "reach"):
        np.testing.assert_array_equal(getattr(same.truth, name), getattr(world.truth, name))


def test_the_bits_are_the_same_on_every_machine() -> None:
    # PCG64 and SeedSequence are fixed by numpy's promise; the first numbers of a stream can therefore be written down.
    assert [int(x * 1e9) for x in Draws(0, "tracks").uniform(3)] == GOLDEN_DRAWS


def test_the_world_is_the_one_that_was_measured(world: World) -> None:
    # Numbers in the docs are about this world: who changes the recipe writes the new hash here and measures again.
    assert fingerprint(world) == GOLDEN_WORLD


def test_more_playlists_shift_nothing_else(world: World) -> None:
    other = simulate(WorldSettings(listeners=200, items=800, listens=20_000, playlists=3), seed=0)
    np.testing.assert_array_equal(other.plays.item, world.plays.item)
    np.testing.assert_array_equal(other.plays.timestamp, world.plays.timestamp)


def test_events_are_in_time_order_inside_the_year_and_one_at_a_time(world: World, heard: Heard) -> None:
    stamps = world.listens.timestamp
    assert (np.diff(stamps) >= 0).all()
    assert stamps.min() >= SMALL.start
    assert stamps.max() < SMALL.end
    order = np.lexsort((heard.time, heard.user))
    seconds = world.plays.seconds_played[np.isin(world.plays.event, (Event.PLAY, Event.SKIP))][order]
    gap = np.diff(heard.time[order])
    assert (gap >= seconds[:-1])[np.diff(heard.user[order]) == 0].all()


def test_nothing_is_heard_before_its_release_and_the_unheard_never(world: World) -> None:
    plays, truth = world.plays, world.truth
    assert (plays.timestamp >= truth.released[plays.item]).all()
    unheard = np.flatnonzero(truth.reach == 0.0)
    assert len(unheard) == round(0.02 * 800)
    assert not np.isin(plays.item, unheard).any()
    assert not {world.items[row].item_id for row in unheard} & {one.item_id for one in world.playlists}
    within = (truth.released >= SMALL.start) & (truth.kind == 0)
    assert 0.05 < within.mean() < 0.35


def test_nobody_listens_before_opening_the_account(world: World) -> None:
    created = np.array([one.account_created for one in world.listeners])
    plays = world.plays
    assert (plays.timestamp >= created[plays.user]).all()
    assert (created > SMALL.start).mean() == pytest.approx(SMALL.late_share, abs=0.08)


def test_activity_has_a_heavy_tail(larger: World) -> None:
    counts = np.bincount(Heard(larger).user, minlength=1_000)
    assert 0.3 < np.median(counts) / counts.mean() < 0.65
    assert (counts < 4).any()
    top_tenth = np.sort(counts)[-100:].sum() / counts.sum()
    assert 0.35 < top_tenth < 0.7


def test_about_half_of_what_is_played_was_heard_before(larger: World) -> None:
    heard = Heard(larger)
    tracks = heard.kind == 0
    assert 0.4 < 1.0 - heard.first[tracks].mean() < 0.65


def test_old_accounts_replay_more_and_new_ones_explore_and_hear_the_popular(larger: World) -> None:
    # New accounts have short histories: listens are compared at the same place in each listener's history.
    heard = Heard(larger)
    created = np.array([one.account_created for one in larger.listeners])
    age_days = (heard.time - created[heard.user]) / DAY_SECONDS
    order = np.lexsort((heard.time, heard.user))
    place = np.empty(len(heard), int)
    place[order] = np.arange(len(heard)) - np.searchsorted(heard.user[order], heard.user[order])
    alike = (place >= 20) & (place < 60) & (heard.kind == 0)
    new, old = alike & (age_days < 45), alike & (age_days > 200)
    assert 1.0 - heard.first[new].mean() < 1.0 - heard.first[old].mean() - 0.05
    topic = larger.truth.topic.argmax(axis=1)
    order = np.lexsort((larger.truth.reach, topic))
    rank = np.empty(len(topic))  # of attention, from 0 to 1 within the sub-genre
    rank[order] = (np.arange(len(topic)) - np.searchsorted(topic[order], topic[order])) / np.bincount(topic)[
        topic[order]
    ]
    met = heard.first & (place < 60) & (heard.kind == 0)
    rank = rank[heard.item]
    assert rank[met & (age_days < 45)].mean() > rank[met & (age_days > 200)].mean() + 0.03
    unlike = np.einsum("nk,nk->n", larger.truth.taste_at(heard.user, heard.time), larger.truth.topic[heard.item]) < 0.02
    assert unlike[new].mean() > unlike[old].mean() + 0.03


def test_skips_fall_with_affinity_and_are_short(world: World, heard: Heard) -> None:
    tenth = np.argsort(np.argsort(heard.affinity)) * 10 // len(heard)
    rate = np.array([heard.skip[tenth == row].mean() for row in range(10)])
    assert rate[0] > 0.5 > 0.15 > rate[9]
    assert (np.diff(rate) < 0.03).all()
    listens = world.listens
    early = skip_rule(listens.seconds_played, listens.duration_seconds)
    assert early[listens.event == Event.SKIP].all()
    assert not early[listens.event == Event.PLAY].any()


def test_saves_are_of_liked_items(world: World, heard: Heard) -> None:
    saves = world.plays.take(world.plays.event == Event.SAVE)
    affinity = world.truth.affinities(saves.user.astype(int), saves.item.astype(int), saves.timestamp)
    assert len(saves) > 100
    assert affinity.mean() > heard.affinity[heard.first].mean() + 0.1


def test_taste_is_few_subgenres_and_shows_in_what_is_played(world: World, heard: Heard) -> None:
    truth = world.truth
    ranked = np.sort(truth.taste[:, 0], axis=1)[:, ::-1]
    assert ranked[:, :4].sum(axis=1).min() > 0.85
    np.testing.assert_allclose(truth.taste.sum(axis=2), 1.0, atol=1e-5)
    np.testing.assert_allclose(truth.topic.sum(axis=1), 1.0, atol=1e-5)
    favourite = truth.taste_at(heard.user, heard.time).argmax(axis=1)
    own = truth.topic[heard.item, favourite].mean()
    strangers = truth.topic[heard.item, np.roll(favourite, 7_919)].mean()
    assert own > 5 * strangers


def test_tastes_drift_slowly(world: World) -> None:
    truth = world.truth
    steady = np.setdiff1d(np.arange(200), truth.turned)
    step = np.abs(np.diff(truth.taste[steady], axis=1)).sum(axis=2) / 2
    whole = np.abs(truth.taste[steady, -1] - truth.taste[steady, 0]).sum(axis=1) / 2
    assert 0.005 < np.median(step) < 0.1
    assert np.median(step) < np.median(whole) < 0.35


def test_who_turned_is_heard_in_the_new_genre_from_then_on(world: World, heard: Heard) -> None:
    truth = world.truth
    assert 4 <= len(truth.turned) <= 20
    before, after = [], []
    for user, moment, genre in zip(truth.turned, truth.turn_time, truth.turn_genre, strict=True):
        mine = (heard.user == user) & (heard.kind == 0)
        before.append(heard.genre[mine & (heard.time < moment)] == genre)
        after.append(heard.genre[mine & (heard.time >= moment)] == genre)
    assert np.concatenate(before).mean() < 0.15
    assert np.concatenate(after).mean() > 0.4
    assert set((truth.turn_time // DAY_SECONDS + 3).astype(int) % 7) == {5}  # Saturdays, Monday being 0
    steps = (truth.phase_start[truth.turned] == truth.turn_time[:, None]).sum(axis=1)
    assert (steps == 1).all()


def test_podcasts_about_a_genre_are_heard_by_its_listeners(world: World, heard: Heard) -> None:
    truth = world.truth
    share = np.zeros((200, len(truth.genres)))
    np.add.at(share, (heard.user, heard.genre), heard.kind == 0)
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
    matches = []
    for row, item in enumerate(world.items):
        if item.kind is Kind.EPISODE and "music" in item.genres:
            genre = int(np.flatnonzero(truth.genres == item.genres[0])[0])
            matches.append(share[heard.user[heard.item == row], genre])
    assert np.concatenate(matches).mean() > 3 * share.mean()


def test_the_mix_of_kinds_differs_between_listeners(world: World, heard: Heard) -> None:
    for kind in (1, 2):
        fans = np.argsort(-world.truth.kind_mix[:, kind])[:20]
        fan = np.isin(heard.user, fans)
        assert (heard.kind[fan] == kind).mean() > 2 * (heard.kind[~fan] == kind).mean()


def test_nights_are_calmer(larger: World) -> None:
    heard = Heard(larger)
    energy = np.array([item.attributes.get("energy", np.nan) for item in larger.items])[heard.item]
    late = night(heard.hour)
    assert np.nanmean(energy[late < 0.05]) > np.nanmean(energy[late > 0.5]) + 0.03


def test_habits_of_the_day_and_the_device(world: World, heard: Heard) -> None:
    device = np.array([one.device for one in world.listeners])[heard.user]
    commute = (np.abs(heard.hour - 7.5) < 1.5) | (np.abs(heard.hour - 17.5) < 1.5)
    assert commute[device == "car"].mean() > 1.3 * commute[device == "desktop"].mean()
    small_hours = (heard.hour >= 2) & (heard.hour < 6)
    assert small_hours.mean() < 0.06


def test_languages_matter(larger: World) -> None:
    heard = Heard(larger)
    sung = np.array([item.language or "" for item in larger.items])[heard.item]
    home = [set(one.languages) for one in larger.listeners]
    for language in ("pt", "es", "de"):
        speaks = np.array([language in languages for languages in home])[heard.user]
        assert (sung[speaks] == language).mean() > 1.5 * (sung[~speaks] == language).mean()


def test_a_sitting_stays_in_one_subgenre(world: World, heard: Heard) -> None:
    topic = world.truth.topic.argmax(axis=1)[heard.item]
    order = np.lexsort((heard.time, heard.user))
    tracks = heard.kind[order] == 0
    beside = tracks[1:] & tracks[:-1] & (np.diff(heard.user[order]) == 0)
    same = topic[order][1:] == topic[order][:-1]
    together = np.diff(heard.sitting[order]) == 0
    assert same[beside & together].mean() > same[beside & ~together].mean() + 0.15


def test_popularity_is_unequal_and_not_taste(world: World, heard: Heard) -> None:
    counts = np.sort(np.bincount(heard.item, minlength=800))[::-1]
    assert counts[:80].sum() > 0.3 * counts.sum()
    users = np.arange(0, 200, 10)
    charts = np.argsort(-np.bincount(heard.item, minlength=800))[:10]
    best = np.mean([world.truth.affinity(u, world.truth.best(u, SMALL.end, 10), SMALL.end).mean() for u in users])
    assert best > 2 * np.mean([world.truth.affinity(u, charts, SMALL.end).mean() for u in users])


def test_onboarding_picks_agree_with_the_taste_and_come_with_the_account(world: World) -> None:
    truth, row_of = world.truth, {item.item_id: row for row, item in enumerate(world.items)}
    own, other = [], []
    for user, one in enumerate(world.listeners):
        rows = [row_of[item] for item in one.onboarding_items]
        assert [world.items[row].artists[0] for row in rows] == list(one.onboarding_artists)
        assert 1 <= len(rows) <= 5
        own.append((truth.topic[rows] @ truth.taste[user, 0]).mean())
        other.append((truth.topic[rows] @ truth.taste[(user + 67) % 200, 0]).mean())
    assert np.mean(own) > 3 * np.mean(other)

    picks = world.plays.take(world.plays.event == Event.ONBOARDING)
    new = [user for user, one in enumerate(world.listeners) if one.account_created >= SMALL.start]
    assert sorted(set(picks.user.tolist())) == new
    for user in new:
        events = picks.item[picks.user == user].tolist()
        assert sorted(world.items[row].item_id for row in events) == sorted(world.listeners[user].onboarding_items)
        assert (picks.timestamp[picks.user == user] - world.listeners[user].account_created).max() < 60


def test_playlists_are_coherent_and_out_of_their_owners_taste(world: World) -> None:
    truth, row_of = world.truth, {item.item_id: row for row, item in enumerate(world.items)}
    user_of = {one.user_id: row for row, one in enumerate(world.listeners)}
    tracks: dict[str, list[int]] = {}
    for one in world.playlists:
        assert one.added is not None
        assert truth.released[row_of[one.item_id]] <= one.added + 1.0
        assert one.position == len(tracks.setdefault(one.playlist_id, []))
        tracks[one.playlist_id].append(row_of[one.item_id])
    assert len(tracks) > 100
    assert all(10 <= len(rows) == len(set(rows)) <= 60 for rows in tracks.values())
    owner = {one.playlist_id: user_of[one.owner] for one in world.playlists if one.owner is not None}
    genre = truth.topic_genre[truth.topic.argmax(axis=1)]
    purity = [np.bincount(genre[rows]).max() / len(rows) for rows in tracks.values()]
    assert np.mean(purity) > 0.6
    own = np.mean([(truth.topic[rows] @ truth.taste[owner[name]].mean(axis=0)).mean() for name, rows in tracks.items()])
    other = np.mean(
        [(truth.topic[rows] @ truth.taste[(owner[name] + 67) % 200, 0]).mean() for name, rows in tracks.items()]
    )
    assert own > 3 * other


def test_track_features_follow_the_subgenre(world: World) -> None:
    energy = {name: [] for name in ("doom metal", "drone", "techno", "baroque")}  # type: dict[str, list[float]]
    for item in world.items:
        if item.kind is Kind.TRACK:
            assert 40 < item.attributes["tempo_bpm"] < 260
            assert item.attributes["key"] in range(12)
            assert item.attributes["mode"] in (0.0, 1.0)
            for name in set(energy) & set(item.genres):
                energy[name].append(item.attributes["energy"])
    assert min(energy["techno"]) > max(energy["drone"])
    assert np.mean(energy["doom metal"]) > np.mean(energy["baroque"])


def test_every_genre_has_its_history_and_shows_have_titles_of_their_own(world: World) -> None:
    episodes = [item for item in world.items if item.kind is Kind.EPISODE]
    titles = {item.collection for item in episodes}
    assert {"A History of Jazz", "A History of Hip Hop"} <= titles
    assert len({(item.collection, item.artists) for item in episodes}) == len(titles)


def test_best_is_the_order_of_affinity_over_what_is_out(world: World) -> None:
    truth, moment = world.truth, SMALL.start + 100 * DAY_SECONDS
    best = truth.best(7, moment, 800)
    assert (truth.released[best] <= moment).all()
    assert len(best) == (truth.released <= moment).sum()
    assert (np.diff(truth.affinity(7, best, moment)) <= 0).all()
    np.testing.assert_array_equal(truth.best(7, moment, 10), best[:10])
    together = truth.affinities(np.array([3, 7]), np.array([5, 9]), np.array([moment, moment]))
    np.testing.assert_allclose(together, [truth.affinity(3, [5], moment)[0], truth.affinity(7, [9], moment)[0]])


def test_the_first_taste_holds_before_the_first_phase(world: World) -> None:
    early = world.truth.taste_at(np.array([4]), np.array([0.0]))
    np.testing.assert_array_equal(early[0], world.truth.taste[4, 0])


def test_written_files_say_the_same(world: World, tmp_path: Path) -> None:
    world.write(tmp_path)
    listens = pl.read_parquet(tmp_path / "listens.parquet")
    assert listens["user_id"].to_list() == world.listens.user_id
    assert listens["event"].to_list() == [Event(number).word for number in world.listens.event]
    np.testing.assert_array_equal(listens["timestamp"].to_numpy(), world.listens.timestamp)
    items = pl.read_parquet(tmp_path / "items.parquet")
    first = items.row(0, named=True)
    assert (first["item_id"], first["kind"]) == (world.items[0].item_id, "track")
    assert first["artists"] == list(world.items[0].artists)
    assert first["tempo_bpm"] == world.items[0].attributes["tempo_bpm"]
    assert items.row(-1, named=True)["tempo_bpm"] is None
    assert pl.read_parquet(tmp_path / "playlists.parquet").height == len(world.playlists)
    assert pl.read_parquet(tmp_path / "listeners.parquet").height == 200
    stored = read_truth(tmp_path / "truth.npz")
    np.testing.assert_array_equal(stored.taste, world.truth.taste)
    np.testing.assert_array_equal(stored.best(3, SMALL.end, 20), world.truth.best(3, SMALL.end, 20))


def test_many_listens_are_written_in_parts(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.sources.world.files.ROWS_AT_ONCE", 8_000)
    world.write(tmp_path)
    names = sorted(path.name for path in tmp_path.glob("listens*"))
    assert names == ["listens-000.parquet", "listens-001.parquet", "listens-002.parquet"]
    assert pl.read_parquet(tmp_path / "listens-*.parquet")["session_id"].to_list() == world.listens.session_id


def test_a_file_that_is_no_truth_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", taste=np.zeros(3))
    with pytest.raises(Corrupt, match="write the world again"):
        read_truth(tmp_path / "other.npz")


@pytest.mark.parametrize(
    "wrong", [{"listeners": 0}, {"items": 399}, {"days": 3}, {"late_share": 0.9}, {"listens": -1}, {"phases": 1}]
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSettings, match=next(iter(wrong))):
        WorldSettings(**wrong)  # type: ignore[arg-type]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), listeners=st.integers(1, 30), listens=st.integers(0, 600))
def test_every_world_keeps_its_promises(seed: int, listeners: int, listens: int) -> None:
    world = simulate(WorldSettings(listeners=listeners, items=400, listens=listens, playlists=4), seed)
    plays = world.plays
    heard = np.isin(plays.event, (Event.PLAY, Event.SKIP))
    assert heard.sum() <= listens
    assert len(world.listens) == len(plays)
    assert (np.diff(plays.timestamp) >= 0).all()
    assert (plays.timestamp >= world.truth.released[plays.item]).all()
    assert (plays.seconds_played[heard] >= 2).all()
    assert (world.truth.reach[plays.item] > 0).all()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20).filter(lambda w: sum(w) > 1e-6), st.integers(0, 2**40))
def test_a_weight_of_zero_is_never_picked(weights: list[float], seed: int) -> None:
    draws, array = Draws(seed, "test"), np.array(weights)
    assert (array[draws.pick(array, 50)] > 0).all()
    assert (array[draws.pick_columns(np.tile(array, (50, 1)))] > 0).all()


def test_draws_have_the_moments_they_should() -> None:
    draws = Draws(3, "test")
    normal, exponential, uniform = draws.normal(100_000), draws.exponential(100_000), draws.uniform(100_000)
    assert normal.mean() == pytest.approx(0.0, abs=0.02)
    assert normal.std() == pytest.approx(1.0, abs=0.02)
    assert exponential.mean() == pytest.approx(1.0, abs=0.02)
    assert uniform.min() >= 0.0
    assert uniform.max() < 1.0
    share = np.bincount(draws.pick(np.array([1.0, 0.0, 3.0]), 100_000)) / 100_000
    np.testing.assert_allclose(share, [0.25, 0.0, 0.75], atol=0.01)
