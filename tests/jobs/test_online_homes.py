"""A trained home opened by a command: catching up gives what training again would give."""

import numpy as np
import pytest

from palate.catalog.catalog import Catalog
from palate.core.errors import NotTrained, PalateError
from palate.core.home import Home
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
