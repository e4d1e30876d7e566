"""A trained home opened by a command: catching up gives what training again would give."""

import shutil

import numpy as np
import pytest

from palate.catalog.catalog import Catalog
from palate.core.errors import Corrupt, NotTrained, PalateError
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.embeddings.states import UserState
from palate.fresh.lock import FoldLock
from palate.jobs.batch import Moment
from palate.jobs.online import catch_up, open_live
from palate.listening.log import ListeningLog
from palate.sources.world import WorldSettings

from .small_homes import empty_home, listens_of, records

END = WorldSettings().end


def test_caught_up_records_equal_those_of_the_whole_history(own: Home) -> None:
    ids = Catalog.open(own.catalog).ids
    with ListeningLog(own.log) as log:
        log.append(listens_of([(f"sim-user-{n % 9 + 1:04d}", ids[n], END + 60.0 * n) for n in range(200)]))
        log.append(listens_of([("new", ids[0], END), ("new", "not in the catalogue", END + 1.0)]))
        end = log.end_offset()
    folded = catch_up(own)
    assert (folded.listens, folded.listeners, folded.offset) == (202, 10, end)
    assert catch_up(own).listens == 0
    offset, states = records(own, "taste@1")
    assert offset == end
    for user, state in Moment.open(own, None).states_of([*(f"sim-user-{n:04d}" for n in range(1, 12)), "new"]):
        stored = UserState.unpack(states[user])
        np.testing.assert_array_equal(stored.record.items, state.record.items)
        np.testing.assert_array_equal(stored.record.plays, state.record.plays)
        np.testing.assert_allclose(stored.record.sums, state.record.sums, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(stored.taste, state.taste, rtol=1e-3, atol=1e-4)


def test_every_version_in_use_is_caught_up_and_a_damaged_one_harms_no_other(own: Home) -> None:
    """taste@2 is next and has no records yet, taste@3 is pinned and damaged, taste@4 is nobody's."""
    spaces = Spaces(own.spaces)
    for number in (2, 3, 4):
        shutil.copytree(own.spaces / "taste@1", own.spaces / f"taste@{number}")
    spaces.propose("taste@2", "test")
    spaces.pin("churn", "taste@3", "test")
    (own.spaces / "taste@3" / "encoder.npz").write_bytes(b"damaged")
    ids = Catalog.open(own.catalog).ids
    with ListeningLog(own.log) as log:
        log.append(listens_of([("new", ids[0], END), ("sim-user-0001", ids[1], END + 1.0)]))
        end = log.end_offset()
    done = catch_up(own)
    assert (done.space, done.listens, done.offset) == ("taste@1", 2, end)
    assert {label: (one.listens, one.offset) for label, one in done.beside.items()} == {"taste@2": (end, end)}
    assert list(done.failed) == ["taste@3"]
    assert "encoder.npz" in done.failed["taste@3"]
    (offset, live), (_, other) = records(own, "taste@1"), records(own, "taste@2")
    assert (offset, live.keys()) == (end, other.keys())
    for user in live:
        one, two = UserState.unpack(live[user]), UserState.unpack(other[user])
        np.testing.assert_array_equal(one.record.items, two.record.items)
        np.testing.assert_allclose(one.record.sums, two.record.sums, rtol=1e-4, atol=1e-5)
    assert records(own, "taste@4") == (0, {})


def test_a_damaged_live_space_is_an_error_after_the_others_were_caught_up(own: Home) -> None:
    spaces = Spaces(own.spaces)
    shutil.copytree(own.spaces / "taste@1", own.spaces / "taste@2")
    spaces.propose("taste@2", "test")
    (own.spaces / "taste@1" / "encoder.npz").write_bytes(b"damaged")
    with pytest.raises(Corrupt, match=r"encoder\.npz"):
        catch_up(own)
    assert records(own, "taste@2")[0] > 0


def test_only_one_process_folds(own: Home) -> None:
    lock = FoldLock(own.online / "fold.lock")
    assert lock.mine()
    with pytest.raises(PalateError, match=r"a running server keeps .* fresh already"):
        catch_up(own)
    lock.close()
    assert catch_up(own).listens == 0


def test_an_untrained_home_cannot_answer(tmp_path) -> None:
    home = empty_home(tmp_path / "home")
    for call in (open_live, catch_up):
        with pytest.raises(NotTrained, match="run `palate train`"):
            call(home)
