"""Versions, aliases and pins: what is live stands on a space that is kept, and nothing that was published changes."""

import shutil

import pytest

from palate.core.artefacts import read_json, write_json
from palate.core.errors import BadInput, Corrupt
from palate.embeddings.space import Spaces
from palate.heads import Heads
from palate.heads.registry import ground_of

from .asked import taught
from .conftest import Trained


def pins(trained: Trained) -> dict[str, str]:
    return dict(Spaces(trained.home.spaces).aliases.standing().pins)


def of_taste_1(trained: Trained) -> dict[str, str]:
    """What the manifest of a head says that was taught on taste@1."""
    return {"space": "taste@1", "space_mark": Spaces(trained.home.spaces).get("taste@1").mark}


@pytest.fixture
def two(own: Trained) -> Heads:
    """likes@1, live, and likes@2, next."""
    taught(own)[0].register(own.home, "the first", live=True, metrics={"auc": 0.8})
    taught(own, model="trees")[0].register(own.home, "the second")
    return Heads(own.home)


def test_a_version_says_what_it_is(two: Heads) -> None:
    manifest = two.manifest("likes@1")
    assert (manifest["space"], manifest["inputs"], manifest["metrics"]) == (
        "taste@2",
        ["product", "facts"],
        {"auc": 0.8},
    )
    assert manifest["trained"]["examples"] == 600
    assert manifest["trained"]["simulated"]
    assert manifest["trained"]["data"] != two.manifest("likes@2")["trained"]["listeners"]
    assert (two.names(), two.versions("likes")) == (["likes"], ["likes@1", "likes@2"])
    assert (two.live("likes"), two.aliases("likes").standing().next) == ("likes@1", "likes@2")


def test_the_same_examples_have_the_same_hash(two: Heads) -> None:
    one, other = (two.manifest(label)["trained"]["data"] for label in two.versions("likes"))
    assert one == other


def test_what_is_live_keeps_its_space(two: Heads, own: Trained) -> None:
    assert pins(own) == {"head.likes": "taste@2"}
    spaces = Spaces(own.home.spaces)
    spaces.promote("taste@1", "test")
    with pytest.raises(BadInput, match=r"head\.likes has pinned it"):
        spaces.retire("taste@2", "test")


def test_promotion_and_rollback_move_the_alias_and_the_pin(two: Heads, own: Trained) -> None:
    spaces = Spaces(own.home.spaces)
    path = own.home.heads / "likes@2" / "manifest.json"
    write_json(path, read_json(path) | of_taste_1(own))
    two.promote("likes@2", "better")
    assert (two.live("likes"), pins(own)) == ("likes@2", {"head.likes": "taste@1"})
    two.rollback("likes", "worse")
    assert (two.live("likes"), pins(own)) == ("likes@1", {"head.likes": "taste@2"})
    assert spaces.aliases.verify()
    assert two.aliases("likes").verify()
    with pytest.raises(BadInput, match="no earlier live version"):
        two.rollback("likes", "again")


def test_a_label_is_given_once(two: Heads, own: Trained) -> None:
    two.retire("likes@2", "not needed", force=True)
    assert taught(own)[0].register(own.home, "the third") == "likes@3"
    with pytest.raises(BadInput, match="no head 'likes@2'; there are: likes@1, likes@3"):
        two.promote("likes@2", "back")


def test_retiring_what_is_in_use_needs_force_and_a_reason(two: Heads, own: Trained) -> None:
    for label, word in (("likes@1", "live"), ("likes@2", "next")):
        with pytest.raises(BadInput, match=f"{label} is {word}; retire it all the same with --force"):
            two.retire(label, "test")
    with pytest.raises(BadInput, match="needs a reason"):
        two.retire("likes@1", "", force=True)
    two.retire("likes@1", "the question is gone", force=True)
    assert two.live("likes") is None
    assert pins(own) == {}
    two.promote("likes@2", "after all")
    assert (two.live("likes"), pins(own)) == ("likes@2", {"head.likes": "taste@2"})


@pytest.mark.parametrize("name", ["linear.npz", "manifest.json"])
def test_a_damaged_version_is_not_promoted_and_passed_over(two: Heads, own: Trained, name: str) -> None:
    two.promote("likes@2", "next one")
    (own.home.heads / "likes@1" / name).write_bytes(b"{}")
    with pytest.raises(Corrupt, match=name):
        two.promote("likes@1", "test")
    with pytest.raises(BadInput, match="no earlier live version"):
        two.rollback("likes", "test")
    assert two.live("likes") == "likes@2"


def test_a_head_whose_space_is_gone_is_off_unless_the_live_one_was_turned_onto_it(two: Heads, own: Trained) -> None:
    """taste@2 was turned onto taste@1, not the other way round."""
    spaces, manifest = Spaces(own.home.spaces), two.manifest("likes@1")
    assert ground_of("likes@1", manifest, spaces).how == "live"
    old = manifest | of_taste_1(own)
    assert ground_of("x", old, spaces).how == "pinned", "a rollback goes to it, so it is in use"
    shutil.rmtree(own.home.spaces / "taste@1")
    assert ground_of("x", old, spaces).how == "off"
    assert "was not registered as aligned" in str(ground_of("x", old, spaces).note)
    turned = ground_of("x", old | {"aligned": True}, spaces)
    assert (turned.how, turned.space) == ("turned", "taste@2")
    for other in ({"space": "taste@7"}, {"dim": 8}, {"factors": 1}):
        assert ground_of("x", old | {"aligned": True} | other, spaces).how == "off"


def test_a_head_of_another_homes_space_is_off(two: Heads, own: Trained) -> None:
    manifest = two.manifest("likes@1") | {"space_mark": "that of another home"}
    ground = ground_of("likes@1", manifest, Spaces(own.home.spaces))
    assert (ground.how, ground.note) == (
        "off", "the head likes@1 is off: it was taught on the taste@2 of another home; train it here",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["", "Likes", "a/b", "..", "a b", "1st", "x" * 64])
def test_a_head_needs_a_name(own: Trained, name: str) -> None:
    with pytest.raises(BadInput, match="cannot name a head"):
        taught(own, name)[0].register(own.home, "test")
    assert not own.home.heads.exists()


def test_metrics_are_numbers(own: Trained) -> None:
    with pytest.raises(BadInput, match="finite numbers"):
        taught(own)[0].register(own.home, "test", metrics={"auc": float("nan")})


def test_an_empty_home_has_no_heads(trained: Trained) -> None:
    assert Heads(trained.home).names() == []
    assert Heads(trained.home).live("likes") is None
    with pytest.raises(BadInput, match="none yet, register one"):
        Heads(trained.home).manifest("likes@1")
