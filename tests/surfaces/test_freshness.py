"""How fresh a surface's answers are: what is kept, for how long, and what drops it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.core.errors import BadSettings
from palate.core.settings import read_settings
from palate.embeddings.records import UserRecord
from palate.embeddings.states import UserState
from palate.listening.deleted import DeletedUsers
from palate.surfaces.freshness import FreshnessSettings, Taken, Tastes, freshness_seconds
from palate.surfaces.registry import surfaces as registered

DIM = 4


def state(offset: int, heard: bool = True) -> Taken:
    """A listener of one listen, level with `offset`."""
    record = UserRecord.empty(DIM)
    if heard:
        record.add(0, 0, np.ones(DIM, np.float32), 100.0, 1.0, skip=False)
    return Taken(UserState(np.zeros(DIM, np.float32), record), offset)


class House:
    """Tastes over a log that grows by one with each tick of a clock: what is read at moment t has offset t."""

    def __init__(self, folder: Path, **settings: str | int) -> None:
        self.now, self.reads = 0, 0
        self.deleted = DeletedUsers(folder / "deleted.jsonl")
        watching = DeletedUsers(folder / "deleted.jsonl")
        self.tastes = Tastes(FreshnessSettings(**settings), watching, lambda: float(self.now))  # type: ignore[arg-type]

    def offset(self, surface: str, user: str = "u", heard: bool = True) -> int:
        def read() -> Taken:
            self.reads += 1
            return state(self.now, heard)

        return self.tastes.taken(surface, user, read).offset


@pytest.mark.parametrize(
    ("text", "seconds"), [("now", 0.0), ("30s", 30.0), ("15m", 900.0), ("6h", 21_600.0), ("2d", 172_800.0), ("0s", 0.0)]
)
def test_a_freshness_is_a_number_and_a_unit(text, seconds):
    assert freshness_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "15", "m", "1.5h", "-2d", "2 d", "2w", "2D", "default", "1h30m"])
def test_anything_else_is_refused_with_the_key_and_the_remedy(text, tmp_path):
    (tmp_path / "palate.toml").write_text(f'[freshness]\ndefault = "{text}"\n')
    with pytest.raises(BadSettings, match=r'\[freshness\] default = .* is no freshness; write "now", or'):
        read_settings(tmp_path / "palate.toml").section(FreshnessSettings)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [('house = "2d"', "house is not a setting; choose from default, ads, autoplay"), ("search = 2", "must be of type"),
     ("cache_mb = 0", "cache_mb = 0 must be from 1")],
)  # fmt: skip
def test_a_wrong_key_or_type_is_named(line, sentence, tmp_path):
    (tmp_path / "palate.toml").write_text(f"[freshness]\n{line}\n")
    with pytest.raises(BadSettings, match=sentence):
        read_settings(tmp_path / "palate.toml").section(FreshnessSettings)


def test_every_surface_has_a_key():
    assert set(registered()) <= set(FreshnessSettings().surfaces)


def test_what_has_no_freshness_of_its_own_has_the_default():
    chosen = FreshnessSettings(default="15m", search="2d", radio="now")
    asked = ("for_you", "radio", "search", "a surface to come")
    assert [chosen.seconds(name) for name in asked] == [900.0, 0.0, 172_800.0, 900.0]


def test_now_reads_every_time_and_keeps_nothing(tmp_path):
    house = House(tmp_path)
    for house.now in range(5):
        assert house.offset("for_you") == house.now
    assert (house.reads, len(house.tastes)) == (5, 0)


def test_a_taste_is_used_for_as_long_as_the_surface_allows(tmp_path):
    house = House(tmp_path, search="10s", for_you="now")
    found = []
    for house.now in (0, 5, 10, 11, 21, 22):
        found.append(house.offset("search"))
    assert found == [0, 0, 0, 11, 11, 22]


def test_surfaces_of_one_freshness_agree_and_others_do_not_move_them(tmp_path):
    house = House(tmp_path, search="2d", radio="2d", for_you="30s")
    assert house.offset("search") == 0
    house.now = 60
    assert (house.offset("for_you"), house.offset("radio"), house.offset("search")) == (60, 0, 0)


def test_who_has_no_record_yet_is_looked_up_every_time(tmp_path):
    house = House(tmp_path, default="2d")
    assert house.offset("for_you", heard=False) == 0
    house.now = 1
    assert house.offset("for_you") == 1  # their first listen
    house.now = 2
    assert house.offset("for_you") == 1


def test_a_deletion_drops_what_is_kept_at_once(tmp_path):
    house = House(tmp_path, default="2d")
    house.offset("for_you", "u")
    house.offset("for_you", "v")
    house.deleted.delete(["u"])
    house.now = 1
    # Their record goes a moment later, so it may still be read; it must not be kept again.
    assert (house.offset("for_you", "u"), len(house.tastes)) == (1, 0)
    assert (house.offset("for_you", "v"), len(house.tastes)) == (1, 1)
    house.now = 2
    assert (house.offset("for_you", "u", heard=False), house.offset("for_you", "v")) == (2, 1)


def test_a_deletion_drops_what_is_kept_though_nobody_asks(tmp_path):
    house = House(tmp_path, default="2d")
    house.offset("for_you", "u")
    house.deleted.delete(["u"])
    house.tastes.forget_deleted()
    assert (len(house.tastes), house.tastes.kept_bytes) == (0, 0)


def test_who_is_deleted_while_their_record_is_read_is_not_kept(tmp_path):
    house = House(tmp_path, default="2d")

    def read() -> Taken:
        taken = state(1)
        house.deleted.delete(["u"])
        house.tastes.forget_deleted()  # another request saw it first
        return taken

    assert house.tastes.taken("for_you", "u", read).offset == 1
    assert len(house.tastes) == 0


def test_the_cache_is_bounded_and_forgets_the_longest_unused_first(tmp_path):
    house = House(tmp_path, default="2d", cache_mb=1)
    fit = 1_000_000 // state(0).size_bytes
    for number in range(fit):
        house.offset("for_you", f"u{number}")
    house.now = 1
    assert house.offset("for_you", "u0") == 0  # used just now
    house.offset("for_you", "one more")
    assert len(house.tastes) == fit
    assert (house.offset("for_you", "u0"), house.offset("for_you", "u1")) == (0, 1)
    assert house.tastes.kept_bytes <= 1_000_000


surfaces = st.sampled_from(["for_you", "radio", "search"])
steps = st.lists(st.tuples(st.integers(0, 40), surfaces, st.sampled_from("uvw"), st.booleans()), max_size=40)


@given(steps)
def test_no_answer_is_older_than_its_surface_allows(tmp_path_factory, steps):
    house = House(tmp_path_factory.mktemp("house"), for_you="now", radio="10s", search="1m")
    allowed, since = {"for_you": 0, "radio": 10, "search": 60}, dict.fromkeys("uvw", 0)
    for pause, surface, user, leaves in steps:
        house.now += pause
        if leaves:
            house.deleted.delete([user])
            since = dict.fromkeys("uvw", house.now)
        offset = house.offset(surface, user)
        assert max(house.now - allowed[surface], since[user]) <= offset <= house.now
