"""What any log of listens must do. Inherit, say how to make one, and pytest does the rest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from palate.core.errors import BadInput
from palate.core.listens import Event, Listen, Listens, in_columns
from palate.core.partitions import ALL, PARTITIONS, partition_of
from palate.listening.deleted import DeletedUsers
from palate.testing.store import refused

USERS = [f"user-{number}" for number in range(40)]


def play(user: str, item: str = "i1", at: float = 1_600_000_000.0, **more: Any) -> Listen:
    """A listen."""
    return Listen(user, item, at, **more)  # type: ignore[arg-type]


def plays(start: int, stop: int) -> Listens:
    """Listens number `start` to `stop` of an endless list, by turns of USERS."""
    return in_columns([play(USERS[n % len(USERS)], f"i{n}", 1_600_000_000.0 + n) for n in range(start, stop)])


class EventLogContract:
    """`make` opens the log at a path, and opening it again must find what was appended."""

    def make(self, path: Path) -> Any:
        """An open log (`listening.backlog.EventLog`, and a context manager that closes it)."""
        raise NotImplementedError

    def read(self, log: Any, partitions: Sequence[int] = ALL, most: int = 7) -> list[tuple[str, str, float]]:
        """(listener, item, time) of every listen of these partitions, read in small pieces."""
        after, found = dict.fromkeys(partitions, 0), []
        while (unread := log.unread(after, most)) is not None:
            batch = unread.batch
            assert all(unread.upto[part] >= after[part] for part in unread.upto)
            for user, offset in zip(batch.user_id, batch.offsets.tolist(), strict=True):
                assert after[partition_of(user)] < offset <= unread.upto[partition_of(user)]
            found += list(zip(batch.user_id, batch.item_id, batch.timestamp.tolist(), strict=True))
            after |= unread.upto
        return found

    def test_what_is_appended_is_read_once_whatever_the_pieces(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            assert (self.read(log), log.ends(), log.end_offset()) == ([], (0,) * PARTITIONS, 0)
            for start in range(0, 200, 50):
                assert log.append(plays(start, start + 50)).accepted == 50
            every = plays(0, 200)
            wanted = set(zip(every.user_id, every.item_id, every.timestamp.tolist(), strict=True))
            for most in (1, 7, 64, 65_536):
                found = self.read(log, most=most)
                assert (len(found), set(found)) == (200, wanted)
            assert log.end_offset() == 200
        with self.make(tmp_path / "log.sqlite") as log:
            assert set(self.read(log)) == wanted

    def test_a_listeners_listens_come_in_the_order_in_which_they_were_appended(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            log.append(in_columns([play("ann", f"i{n}", 1_600_000_000.0 - n) for n in range(30)]))
            assert [item for _, item, _ in self.read(log)] == [f"i{n}" for n in range(30)]

    def test_some_partitions_give_the_listens_of_their_listeners(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            log.append(plays(0, 200))
            mine = [partition_of(USERS[0]), partition_of(USERS[1])]
            found = self.read(log, sorted(set(mine)))
            assert {user for user, _, _ in found} == {user for user in USERS if partition_of(user) in mine}

    def test_every_column_comes_back(self, tmp_path: Path) -> None:
        full = play(
            "ann", "日本", 1.5e9, event=Event.SKIP, seconds_played=31.5, duration_seconds=200.0, session_id="s",
            surface="radio", context_id="c", position_seconds=61.5, end_reason="fwdbtn",
        )  # fmt: skip
        with self.make(tmp_path / "log.sqlite") as log:
            log.append(in_columns([full, play("ann")]))
            batch = log.unread(dict.fromkeys(ALL, 0), 1_000).batch
        assert (batch.user_id, batch.item_id) == (["ann", "ann"], ["日本", "i1"])
        assert (batch.timestamp.tolist(), batch.event.tolist()) == ([1.5e9, 1.6e9], [Event.SKIP, Event.PLAY])
        assert (batch.seconds_played[0], batch.duration_seconds[0]) == (31.5, 200.0)
        assert np.isnan([batch.seconds_played[1], batch.duration_seconds[1]]).all()
        assert (batch.surface, batch.context_id) == (["radio", None], ["c", None])
        assert (batch.position_seconds, batch.end_reason) == ([61.5, None], ["fwdbtn", None])
        assert batch.session[0] < 0 == batch.session[1]

    def test_a_repeat_changes_nothing(self, tmp_path: Path) -> None:
        named = [play("ann", event_id="e1"), play("ann", "i2", event_id="e2")]
        with self.make(tmp_path / "log.sqlite") as log:
            first = log.append(in_columns([*named, play("ann", "i2", event_id="e1"), play("bob"), play("bob")]))
            assert (first.accepted, first.duplicates) == (3, 2)
            assert [offset > 0 for offset in first.offsets.tolist()] == [True, True, False, True, False]
        with self.make(tmp_path / "log.sqlite") as log:
            again = log.append(in_columns([*named, play("bob"), play("bob", event=Event.SAVE)]))
            assert (again.accepted, again.duplicates) == (1, 3)
            assert len(self.read(log)) == 4

    def test_lag_is_what_lies_beyond_the_offsets(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            assert log.lacking((0,) * PARTITIONS) == 0
            log.append(plays(0, 100))
            assert log.lacking((0,) * PARTITIONS) == 100
            assert log.lacking(log.ends()) == 0
            log.append(plays(100, 130))
            unread = log.unread(dict.fromkeys(ALL, 0), 1_000)
            assert log.lacking([unread.upto[part] for part in ALL]) == 0

    def test_an_accepted_listen_is_at_its_offset(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            offsets = log.append(plays(0, 60)).offsets.tolist()
            batch = log.unread(dict.fromkeys(ALL, 0), 65_536).batch
            at = dict(zip(batch.offsets.tolist(), batch.item_id, strict=True))
            assert [at[offset] for offset in offsets] == [f"i{n}" for n in range(60)]
            assert all(log.ends()[partition_of(USERS[n % 40])] >= offset for n, offset in enumerate(offsets))

    def test_deleted_listeners_are_left_out_and_erased_and_the_others_stay(self, tmp_path: Path) -> None:
        path, gone = tmp_path / "log.sqlite", USERS[:3]
        with self.make(path) as log, self.make(path) as other:
            log.append(plays(0, 200))
            DeletedUsers.beside(path).delete(gone)
            assert log.erase([*gone, "nobody"]) == dict.fromkeys(gone, 5) | {"nobody": 0}
            told = other.append(plays(190, 250))
            assert (told.accepted, told.left_out, told.duplicates) == (44, 6, 10)
            found = self.read(log)
            assert len(found) == 185 + 44
            assert not {user for user, _, _ in found} & set(gone)
            after = dict(enumerate(log.ends()))
            assert log.unread(after, 100) is None
            assert log.append(plays(250, 280)).accepted == 30
            assert log.unread(after, 100) is not None

    def test_one_listeners_listens_are_found(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            log.append(plays(0, 200))
            found = [item for batch in log.listens_of(USERS[3]) for item in batch.item_id]
            assert found == [f"i{n}" for n in range(3, 200, 40)]
            assert list(log.listens_of("nobody")) == []

    def test_what_cannot_be_a_listen_is_refused_and_nothing_is_written(self, tmp_path: Path) -> None:
        with self.make(tmp_path / "log.sqlite") as log:
            for bad in (play(""), play("x" * 600), play("ann", at=float("nan")), play("ann", "\ud800")):
                with refused(BadInput):
                    log.append(in_columns([play("bob"), bad]))
            assert log.end_offset() == 0
