"""In the request path: the scores are the frame's, promotions are seen at once, and nothing that is wrong raises."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from palate.core.clock import Clock
from palate.embeddings.space import Spaces
from palate.heads import Head, Heads, frame
from palate.heads.facts import FACTS
from palate.listening.log import ListeningLog
from palate.surfaces.ask import Ask
from palate.surfaces.live import LiveHome

from .asked import examples, plays_after, taught
from .conftest import Trained

ROWS = np.arange(0, 800, 7, dtype=np.int32)


@contextmanager
def opened(trained: Trained) -> Iterator[LiveHome]:
    """Just after the end of the log, with tastes that know all of it."""
    with ListeningLog(trained.home.log) as log:
        clock = Clock(log.calendar(), lambda: trained.end + 1.0)
    live = LiveHome.open(trained.home, clock)
    with live.items, live.store:
        yield live


@pytest.fixture
def registered(own: Trained) -> Trained:
    """With likes@1 live."""
    taught(own)[0].register(own.home, "test", live=True)
    return own


@pytest.mark.parametrize("model", ["logistic", "trees"])
def test_the_request_path_says_what_the_head_says(own: Trained, model: str) -> None:
    """Popularity is of the training there and of midnight in the frame; without it both are the same."""
    found, labels = examples(own)
    names = [place for place, name in enumerate(FACTS) if name.startswith(("plays_", "newness"))]
    found.facts[:, names] = 0.0
    head = Head("likes", model=model).fit(found, labels)
    head.register(own.home, "test", live=True)
    user = plays_after(own, 1)[0][0]
    with opened(own) as live:
        items = [str(live.items.id(row)) for row in ROWS.tolist()]
        at_end = frame(own.home, [user] * len(ROWS), items, [own.end + 1.0] * len(ROWS), store=live.items)
        trends = live.path.stock.trends
        popular = [FACTS.index(name) for name in ("plays_week", "plays_month", "plays_ever")]
        at_end.facts[:, popular] = np.log1p([trends.week[ROWS], trends.month[ROWS], trends.ever[ROWS]]).T
        answered = live.heads.score("likes", live.query(Ask(user), "x"), ROWS, user)
    assert (answered.head, answered.space, answered.note) == ("likes@1", "taste@2", None)
    np.testing.assert_allclose(answered.values, head.scores(at_end), atol=0.02)
    assert np.corrcoef(answered.values, head.scores(at_end))[0, 1] > 0.999


def test_one_by_one_is_as_together(registered: Trained) -> None:
    with opened(registered) as live:
        user = next(live.store.users("taste@2"))
        query = live.query(Ask(user), "x")
        together = live.heads.score("likes", query, ROWS, user).values
        single = [live.heads.score("likes", query, ROWS[[place]], user).values[0] for place in range(len(ROWS))]
        assert len(live.heads.score("likes", query, ROWS[:0], user).values) == 0
        stranger = live.heads.score("likes", live.query(Ask(None), "x"), ROWS).values
    np.testing.assert_allclose(single, together, atol=1e-6)
    assert together.dtype == np.float32
    assert np.isfinite(stranger).all()
    assert not np.allclose(stranger, together)


def test_a_promotion_and_a_rollback_are_seen_by_the_next_question(registered: Trained) -> None:
    taught(registered, model="trees")[0].register(registered.home, "trees")
    heads = Heads(registered.home)
    with opened(registered) as live:
        query = live.query(Ask(None), "x")
        assert live.heads.score("likes", query, ROWS).head == "likes@1"
        heads.promote("likes@2", "test")
        assert live.heads.score("likes", query, ROWS).head == "likes@2"
        heads.rollback("likes", "test")
        assert live.heads.score("likes", query, ROWS).head == "likes@1"
        heads.retire("likes@1", "test", force=True)
        off = live.heads.score("likes", query, ROWS)
    assert (off.values, off.note) == (None, "no version of the head 'likes' is live")


@pytest.mark.parametrize("name", ["nobody", "", "../spaces/aliases", "a\0b", "x" * 5_000, "Likes"])
def test_a_head_that_there_is_not_is_a_note(registered: Trained, name: str) -> None:
    with opened(registered) as live:
        found = live.heads.score(name, live.query(Ask(None), "x"), ROWS)
    assert (found.values, found.head) == (None, None)
    assert "head" in str(found.note)


@pytest.mark.parametrize("damage", [b"", b"{", b"PK\x03\x04 no more"])
@pytest.mark.parametrize("name", ["linear.npz", "manifest.json"])
def test_a_damaged_head_is_a_note_and_never_an_error(registered: Trained, damage: bytes, name: str) -> None:
    (registered.home.heads / "likes@1" / name).write_bytes(damage)
    with opened(registered) as live:
        found = live.heads.score("likes", live.query(Ask(None), "x"), ROWS)
        told = live.heads.told()
    assert found.values is None
    assert str(found.note).startswith("the head likes@1 is off")
    assert [(one["name"], one["serves"]) for one in told] == [("likes", "off")]


def test_with_another_space_live_the_pinned_one_answers(registered: Trained) -> None:
    """The scores before and after are the same: the tastes and vectors of taste@2, whatever is live."""
    user = plays_after(registered, 1)[0][0]
    taught(registered, "vectors", inputs=("taste", "item", "product"))[0].register(registered.home, "test", live=True)
    with opened(registered) as live:
        before = live.heads.score("vectors", live.query(Ask(user), "x"), ROWS, user)
    Spaces(registered.home.spaces).promote("taste@1", "test")
    with opened(registered) as live:
        assert live.space.label == "taste@1"
        query = live.query(Ask(user), "x")
        after = live.heads.score("vectors", query, ROWS, user)
        told = live.heads.score("likes", query, ROWS, user)
        nobody = live.heads.score("likes", query, ROWS, "somebody that taste@2 has no record of")
        stranger = live.heads.score("likes", live.query(Ask("new"), "x"), ROWS, "new")
    assert (after.head, after.space, told.space) == ("vectors@1", "taste@2", "taste@2")
    np.testing.assert_array_equal(before.values, after.values)
    assert not np.allclose(told.values, after.values)
    assert nobody.values is None
    assert "no record of this listener" in str(nobody.note)
    assert np.isfinite(stranger.values).all()


@pytest.mark.parametrize("aligned", [True, False])
def test_with_its_space_gone_it_is_turned_or_off(own: Trained, aligned: bool) -> None:
    """A head of taste@1, on which taste@2 was turned."""
    users, items, times = plays_after(own, 300)
    found = frame(own.home, users * 2, items + items[::-1], times * 2, space="taste@1", learnt_later=True)
    labels = np.repeat([1.0, 0.0], 300)
    head = Head("old").fit(found, labels)
    head.register(own.home, "test", live=True, aligned=aligned)
    Spaces(own.home.spaces).retire("taste@1", "test", force=True)
    with opened(own) as live:
        answered = live.heads.score("old", live.query(Ask(users[0]), "x"), ROWS, users[0])
    if aligned:
        assert answered.space == "taste@2"
        assert answered.note == "old@1 was taught on taste@1, which is gone; taste@2 was turned onto it"
        assert np.isfinite(answered.values).all()
    else:
        assert answered.values is None
        assert "the head old@1 is off: it was taught on taste@1" in str(answered.note)


def test_items_that_came_after_its_space_are_nan(registered: Trained) -> None:
    user = plays_after(registered, 1)[0][0]
    Spaces(registered.home.spaces).promote("taste@1", "test")
    with opened(registered) as live:
        query = live.query(Ask(user), "x")
        whole = live.heads.score("likes", query, ROWS, user).values
        beside = live.heads._beside["taste@2"]
        object.__setattr__(beside, "vectors", beside.vectors[:400])
        part = live.heads.score("likes", query, ROWS, user).values
    np.testing.assert_array_equal(np.isnan(part), ROWS >= 400)
    np.testing.assert_allclose(part[ROWS < 400], whole[ROWS < 400], atol=1e-6)
