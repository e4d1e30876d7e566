"""Surfaces that ask a head: its order where it answers, the answer of without it and a sentence where it does not."""

from collections.abc import Callable

import numpy as np
import pytest

from palate.core.errors import BadSettings
from palate.core.slate import Slate
from palate.heads import Heads, Scores
from palate.surfaces.ask import Ask
from palate.surfaces.head_settings import HeadSettings
from palate.surfaces.heads import Opinion
from palate.surfaces.registry import answer
from palate.surfaces.screens.home import liked
from surfaces.test_fates import scored

from .asked import taught
from .conftest import Trained
from .test_serving import opened

ASKS = {"home": Ask("sim-user-0003", 60), "search": Ask("sim-user-0003", 20, words="a"), "ads": Ask("sim-user-0003", 9)}
ADS = "".join(
    f'[[campaign]]\nid = "c{number}"\nitem = "sim-track-{number:05}"\ncap_per_day = 1000\n' for number in range(10, 18)
)


@pytest.fixture
def registered(own: Trained) -> Trained:
    """With likes@1 live, campaigns declared, and every surface that can asking it."""
    taught(own)[0].register(own.home, "test", live=True)
    (own.home.root / "ads.toml").write_text(ADS, encoding="utf-8")
    ask_heads(own, "likes")
    return own


def ask_heads(trained: Trained, name: str) -> None:
    """Sets [heads] of every surface to a name; none for ""."""
    before = trained.home.settings.read_text(encoding="utf-8").partition("[heads]")[0]
    told = "".join(f'{surface} = "{name}"\n' for surface in ASKS)
    trained.home.settings.write_text(f"{before}[heads]\n{told}", encoding="utf-8")


def answered(trained: Trained, surface: str) -> tuple[Slate, np.ndarray]:
    """The answer, and what the head says of each of its items, in order."""
    with opened(trained) as live:
        slate = answer(live, surface, ASKS[surface])
        rows = np.array([live.row(item.item_id) for item in slate.items], np.int32)
        said = live.heads.score("likes", live.query(ASKS[surface], surface), rows, "sim-user-0003").values
    return slate, said


def without(trained: Trained, surface: str) -> Slate:
    """The answer where no head is named."""
    ask_heads(trained, "")
    return answered(trained, surface)[0]


def what(slate: Slate) -> list[tuple[str, list[str]]]:
    return [(one.name, [item.item_id for item in one.items]) for one in slate.shelves] or [
        ("", [item.item_id for item in slate.items])
    ]


@pytest.mark.parametrize("surface", ASKS)
def test_the_answer_says_which_head_was_asked(registered: Trained, surface: str) -> None:
    slate, _ = answered(registered, surface)
    assert (slate.head, slate.note) == ("likes@1", None)
    assert slate.stages["asked_of_head"] > 0
    plain = without(registered, surface)
    assert (plain.head, plain.note, "asked_of_head" in plain.stages) == (None, None, False)
    assert what(plain) != what(slate)


def test_campaigns_stand_in_the_order_of_the_head(registered: Trained) -> None:
    slate, said = answered(registered, "ads")
    assert len(slate.items) > 4
    assert (np.diff(said) <= 1e-6).all()
    assert [item.score for item in slate.items] == pytest.approx(said.tolist(), rel=1e-5)


def test_the_shelf_that_the_head_likes_most_stands_first(registered: Trained) -> None:
    """What it shows leaves the others, so that only the first is surely above all that follow."""
    slate, said = answered(registered, "home")
    means, begin = [], 0
    for shelf in slate.shelves:
        means.append(float(said[begin : begin + len(shelf.items)].mean()))
        begin += len(shelf.items)
    assert len(means) > 3
    assert np.mean(np.diff(means) <= 0) > 0.7
    assert means[0] >= np.mean(means)


def test_a_shelf_is_worth_the_mean_of_what_the_head_knows() -> None:
    items, values = np.array([3, 5, 9], np.int32), np.array([0.2, np.nan, 0.6], np.float32)
    assert liked(items, values, scored([9, 3])) == pytest.approx((0.2 + 0.6) / 2)
    assert liked(items, values, scored([5, 9])) == pytest.approx(0.6)
    assert liked(items, values, scored([5])) == -np.inf


def missing(trained: Trained) -> None:
    ask_heads(trained, "nobody")


def off(trained: Trained) -> None:
    Heads(trained.home).retire("likes@1", "test", force=True)


def damaged(trained: Trained) -> None:
    (trained.home.heads / "likes@1" / "linear.npz").write_bytes(b"PK no more")


def no_manifest(trained: Trained) -> None:
    (trained.home.heads / "likes@1" / "manifest.json").unlink()


REASONS: dict[Callable[[Trained], None], str] = {
    missing: "No version of the head 'nobody' is live; this answer is made without it.",
    off: "No version of the head 'likes' is live; this answer is made without it.",
    damaged: "The head likes@1 is off: ",
    no_manifest: "The head likes@1 is off: ",
}


@pytest.mark.parametrize("surface", ASKS)
@pytest.mark.parametrize("harm", REASONS, ids=lambda one: one.__name__)
def test_without_its_head_a_surface_answers_as_it_would_and_says_so(
    registered: Trained, surface: str, harm: Callable[[Trained], None]
) -> None:
    harm(registered)
    slate, _ = answered(registered, surface)
    assert slate.head is None
    assert str(slate.note).startswith(REASONS[harm])
    assert str(slate.note).endswith("; this answer is made without it.")
    assert what(slate) == what(without(registered, surface))


def test_nobody_in_particular_is_searched_for_without_a_head(registered: Trained) -> None:
    with opened(registered) as live:
        slate = answer(live, "search", Ask(None, 20, words="a"))
    assert (slate.head, slate.note) == (None, None)


def test_a_stranger_is_told_both(registered: Trained) -> None:
    damaged(registered)
    with opened(registered) as live:
        note = str(answer(live, "home", Ask("nobody", 20)).note)
    assert note.startswith("Nothing is known of you yet")
    assert note.endswith("; this answer is made without it.")


def test_a_head_that_knows_none_of_the_items_is_as_good_as_none() -> None:
    found = Opinion.of(Scores(np.full(3, np.nan, np.float32), "likes@1", "taste@1"))
    assert (found.values, found.head) == (None, None)
    assert found.note == "The head likes@1 knows none of these items; this answer is made without it."
    assert Opinion.of(Scores(np.zeros(0, np.float32), "likes@1", "taste@1")).head == "likes@1"


def test_a_name_that_cannot_be_one_is_refused(registered: Trained) -> None:
    with pytest.raises(ValueError, match=r"home = '../x' cannot name a head"):
        HeadSettings(home="../x")
    ask_heads(registered, "Not A Name")
    with opened(registered) as live, pytest.raises(BadSettings, match="cannot name a head"):
        answer(live, "home", ASKS["home"])
