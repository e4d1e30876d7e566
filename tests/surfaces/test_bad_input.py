"""Every surface of the registry, asked for what is not there: an answer, a reason, or a refusal in a sentence."""

import shutil
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from api.homes import copy_of
from palate.core.clock import Clock
from palate.core.errors import BadInput, UnknownItem
from palate.core.home import Home
from palate.core.listens import Event
from palate.core.slate import Slate
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.fresh.engine import open_store
from palate.listening.log import ListeningLog
from palate.privacy.delete import delete
from palate.ranking.ranker import Ranker
from palate.surfaces.ask import MOST_ITEMS, Ask
from palate.surfaces.live import REPLACED, LiveHome
from palate.surfaces.registry import answer, surfaces

KNOWN, OTHER, DELETED, HID_ALL, BRAND_NEW = (
    "sim-user-0001", "sim-user-0002", "sim-user-0003", "hid-everything", "brand-new",
)  # fmt: skip
ADS = '[[campaign]]\nid = "a"\nitem = "sim-track-00005"\ncap_per_day = 100000\n'


def opened(home: Home) -> LiveHome:
    with ListeningLog(home.log) as log:
        return LiveHome.open(home, Clock(log.calendar()))


@pytest.fixture(scope="module")
def odd(live: LiveHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHome]:
    """The same home, in which somebody hid everything, somebody has played one item, and somebody was deleted."""
    home = copy_of(live.home, tmp_path_factory.mktemp("odd"))
    (home.root / "ads.toml").write_text(ADS, encoding="utf-8")
    delete(home, [DELETED])
    one = opened(home)
    stock, now, encoder = one.path.stock, one.clock.now(), one.space.encoder
    hid, new = one.state(KNOWN).record.copy(), UserRecord.empty(encoder.listened_dim)
    for row in range(stock.n_items):
        hid.mark(row, Event.HIDE, now)
    new.add(7, int(stock.columns.kind[7]), stock.listened[7], now - 60.0, 1.0, skip=False, play=True)
    states = {
        user: UserState(encoder.encode([record], now=now)[0], record).pack()
        for user, record in ((HID_ALL, hid), (BRAND_NEW, new))
    }
    space = one.space.label
    one.store.close()
    one.items.close()
    with open_store(home) as store:
        store.put_many(space, states, store.offset(space))
    one = opened(home)
    with one.items, one.store:
        yield one


def plain(user: str | None) -> Ask:
    """Says nothing but who."""
    return Ask(user, 12)


def full(live: LiveHome, user: str | None) -> Ask:
    """Says whatever any surface may need."""
    return Ask(
        user, 12, ("sim-track-00009",), others=(OTHER,), words="a", genre=live.path.stock.columns.genres[0]
    )  # fmt: skip


def checked(slate: Slate, live: LiveHome, surface: str, ask: Ask) -> Slate:
    """Useful: items that may be shown, each once and with a reason, or the reason why there are none."""
    assert (slate.surface, slate.user_id) == (surface, None if surface == "similar" else ask.user_id)
    assert slate.items or (slate.note and slate.note.endswith(".")), f"{surface}: nothing, and no reason"
    ids = [item.item_id for item in slate.items]
    assert len(set(ids)) == len(ids) <= ask.n
    rows = [row for row in map(live.find, ids) if row is not None]
    assert live.path.stock.columns.available[rows].all()
    if ask.user_id is not None:
        assert not set(rows) & set(live.state(ask.user_id).record.hidden.tolist()) or surface == "similar"
    assert all(item.reason for item in slate.items)
    return slate


def refused(error: BadInput, named: str = "") -> None:
    """One sentence, for people, that names what is wrong."""
    said = str(error)
    assert named in said
    assert 10 < len(said) < 400
    assert "\n" not in said


def asked(live: LiveHome, surface: str, ask: Ask, raised: type[BadInput] | None = None) -> Slate | None:
    """The answer, checked; None where the request was refused as it should be. raised: the refusal that passes on."""
    try:
        return checked(answer(live, surface, ask), live, surface, ask)
    except BadInput as error:
        if raised is not None and isinstance(error, raised):
            raise
        refused(error)
        return None


every_surface = pytest.mark.parametrize("surface", surfaces())


@every_surface
@pytest.mark.parametrize("user", [KNOWN, "nobody", DELETED, BRAND_NEW, HID_ALL, None])
def test_whoever_asks(odd: LiveHome, surface: str, user: str | None) -> None:
    """Who says all that a surface may need is refused only where it answers listeners and nobody asks."""
    asked(odd, surface, plain(user))
    assert asked(odd, surface, full(odd, user)) is not None or user is None


@every_surface
def test_a_deleted_listener_is_a_stranger(odd: LiveHome, surface: str) -> None:
    one, other = (asked(odd, surface, full(odd, user)) for user in (DELETED, "nobody"))
    assert one is not None
    assert other is not None
    assert (one.stranger, one.taste_age_seconds) == (other.stranger, other.taste_age_seconds)


@every_surface
def test_who_hid_everything_is_told_why_there_is_nothing(odd: LiveHome, surface: str) -> None:
    slate = asked(odd, surface, full(odd, HID_ALL))
    assert slate is not None
    assert slate.note or surface == "similar", "similar is the same for everybody"


@every_surface
@pytest.mark.parametrize(
    "seed",
    ["no such item", "artist:Nobody", "show:None", "genre:none", "playlist:none", "user:nobody", "", ":", "a" * 600],
)
def test_a_seed_that_is_not_there(odd: LiveHome, surface: str, seed: str) -> None:
    """A surface that reads seeds refuses it and names it; one that reads none answers as ever."""
    try:
        slate = asked(odd, surface, replace(full(odd, KNOWN), seeds=(seed,)), UnknownItem)
    except UnknownItem as error:
        refused(error, seed[:40])
    else:
        assert slate is None or slate.items or slate.note


@every_surface
@pytest.mark.parametrize(
    "others", [(KNOWN,), (KNOWN, KNOWN, OTHER), ("nobody",), (DELETED, HID_ALL), tuple("abcdefghijkl")]
)
def test_a_blend_with_oneself_with_nobody_with_too_many(odd: LiveHome, surface: str, others: tuple[str, ...]) -> None:
    asked(odd, surface, replace(full(odd, KNOWN), others=others))


@every_surface
@pytest.mark.parametrize(
    ("words", "genre"), [("", ""), (" ", "no such genre"), ("zzzzqx", "jazz" * 99), ("\0%_'\"*", "\0")]
)
def test_words_and_genres_that_are_not_there(odd: LiveHome, surface: str, words: str, genre: str) -> None:
    asked(odd, surface, replace(full(odd, KNOWN), words=words, genre=genre))


@pytest.mark.parametrize("n", [0, -1, 10_000, MOST_ITEMS + 1])
def test_too_few_or_too_many_items(n: int) -> None:
    with pytest.raises(BadInput, match=f"n = {n} must be between 1 and 1,000"):
        Ask(KNOWN, n)


@every_surface
@pytest.mark.parametrize("n", [1, 2, MOST_ITEMS])
def test_the_fewest_and_the_most_items(odd: LiveHome, surface: str, n: int) -> None:
    assert asked(odd, surface, replace(full(odd, KNOWN), n=n)) is not None


@every_surface
@pytest.mark.parametrize("user", [KNOWN, "nobody"])
def test_a_catalogue_of_which_nothing_can_be_played(odd: LiveHome, surface: str, user: str) -> None:
    one, stock = copy(odd), odd.path.stock
    columns = replace(stock.columns, available=np.zeros(stock.n_items, np.bool_))
    vars(one).update(path=replace(odd.path, stock=replace(stock, columns=columns)))
    for name in ("seeds", "onboarding", "names", "heads"):
        vars(one).pop(name, None)
    slate = asked(one, surface, full(odd, user))
    assert slate is None or (slate.items == [] and slate.note)


def emptied(path: Path) -> None:
    path.write_text("", encoding="utf-8")


LOST: dict[str, tuple[str, Callable[[Path], None]]] = {
    "no crowds": ("crowds.npz", Path.unlink), "no fold-in": ("fold_in.npz", Path.unlink),
    "no ranker": ("ranker.txt", Path.unlink), "an empty ranker": ("ranker.txt", emptied),
    "no company": ("company.npz", Path.unlink), "no playlists": ("playlists.npz", Path.unlink),
}  # fmt: skip


@pytest.fixture(scope="module", params=LOST)
def lost(
    request: pytest.FixtureRequest, live: LiveHome, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, LiveHome]]:
    """A home without one of the files that answers can be made without."""
    name, harm = LOST[request.param]
    home = copy_of(live.home, tmp_path_factory.mktemp("lost"))
    folder = home.online if name == "playlists.npz" else home.spaces / live.space.label
    harm(folder / name)
    one = opened(home)
    with one.items, one.store:
        yield request.param, one
    shutil.rmtree(home.root)


@every_surface
def test_a_space_without_an_optional_file(lost: tuple[str, LiveHome], surface: str) -> None:
    what, one = lost
    for user in (KNOWN, "nobody"):
        slate = asked(one, surface, full(one, user))
        assert slate is not None
        name = LOST[what][0]
        if what.startswith("no") and name in REPLACED:
            assert f"has lost {name}, so {REPLACED[name]}; train again." in str(slate.note)
        asked(one, surface, plain(user))


def test_without_a_ranker_the_order_is_that_of_an_untrained_one(lost: tuple[str, LiveHome]) -> None:
    what, one = lost
    assert (one.path.ranker.booster is None) == ("ranker" in what)
    if "ranker" in what:
        other = copy(one)
        vars(other)["path"] = replace(one.path, ranker=Ranker(None))
        mine, theirs = (answer(each, "for_you", Ask(KNOWN, 20)).items for each in (one, other))
        assert [item.item_id for item in mine] == [item.item_id for item in theirs]


def test_a_surface_that_does_not_exist(odd: LiveHome) -> None:
    for name in ("no_such_surface", "", "../for_you", "x" * 500):
        with pytest.raises(BadInput, match=r"^no surface '.*'; choose from ads, ") as caught:
            answer(odd, name, plain(KNOWN))
        refused(caught.value)
