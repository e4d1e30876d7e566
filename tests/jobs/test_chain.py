"""Training: once is enough, new listens train again, one part leaves the others, the past does not know the future."""

import shutil
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from palate.catalog.catalog import Catalog
from palate.core.artefacts import read_arrays, read_json, write_arrays, write_json
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, MissingHome, NotTrained, PalateError
from palate.core.home import Home
from palate.embeddings.encoder import UserSettings
from palate.embeddings.space import Space, Spaces, _hash
from palate.embeddings.states import UserState
from palate.jobs.batch import embed, recommend
from palate.jobs.chain import train
from palate.jobs.importing import import_listens, import_playlists
from palate.jobs.inputs import gather
from palate.jobs.online import catch_up, open_live
from palate.jobs.runs import name_run, one_at_a_time
from palate.listening.listeners import ListenerTable
from palate.listening.log import ListeningLog
from palate.sources.world import WorldSettings
from palate.store.records import OnlineStore
from palate.surfaces.ask import Ask
from palate.surfaces.registry import answer

from .small_homes import TOML, copied, empty_home, filled, labels, listens_of, records

END = WorldSettings().end  # of the simulated time
PARTS = {"item_vectors.npy", "listened.npy", "company.npz", "encoder.npz", "ranker.txt", "columns.npz", "trends.npz"}


def contents(space: Space, n_items: int | None = None) -> dict[str, str]:
    """What every published file holds, but for the manifests: arrays and text, spelled out so that NaN equals NaN.

    n_items: cut arrays with a row for each item to so many.
    """
    found: dict[str, str] = {}
    for file in sorted(space.folder.rglob("*")):
        name = file.relative_to(space.folder).as_posix()
        arrays = {"": np.load(file)} if file.suffix == ".npy" else read_arrays(file) if file.suffix == ".npz" else {}
        for key, array in arrays.items():
            own = array[:n_items] if array.shape[:1] == (space.manifest["items"],) else array
            found[f"{name}:{key}".rstrip(":")] = f"{own.dtype} {own.shape} {own.tobytes().hex()}"
        if file.suffix == ".txt":
            found[name] = file.read_text(encoding="utf-8")
    return found


def differing(one: Space, two: Space, n_items: int | None = None) -> set[str]:
    """The files, and of .npz the arrays, that are not the same in both."""
    first, second = contents(one, n_items), contents(two, n_items)
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


def play(home: Home, *rows: tuple[str, str, float]) -> None:
    with ListeningLog(home.log) as log:
        log.append(listens_of(list(rows)))


def known_item(home: Home) -> str:
    return Catalog.open(home.catalog).ids[0]


def test_training_publishes_one_whole_live_version(trained: Home) -> None:
    live = Spaces(trained.spaces).live
    live.verify()
    assert labels(trained) == [live.label] == ["taste@1"]
    assert {name.partition(":")[0] for name in contents(live)} >= PARTS
    assert [entry["space"] for entry in Spaces(trained.spaces).history()] == ["taste@1"]
    with ListeningLog(trained.log) as log:
        end, users = log.end_offset(), log.user_ids()
    offset, states = records(trained, "taste@1")
    assert (offset, sorted(states)) == (end, sorted(users))


def test_training_again_does_nothing_and_says_so(own: Home) -> None:
    space, worked = train(own)
    assert (space.label, worked, labels(own)) == ("taste@1", False, ["taste@1"])


def test_new_listens_train_again(own: Home) -> None:
    play(own, ("sim-user-0001", known_item(own), END + 60.0))
    space, worked = train(own)
    assert (space.label, worked, labels(own)) == ("taste@2", True, ["taste@1", "taste@2"])
    assert Spaces(own.spaces).live.label == "taste@2"
    with ListeningLog(own.log) as log:
        assert records(own, "taste@2")[0] == log.end_offset()


def test_what_is_told_of_listeners_trains_again_once(own: Home) -> None:
    before = name_run(own, None, None).fingerprint
    for country, same in (("SE", False), ("SE", True), ("NO", False)):
        with ListenerTable.changing(own.listeners) as table:
            table.upsert(["sim-user-0001"], {"country": [country]})
        found = name_run(own, None, None).fingerprint
        assert (found == before) is same
        before = found
    own.settings.write_text(f"{TOML}[users]\nstatics = false\n", encoding="utf-8")
    without = name_run(own, None, None).fingerprint
    own.listeners.unlink()
    assert name_run(own, None, None).fingerprint == without


def test_changed_settings_train_again_and_the_old_ones_find_the_old_space(own: Home) -> None:
    own.settings.write_text(TOML.replace("dim = 16", "dim = 8"), encoding="utf-8")
    assert (train(own)[0].label, Spaces(own.spaces).live.encoder.dim) == ("taste@2", 8)
    own.settings.write_text(TOML, encoding="utf-8")
    space, worked = train(own)
    assert (space.label, worked, Spaces(own.spaces).live.label) == ("taste@1", True, "taste@1")


@pytest.mark.parametrize(
    ("only", "kept"),
    [
        ("users", {"item_vectors.npy", "listened.npy", "ranker.txt"}),
        ("items", {"ranker.txt"}),
        ("ranker", {"item_vectors.npy", "listened.npy", "encoder.npz:weights"}),
    ],
)
def test_only_one_part_is_learnt_anew(own: Home, only: str, kept: set[str]) -> None:
    """With other settings for every part, what should stay as it was stays, and what was asked for does not."""
    other = TOML.replace("iterations = 3", "iterations = 2\npopularity_share = 0.3").replace(
        "rounds = 20", "rounds = 9"
    )
    own.settings.write_text(other, encoding="utf-8")
    space, worked = train(own, only=only)
    changed = differing(space, Spaces(own.spaces).get("taste@1"))
    learnt = {"item_vectors.npy", "listened.npy", "ranker.txt", "encoder.npz:weights"}
    assert changed & learnt == learnt - kept
    assert (worked, train(own, only=only)[1]) == (True, False)
    assert labels(own) == ["taste@1", "taste@2"]


def test_one_part_with_new_listens_leaves_the_item_vectors(own: Home) -> None:
    play(own, *(("sim-user-0001", known_item(own), END + 60.0 * n) for n in range(50)), ("new", "unheard-of", END))
    before = Spaces(own.spaces).live
    space, _ = train(own, only="users")
    old, new = np.array(before.item_vectors), np.array(space.item_vectors)
    assert len(new) == len(old) + 1
    np.testing.assert_array_equal(new[: len(old), :-1], old[:, :-1])  # the last one is popularity, which moves on
    assert not new[-1, :-1].any()
    listened = np.array(space.listened)
    np.testing.assert_array_equal(listened[: len(old)], np.array(before.listened))
    assert not listened[-1].any()
    assert "encoder.npz:weights" in differing(before, space)


def test_only_needs_a_space_to_take_the_rest_from(world: Path, tmp_path: Path) -> None:
    home = filled(tmp_path / "home", world)
    with pytest.raises(NotTrained, match="run `palate train`"):
        train(home, only="users")
    with pytest.raises(BadInput, match="--only 'taste' is not a part; choose from items, users, ranker"):
        train(home, only="taste")


def test_there_must_be_a_home_and_listens_before_until(own: Home, tmp_path: Path) -> None:
    with pytest.raises(MissingHome):
        train(Home(tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(BadInput, match="has no listens yet"):
        train(empty_home(tmp_path / "empty"))
    with pytest.raises(BadInput, match="is before --until"):
        train(own, until=1_000.0)
    assert labels(own) == ["taste@1"]


def test_two_trainings_of_one_home_take_turns(own: Home) -> None:
    with one_at_a_time(own), pytest.raises(PalateError, match="another `palate train` works on"):
        train(own)
    assert train(own)[1] is False


def test_playlists_alone_give_item_vectors(world: Path, tmp_path: Path) -> None:
    home = empty_home(tmp_path / "home")
    import_playlists(home, [world / "playlists.parquet"], {}, True, time.time())
    space, _ = train(home)
    live = open_live(home)
    place = int(np.argmax(space.company.scores[:, 0]))
    seed, friend = (live.items.id(row) for row in (place, int(space.company.items[place, 0])))
    assert friend in [item.item_id for item in answer(live, "similar", Ask(n=10, seeds=(seed,))).items]
    assert answer(live, "for_you", Ask("anybody", 5)).stranger
    assert np.isfinite(space.item_vectors).all()
    assert space.item_vectors[:, :-1].any()
    assert train(home)[1] is False


def later(home: Home, moment: float) -> list[tuple[str, str, float]]:
    """Plays from `moment` on, many of them: of known and new items, by known and new listeners."""
    rng, ids = np.random.default_rng(0), Catalog.open(home.catalog).ids
    users = [f"sim-user-{n:04d}" for n in range(1, 60)] + [f"late-{n}" for n in range(40)]
    items = [*ids[:20], *(f"late-item-{n}" for n in range(20))]
    when = moment + rng.uniform(0.0, 20 * DAY_SECONDS, 2_000)
    when[0] = moment
    return [(users[rng.integers(len(users))], items[rng.integers(len(items))], float(at)) for at in when]


@pytest.fixture(scope="module")
def moment() -> float:
    """Two months before the world's end, in unix seconds; much happens after it."""
    return END - 61.4 * DAY_SECONDS


@pytest.fixture(scope="module")
def past(world: Path, tmp_path_factory: pytest.TempPathFactory, moment: float) -> Home:
    """The home as it was at the moment, trained until then."""
    home = filled(tmp_path_factory.mktemp("past") / "home", world, until=moment)
    train(home, until=moment)
    return home


@pytest.fixture(scope="module")
def present(world: Path, tmp_path_factory: pytest.TempPathFactory, moment: float) -> Home:
    """The home with all that came after the moment, and more, trained until the moment."""
    home = filled(tmp_path_factory.mktemp("present") / "home", world)
    play(home, *later(home, moment))
    train(home, until=moment)
    return home


def test_until_learns_nothing_later(past: Home, present: Home, moment: float) -> None:
    one, two = Spaces(past.spaces).live, Spaces(present.spaces).live
    assert two.manifest["items"] > one.manifest["items"]
    assert two.manifest["listens"] == one.manifest["listens"] > 1_000
    assert differing(one, two, n_items=one.manifest["items"]) == set()
    assert {manifest["moment"] for manifest in (one.manifest, two.manifest)} == {moment}
    added = slice(one.manifest["items"], None)
    assert not np.array(two.item_vectors)[added].any()
    assert not np.array(two.listened)[added].any()


def test_answers_as_of_a_moment_know_nothing_later(past: Home, present: Home, moment: float, tmp_path: Path) -> None:
    users = [*(f"sim-user-{n:04d}" for n in range(1, 40)), "late-1", "nobody"]
    tables = []
    for name, home in (("past", past), ("present", present)):
        files = [tmp_path / f"{name}-{what}.parquet" for what in ("slates", "unheard", "users", "items")]
        told = recommend(home, users, 20, moment, "for_you", False, files[0])
        recommend(home, users, 20, moment, "for_you", True, files[1])
        embed(home, "users", moment, files[2])
        embed(home, "items", moment, files[3])
        assert not told["space_learnt_later"]
        assert told["strangers"] >= 2
        tables.append([pl.read_parquet(file) for file in files])
    for one, two in zip(*tables, strict=True):
        assert_frame_equal(one, two)


def test_records_hold_what_came_after_until(present: Home) -> None:
    """Models stop at the moment, tastes do not: a listener who came later is no stranger."""
    with ListeningLog(present.log) as log:
        end = log.end_offset()
    offset, states = records(present, "taste@1")
    assert offset == end
    assert len(UserState.unpack(states["late-1"]).record.items) > 0


def test_listens_that_come_while_training_are_counted_once(own: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server goes on logging: what is beyond the run's offset is left to the follower, which adds it once."""
    item = known_item(own)
    play(own, ("busy", item, END + 1.0))
    named = name_run

    def and_then_more(home: Home, until: float | None, only: str | None):
        run = named(home, until, only)
        play(home, ("busy", item, END + 2.0), ("busy", "brand-new", END + 3.0))
        return run

    monkeypatch.setattr("palate.jobs.chain.name_run", and_then_more)
    train(own)
    _, states = records(own, "taste@2")
    assert UserState.unpack(states["busy"]).record.plays.tolist() == [1]
    catch_up(own)
    offset, states = records(own, "taste@2")
    with ListeningLog(own.log) as log:
        assert offset == log.end_offset()
    assert UserState.unpack(states["busy"]).record.plays.tolist() == [2]


@pytest.mark.slow
def test_an_export_that_goes_on_after_a_training_keeps_its_times(world: Path, tmp_path: Path) -> None:
    """Training finds the silence until today; the next month's export shows that it was none."""
    month = END - 31 * DAY_SECONDS
    home = filled(tmp_path / "home", world, until=month)
    train(home)
    with ListeningLog(home.log) as log:
        assert len(log.calendar().pauses) == 1
    import_playlists(home, [world / "playlists.parquet"], {}, True, time.time())
    import_listens(home, [world / "listens.parquet"], {}, True, time.time())
    space, worked = train(home)
    whole = filled(tmp_path / "whole", world)
    assert worked
    np.testing.assert_array_equal(gather(home).history.timestamp, gather(whole).history.timestamp)
    assert {name.partition(":")[0] for name in differing(space, train(whole)[0])}.isdisjoint(
        {"trends.npz", "company.npz"}
    )


def test_records_of_superseded_spaces_are_dropped_and_refolded_when_one_comes_back(own: Home) -> None:
    """Kept: the live space's and the one before it. An older one that is promoted gets every listen, each once."""
    _, first = records(own, "taste@1")
    item = known_item(own)
    for version in (2, 3):
        play(own, ("sim-user-0001", item, END + 60.0 * version))
        assert train(own)[0].label == f"taste@{version}"
    assert [records(own, f"taste@{n}")[0] > 0 for n in (1, 2, 3)] == [False, True, True]
    Spaces(own.spaces).promote("taste@1", "by hand")
    folded = catch_up(own)
    with ListeningLog(own.log) as log:
        assert folded.offset == log.end_offset() == folded.listens
    _, again = records(own, "taste@1")
    assert again.keys() == first.keys()
    for user, state in again.items():
        one, two = UserState.unpack(state), UserState.unpack(first[user])
        if user == "sim-user-0001":
            assert one.record.plays.sum() == two.record.plays.sum() + 2
            continue
        np.testing.assert_array_equal(one.record.items, two.record.items)
        np.testing.assert_array_equal(one.record.plays, two.record.plays)
        np.testing.assert_allclose(one.record.sums, two.record.sums, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(one.taste, two.taste, rtol=1e-3, atol=1e-3)


def test_training_the_same_again_after_a_rollback_makes_it_live_again(own: Home) -> None:
    play(own, ("sim-user-0001", known_item(own), END + 60.0))
    train(own)
    spaces = Spaces(own.spaces)
    spaces.promote(spaces.previous, "by hand")
    assert spaces.live.label == "taste@1"
    space, worked = train(own)
    assert (space.label, worked, spaces.live.label) == ("taste@2", True, "taste@2")


def test_a_copied_home_goes_on_in_its_own_folder(world: Path, tmp_path: Path) -> None:
    """A run that was named in one place and resumed in another writes where it lies now."""
    home = filled(tmp_path / "one", world)
    name_run(home, None, None).write_down()
    other = copied(home, tmp_path / "two")
    train(other)
    assert (labels(home), labels(other)) == ([], ["taste@1"])


def test_only_the_latest_runs_are_kept(own: Home) -> None:
    for number in range(4):
        play(own, ("sim-user-0001", known_item(own), END + 60.0 * number))
        train(own, only="ranker")
    runs = [folder for folder in own.jobs.iterdir() if folder.is_dir()]
    assert len(runs) == 3
    live = Spaces(own.spaces).live
    assert read_json(own.jobs / live.manifest["fingerprint"] / "published.json") == {"space": live.label}


def test_the_settings_of_the_user_vector_reach_the_encoder_and_leave_company(own: Home) -> None:
    before = Spaces(own.spaces).live
    own.settings.write_text(TOML + "[users]\ncount_power = 1.0\n", encoding="utf-8")
    after, _ = train(own)
    assert (before.encoder.count_power, after.encoder.count_power) == (UserSettings().count_power, 1.0)
    changed = differing(before, after)
    assert {"encoder.npz:weights", "encoder.npz:count_power", "item_vectors.npy", "listened.npy"} <= changed
    assert not {name for name in changed if name.startswith("company.npz")}


def test_the_settings_of_the_teacher_reach_both_sides_of_an_item(own: Home) -> None:
    before = Spaces(own.spaces).live
    own.settings.write_text(TOML + "[teacher]\nown = 0.1\n", encoding="utf-8")
    after, _ = train(own)
    assert after.manifest["settings"]["teacher"]["own"] == 0.1
    assert {"encoder.npz:weights", "item_vectors.npy", "listened.npy"} <= differing(before, after)


def test_an_interrupted_training_leaves_no_checkpoint_behind_when_it_is_done(own: Home) -> None:
    run = own.jobs / Spaces(own.spaces).live.manifest["fingerprint"]
    assert {"factors.npy", "lesson.npz", "foundation.npz"} <= {path.name for path in run.iterdir()}
    assert not (run / "checkpoints").exists()


@pytest.fixture
def old(own: Home) -> Home:
    """A home whose space was published before an item had two sides and an encoder looked at counts."""
    space = Spaces(own.spaces).live
    (space.folder / "listened.npy").unlink()
    (space.folder / "encoder.npz").unlink()
    dim = np.array(space.item_vectors).shape[1]
    weights = np.zeros((3 * dim + 1, dim), np.float32)
    weights[dim : 2 * dim - 1, : dim - 1] = np.eye(dim - 1)
    write_arrays(space.folder / "encoder.npz", weights=weights)
    manifest = read_json(space.folder / "manifest.json")
    del manifest["files"]["listened.npy"]
    manifest["files"] = {name: _hash(space.folder / name) for name in manifest["files"]}
    del manifest["settings"]["teacher"]
    manifest["settings"]["users"] = {"ridge": 1e-5, "count_power": 0.5, "fade_speedup": 4.0, "confidence_factor": 1.0}
    write_json(space.folder / "manifest.json", manifest | {"fingerprint": "of-another-palate"})
    with OnlineStore(own.online / "records") as store:
        store.drop(space.label)
    shutil.rmtree(own.jobs)
    return own


def test_an_old_space_answers_and_follows_the_log(old: Home) -> None:
    Spaces(old.spaces).live.verify()
    play(old, ("sim-user-0001", known_item(old), END + 60.0))
    catch_up(old)
    space, (_, states) = Spaces(old.spaces).live, records(old, "taste@1")
    state = UserState.unpack(states["sim-user-0001"])
    windows, count = state.record.sums.sum(axis=1), state.record.counts.sum(axis=1)
    expected = (windows[1] / np.sqrt(count[1]))[:-1]  # what this encoder passes on: the middle window over the root
    np.testing.assert_allclose(state.taste[:-1], expected, rtol=1e-3, atol=1e-4)
    found = answer(open_live(old), "for_you", Ask("sim-user-0001", 10))
    assert (len(found.items), found.stranger) == (10, False)
    np.testing.assert_array_equal(space.listened, space.item_vectors)


@pytest.mark.parametrize("only", [None, "items", "users", "ranker"])
def test_what_is_trained_after_an_old_space_is_a_whole_new_one(old: Home, only: str | None) -> None:
    space, worked = train(old, only=only)
    assert (space.label, worked) == ("taste@2", True)
    space.verify()
    assert (space.folder / "listened.npy").is_file()
    kept = np.array(Spaces(old.spaces).get("taste@1").item_vectors)
    if only in ("users", "ranker"):
        np.testing.assert_array_equal(space.listened, kept)
    assert len(answer(open_live(old), "for_you", Ask("sim-user-0001", 10)).items) == 10
