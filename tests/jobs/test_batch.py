"""Batches: every listener in order, the same answers as live, vectors whose dot product is the score."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from palate.core.clock import Clock
from palate.core.errors import BadInput, NotTrained
from palate.core.home import Home
from palate.embeddings.space import Spaces
from palate.embeddings.states import UserState
from palate.jobs.batch import BLOCK_USERS, Moment, embed, read_users, recommend
from palate.jobs.online import open_live
from palate.surfaces.ask import Ask
from palate.surfaces.explanation import explanation
from palate.surfaces.registry import answer

from .small_homes import empty_home, filled, records

USERS = ["sim-user-0040", "nobody", *(f"sim-user-{n:04d}" for n in range(1, 21))]


def answered(home: Home, out: Path, **changes: Any) -> pl.DataFrame:
    asked = {"users": USERS, "n": 10, "at": None, "surface": "for_you", "exclude_heard": False} | changes
    recommend(home, **asked, out=out)
    return pl.read_parquet(out)


def vectors(home: Home, what: str, out: Path) -> dict[str, np.ndarray]:
    embed(home, what, None, out)
    table = pl.read_parquet(out)
    assert table.schema == {f"{what[:-1]}_id": pl.String, "vector": pl.List(pl.Float32)}
    return dict(zip(table[f"{what[:-1]}_id"], np.array(table["vector"].to_list(), np.float32), strict=True))


def test_vectors_of_another_version_are_those_of_that_version(own: Home, tmp_path: Path) -> None:
    """taste@2 is nobody's: the same items, every listened vector doubled, so every window's sum is doubled."""
    shutil.copytree(own.spaces / "taste@1", own.spaces / "taste@2")
    space = Spaces(own.spaces).get("taste@2")
    np.save(space.folder / "listened.npy", 2 * np.array(space.listened))
    told = embed(own, "users", None, tmp_path / "two.parquet", "taste@2")
    assert (told["space"], told["users"]) == ("taste@2", 150)
    one, start = vectors(own, "users", tmp_path / "one.parquet"), space.encoder.start
    assert start is not None
    two = {row["user_id"]: np.array(row["vector"]) for row in pl.read_parquet(tmp_path / "two.parquet").to_dicts()}
    assert one.keys() == two.keys()
    counts = space.encoder.weights[48:-1]  # what the sums do not reach
    for user, row in Moment.open(own, None).states_of(list(one)):
        from_counts = np.log1p(row.record.counts.sum(axis=1)) @ counts
        rest = space.encoder.weights[-1] + start.added([row.record])[0] + from_counts
        np.testing.assert_allclose(two[user] - rest, 2 * (one[user] - rest), rtol=1e-3, atol=1e-3)
    with pytest.raises(BadInput, match=r"no space 'taste@9'; there are: taste@1, taste@2"):
        embed(own, "items", None, tmp_path / "x.parquet", "taste@9")


def test_everybody_gets_n_items_in_the_order_given(trained: Home, tmp_path: Path) -> None:
    table = answered(trained, tmp_path / "r.parquet")
    assert table.schema == {
        "user_id": pl.String, "rank": pl.Int32, "item_id": pl.String, "score": pl.Float32, "source": pl.String,
        "reason": pl.String,
    }  # fmt: skip
    assert table["user_id"].to_list() == [user for user in USERS for _ in range(10)]
    assert table["rank"].to_list() == list(range(1, 11)) * len(USERS)
    assert table.group_by("user_id").agg(pl.col("item_id").n_unique())["item_id"].to_list() == [10] * len(USERS)
    assert table.null_count().sum_horizontal().item() == 0
    assert table["reason"].str.ends_with(".").all()


def test_the_report_counts_listeners_strangers_and_rows(trained: Home, tmp_path: Path) -> None:
    told = recommend(trained, USERS, 10, None, "for_you", False, tmp_path / "deep" / "r.parquet")
    assert {key: told[key] for key in ("users", "strangers", "rows", "space", "space_learnt_later")} == {
        "users": 22, "strangers": 1, "rows": 220, "space": "taste@1", "space_learnt_later": False,
    }  # fmt: skip


def test_excluding_what_was_heard_leaves_none_of_it(trained: Home, world: Path, tmp_path: Path) -> None:
    plays = pl.read_parquet(world / "listens.parquet").filter(pl.col("event") == "play").select("user_id", "item_id")
    heard = answered(trained, tmp_path / "all.parquet", n=50).join(plays, ["user_id", "item_id"], "semi")
    assert len(heard) > 100
    unheard = answered(trained, tmp_path / "new.parquet", n=50, exclude_heard=True)
    skipped = pl.read_parquet(world / "listens.parquet").filter(pl.col("seconds_played") < 30)
    again = unheard.join(plays, ["user_id", "item_id"], "semi").join(skipped, ["user_id", "item_id"], "anti")
    assert len(unheard) > 500
    assert again.rows() == []  # a play that ended at once was no play


def test_the_batch_answers_what_a_request_answers_at_that_moment(trained: Home, own: Home, tmp_path: Path) -> None:
    live, at = open_live(own), Moment.open(own, None).at
    live = replace(live, clock=Clock(live.clock.calendar, lambda: live.clock.calendar.unix_time(at)))
    for unheard in (False, True):
        table = answered(trained, tmp_path / "r.parquet", exclude_heard=unheard)
        for user in USERS:
            slate, mine = answer(live, "for_you", Ask(user, 10, unheard=unheard)), table.filter(user_id=user)
            assert mine["item_id"].to_list() == [item.item_id for item in slate.items], user
            assert mine["source"].to_list() == [item.source for item in slate.items]
            assert mine["reason"].to_list() == [item.reason for item in slate.items]
            np.testing.assert_allclose(mine["score"], [item.score for item in slate.items], rtol=1e-4, atol=1e-4)


def test_a_score_is_the_dot_product_and_a_vector_is_the_live_taste(trained: Home, own: Home, tmp_path: Path) -> None:
    users, items = (vectors(trained, what, tmp_path / f"{what}.parquet") for what in ("users", "items"))
    _, states = records(trained, "taste@1")
    assert users.keys() == states.keys()
    for user, vector in users.items():
        np.testing.assert_array_equal(vector, UserState.unpack(states[user]).taste)
    live = open_live(own)
    for user, item in zip(USERS[2:], items, strict=False):
        found = explanation(live, "for_you", Ask(user), item)["features"]["taste_score"]
        assert found == pytest.approx(float(users[user] @ items[item]), rel=1e-5, abs=1e-6)


def test_as_of_the_first_moment_everybody_is_a_stranger(trained: Home, tmp_path: Path) -> None:
    told = recommend(trained, USERS, 5, 1_000.0, "for_you", False, tmp_path / "r.parquet")
    assert (told["strangers"], told["space_learnt_later"]) == (len(USERS), True)
    told = embed(trained, "users", 1_000.0, tmp_path / "u.parquet")
    assert (told["users"], pl.read_parquet(tmp_path / "u.parquet").height) == (0, 0)


@pytest.mark.slow
def test_several_processes_answer_as_one_does(trained: Home, tmp_path: Path) -> None:
    many = [*USERS, *(f"stranger {n}" for n in range(BLOCK_USERS))]
    together = answered(trained, tmp_path / "many.parquet", users=many, n=3)
    assert together["user_id"].to_list() == [user for user in many for _ in range(3)]
    alone = answered(trained, tmp_path / "few.parquet", n=3)
    assert_frame_equal(together.head(len(alone)), alone)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n": 0}, "n = 0 must be between 1 and 1,000"),
        ({"n": 1_001}, "n = 1001 must be between 1 and 1,000"),
        ({"surface": "radio"}, "--surface 'radio' cannot be made for many listeners; choose from for_you"),
        ({"surface": "x"}, "--surface 'x' cannot be made"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(trained: Home, tmp_path: Path, changes, sentence) -> None:
    out = tmp_path / "r.parquet"
    out.write_bytes(b"of yesterday")
    with pytest.raises(BadInput, match=sentence):
        answered(trained, out, **changes)
    assert out.read_bytes() == b"of yesterday"


def test_a_file_is_whole_or_as_it_was(trained: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: pl.DataFrame, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "no space left")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", half)
    for write in (
        lambda out: answered(trained, out),
        lambda out: embed(trained, "items", None, out),
    ):
        (tmp_path / "out.parquet").write_bytes(b"of yesterday")
        with pytest.raises(OSError, match="no space left"):
            write(tmp_path / "out.parquet")
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of yesterday"]


def test_an_untrained_home_says_so(world: Path, tmp_path: Path) -> None:
    home = filled(tmp_path / "home", world)
    with pytest.raises(NotTrained, match="run `palate train`"):
        answered(home, tmp_path / "r.parquet")
    with pytest.raises(NotTrained, match="run `palate train`"):
        embed(empty_home(tmp_path / "empty"), "items", None, tmp_path / "r.parquet")
    assert not (tmp_path / "r.parquet").exists()


def test_users_are_read_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "users.txt"
    file.write_bytes(b"\xef\xbb\xbfana\r\n\n bo \nana\n\xc3\xbc\xe2\x80\xa8x\n5")
    assert read_users(file) == ["ana", "bo", "ü\u2028x", "5"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "no file .*give a text file"), (b" \n\n", "holds no user ids; write one a line"), (b"\xff", "not UTF-8")],
)
def test_users_must_be_there(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    file = tmp_path / "users.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        read_users(file)
