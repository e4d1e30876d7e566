"""A frame knows what was known: equal to folding each listen before the moment, and blind for all that came later."""

import numpy as np
import pytest

from palate.catalog.columns import ItemColumns
from palate.core.clock import DAY_SECONDS
from palate.core.errors import BadInput, UnknownItem
from palate.core.ids import ItemId, UserId
from palate.core.listens import Event, Listen, in_columns
from palate.embeddings.records import UserRecord
from palate.embeddings.space import Spaces
from palate.embeddings.states import UserState
from palate.embeddings.weights import event_weights
from palate.fresh.engine import open_store
from palate.heads import Frame, frame
from palate.heads.facts import FACTS, facts
from palate.jobs.inputs import gather
from palate.listening.log import ListeningLog
from palate.retrieval.trends import Trends

from .asked import examples, plays_after
from .conftest import Trained


def test_a_taste_is_that_of_folding_every_listen_before_the_moment(trained: Trained) -> None:
    users, items, times = plays_after(trained, 25)
    found = frame(trained.home, users, items, times)
    inputs, space = gather(trained.home), Spaces(trained.home.spaces).live
    columns, listened = ItemColumns.load(space.folder / "columns.npz"), np.array(space.listened)
    for place, (user, time) in enumerate(zip(users, times, strict=True)):
        before = inputs.history.until(time)
        mine = before.take(before.user == before.users.index(user))
        weights, skipped = event_weights(mine.event, mine.seconds_played, mine.duration_seconds)
        record = UserRecord.empty(space.encoder.dim)
        for row in np.flatnonzero((weights > 0) | skipped).tolist():
            item = int(mine.item[row])
            record.add(
                item, int(columns.kind[item]), listened[item], float(mine.timestamp[row]), float(weights[row]),
                bool(skipped[row]), bool(mine.event[row] == Event.PLAY),
            )  # fmt: skip
        told = inputs.listeners.take([before.users.index(user)])
        taste = space.encoder.encode([record], told, time)[0]
        np.testing.assert_allclose(found.tastes[found.asked[place]], taste, atol=2e-4)
        midnight = Trends.at(inputs.history, time // DAY_SECONDS * DAY_SECONDS)
        expected = facts(record, time, found.rows[place : place + 1], columns, midnight)[0]
        np.testing.assert_allclose(found.facts[place], expected, atol=2e-5)


def test_just_after_the_end_it_is_what_requests_read(trained: Trained) -> None:
    users, items, _ = plays_after(trained, 40)
    found = frame(trained.home, users, items, [trained.end + 1.0] * 40, space="taste@1")
    with open_store(trained.home, readonly=True) as store:
        for place, user in enumerate(users):
            stored = store.get("taste@1", user)
            assert stored is not None
            np.testing.assert_allclose(found.tastes[found.asked[place]], UserState.unpack(stored).taste, atol=2e-4)


def test_what_comes_at_the_moment_or_later_changes_nothing(own: Trained) -> None:
    users, items, times = plays_after(own, 60)
    moment = sorted(times)[30]
    before = frame(own.home, users, items, times)
    with ListeningLog(own.home.log) as log:
        played = [Listen(UserId(user), ItemId(item), moment) for user in set(users) for item in items[:5]]
        assert log.append(in_columns(played)).accepted > 100
    after = frame(own.home, users, items, times)
    inputs, known = ("taste", "item", "product", "facts"), np.array(times) <= moment
    np.testing.assert_array_equal(before[known].columns(inputs), after[known].columns(inputs))
    own_plays = FACTS.index("listener_items")
    assert (after[~known].facts[:, own_plays] > before[~known].facts[:, own_plays]).all(), "later ones do know of them"


def test_the_order_of_the_examples_does_not_matter(trained: Trained) -> None:
    users, items, times = plays_after(trained, 50)
    order = np.random.default_rng(5).permutation(50)
    plain = frame(trained.home, users, items, times)
    mixed = frame(*[trained.home, *([one[place] for place in order] for one in (users, items, times))])
    inputs = ("taste", "item", "product", "facts")
    np.testing.assert_allclose(plain.columns(inputs)[order], mixed.columns(inputs), atol=1e-5)
    assert plain.fingerprint(np.zeros(50)) != mixed.fingerprint(np.zeros(50))


def test_some_of_a_frame_are_those(trained: Trained) -> None:
    found, _ = examples(trained, 20)
    some = found[np.array([3, 1])]
    assert isinstance(some, Frame)
    assert len(some) == 2
    np.testing.assert_array_equal(some.columns(("product",)), found.columns(("product",))[[3, 1]])


def test_who_was_not_there_yet_is_a_stranger(trained: Trained) -> None:
    _, items, times = plays_after(trained, 3)
    found = frame(trained.home, ["nobody", "nobody either", "nobody"], items, times)
    encoder = Spaces(trained.home.spaces).live.encoder
    np.testing.assert_allclose(found.tastes, np.tile(encoder.stranger, (3, 1)), atol=1e-6)
    assert not found.facts[:, FACTS.index("own_plays") : FACTS.index("kind_share") + 1].any()


def test_a_space_that_learnt_later_is_refused_unless_allowed(trained: Trained) -> None:
    users, items, times = plays_after(trained, 3)
    with pytest.raises(BadInput, match="taste@1 has learnt from listens after the first example"):
        frame(trained.home, users, items, times, space="taste@1")
    assert frame(trained.home, users, items, times, space="taste@1", learnt_later=True).learnt_later
    assert not frame(trained.home, users, items, times).learnt_later


def test_what_cannot_be_joined_is_said(trained: Trained) -> None:
    users, items, times = plays_after(trained, 2)
    with pytest.raises(BadInput, match="2 users, 1 items and 2 times came"):
        frame(trained.home, users, items[:1], times)
    with pytest.raises(BadInput, match="0 users"):
        frame(trained.home, [], [], [])
    with pytest.raises(BadInput, match=r"times\[1\] is no number"):
        frame(trained.home, users, items, [times[0], np.nan])
    with pytest.raises(UnknownItem, match="no item 'no such'"):
        frame(trained.home, users, [items[0], "no such"], times)
    with pytest.raises(BadInput, match="no space 'taste@9'"):
        frame(trained.home, users, items, times, space="taste@9")
