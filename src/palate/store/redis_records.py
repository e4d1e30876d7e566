"""RedisStore: OnlineStore's records in a Redis server or cluster. Any number of processes and machines may use it.

    {palate:07}:records:taste@7  hash: user id -> record
    {palate:07}:offsets          hash: space -> the log offset that the partition's records contain
    {palate:07}:epoch            see folds.py; each partition has its own
    {palate:07}:loading          hash: the records of a load that is not published yet, and {palate:07}:loader, whose

What one partition holds changes in one step. A commit also moves the partition's consumer group of that space
(XGROUP SETID), so `XINFO GROUPS {palate:07}:log` says how far each space is behind and agrees with its offset.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from secrets import token_hex
from types import TracebackType

from palate.core.errors import PalateError
from palate.core.partitions import ALL, PARTITIONS, partition_of
from palate.listening.engine import Command, RedisEngine
from palate.listening.redis_log import place
from palate.listening.redis_scripts import COMMIT, DELETE, DROP, FILL, PUBLISH
from palate.store.folds import Part, Standing
from palate.store.keys import id_key
from palate.store.records import checked_space

LOAD_RECORDS = 5_000
LOAD_SECONDS = 3_600  # what a killed load leaves behind is gone after so long
SHRED_SECONDS, POLL_SECONDS = 600.0, 0.1
_EPOCH_BITS = 48


class RedisStore:
    """User records of every space. Threads may share one."""

    def __init__(self, engine: RedisEngine) -> None:
        self.engine = engine

    def get(self, space: str, user_id: str) -> bytes | None:
        """The user's record in `space`; None when there is none, or no such space."""
        found: bytes | None = self.engine.one(*self._get(space, user_id))
        return found

    def read(self, space: str, user_id: str) -> tuple[bytes | None, int]:
        """The user's record, and the offset that its partition contains at least."""
        part = partition_of(user_id)
        offset, record = self.engine.many(
            [("HGET", self.engine.key(part, "offsets"), space), self._get(space, user_id)]
        )
        # Below its first offset a partition is at its own number, so that any offset says which one it is of.
        return record, max(int(offset or 0), part)

    def get_many(self, space: str, user_ids: Sequence[str]) -> list[bytes | None]:
        """(n,) the same for each of `user_ids`, in one exchange with the server."""
        return self.engine.many([self._get(space, user) for user in user_ids])

    def _get(self, space: str, user_id: str) -> Command:
        return ("HGET", self._records(partition_of(user_id), space), _field(user_id))

    def put_many(self, space: str, records: Mapping[str, bytes], offset: int) -> None:
        """Writes `records` and the log `offset` that all partitions contain; makes the space if needed.

        Both or neither; on a cluster that holds for each partition.
        """
        checked_space(space)
        commands: list[Command] = [("HSET", self.engine.key(part, "offsets"), space, offset) for part in ALL]
        for user, record in records.items():
            commands.append(("HSET", self._records(partition_of(user), space), _field(user), record))
        self.engine.together(commands)

    def standing(self, space: str) -> Standing:
        """What a commit must name; `epoch` holds those of all partitions."""
        told = self.engine.many(
            [("HGET", self.engine.key(part, "offsets"), space) for part in ALL]
            + [("GET", self.engine.key(part, "epoch")) for part in ALL]
        )
        numbers = [int(one or 0) for one in told]
        epochs = (number << (_EPOCH_BITS * part) for part, number in enumerate(numbers[PARTITIONS:]))
        return Standing(tuple(numbers[:PARTITIONS]), sum(epochs))

    def commit(self, space: str, epoch: int, parts: Sequence[Part]) -> list[bool]:
        """Writes each part whose offset and epoch are still what they were, each in one step; says which these were.

        Makes the space if needed.
        """
        checked_space(space)
        commands = []
        for part in parts:
            since = epoch >> (_EPOCH_BITS * part.partition) & ((1 << _EPOCH_BITS) - 1)
            pairs = [text for user, record in part.records.items() for text in (_field(user), record)]
            keys = [self.engine.key(part.partition, name) for name in ("offsets", "epoch", f"records:{space}", "log")]
            told = [space, part.since, part.upto, since, place(part.upto), *pairs]
            commands.append(("EVAL", COMMIT, len(keys), *keys, *told))
        return [bool(written) for written in self.engine.together(commands)]  # so the server syncs once, not often

    def offset(self, space: str) -> int:
        """The lowest offset of a partition; 0 when there is no such space."""
        return min(self.standing(space).offsets)

    def delete(self, user_id: str) -> int:
        """Removes the user from every space and gives how many records that were. The offsets stay."""
        part = partition_of(user_id)
        keys = [self.engine.key(part, name) for name in ("offsets", "epoch", "loading")]
        return int(self.engine.one("EVAL", DELETE, len(keys), *keys, self._records(part, ""), _field(user_id)))

    def shred(self) -> None:
        """Takes off the server's disk what was deleted: its append-only file and its dump are written anew.

        They are those of the whole server. PalateError when that fails or takes longer than SHRED_SECONDS.
        """
        self.engine.everywhere("BGREWRITEAOF")
        self._until_written("aof_rewrite_in_progress", "aof_rewrite_scheduled", "aof_last_bgrewrite_status")
        if any(str(told.get("save") or "") for told in self.engine.everywhere("CONFIG GET", "save")):
            self.engine.everywhere("BGSAVE")
            self._until_written("rdb_bgsave_in_progress", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")

    def _until_written(self, under_way: str, scheduled: str, status: str) -> None:
        end = time.monotonic() + SHRED_SECONDS
        while any(told[under_way] or told[scheduled] for told in self.engine.everywhere("INFO", "persistence")):
            if time.monotonic() > end:
                raise PalateError(f"the Redis server at {self.engine.where} still writes its files anew; delete again")
            time.sleep(POLL_SECONDS)
        if any(str(told[status]) != "ok" for told in self.engine.everywhere("INFO", "persistence")):
            raise PalateError(f"the Redis server at {self.engine.where} could not write its files anew; see its log")

    def spaces(self) -> list[str]:
        """The names of all spaces, sorted."""
        named = self.engine.each(lambda part: ("HKEYS", self.engine.key(part, "offsets")))
        return sorted({space.decode() for names in named for space in names})

    def count(self, space: str) -> int:
        """How many users have a record in `space`; 0 when there is no such space."""
        return sum(self.engine.each(lambda part: ("HLEN", self._records(part, space))))

    def users(self, space: str, after: str = "") -> Iterator[str]:
        """Every user id of `space`, partition by partition, those that follow `after`; holds one partition's ids."""
        for part in range(partition_of(after) if after else 0, PARTITIONS):
            ids = [one.decode("utf-8", "surrogatepass") for one in self.engine.one("HKEYS", self._records(part, space))]
            beyond = id_key(after) if after and part == partition_of(after) else b""
            yield from (user for key, user in sorted((id_key(one), one) for one in ids) if key > beyond)

    def drop(self, space: str) -> None:
        """Forgets a space with its records, offsets and groups; an unknown space changes nothing."""

        def command(part: int) -> Command:
            names = (f"records:{space}", "offsets", "epoch", "log")
            keys = [self.engine.key(part, name) for name in names]
            return ("EVAL", DROP, len(keys), *keys, space)

        self.engine.each(command)

    def replace(self, space: str, records: Iterable[tuple[str, bytes]], offset: int | Sequence[int]) -> None:
        """Loads a whole space in bounded memory. Readers see the old records until all new ones are there at once.

        offset  the log offset that the records contain; one, or one for each partition
        An interrupted load is invisible. On a cluster each partition changes at once, one after another; of a kill in
        between some keep the old records with the old offset. Records that are written to the same space meanwhile are
        lost with the old ones, and the offsets say so. One load at a time: a second one ends the first, which raises
        PalateError.
        """
        checked_space(space)
        offsets = (offset,) * PARTITIONS if isinstance(offset, int) else tuple(offset)
        token = token_hex(8)
        for name in ("loading", "loader"):
            self.engine.each(lambda part, name=name: ("UNLINK", self.engine.key(part, name)))  # type: ignore[misc]
        self.engine.each(lambda part: ("SET", self.engine.key(part, "loader"), token, "EX", LOAD_SECONDS))
        remaining = iter(records)
        while batch := list(islice(remaining, LOAD_RECORDS)):
            self._fill(token, batch)

        def publication(part: int) -> Command:
            names = ("loader", "loading", f"records:{space}", "offsets", "epoch", "log")
            keys = [self.engine.key(part, name) for name in names]
            return ("EVAL", PUBLISH, len(keys), *keys, token, space, offsets[part], place(offsets[part]))

        if not all(self.engine.together([publication(part) for part in ALL])):
            raise self._overtaken()

    def _fill(self, token: str, batch: list[tuple[str, bytes]]) -> None:
        pairs: dict[int, list[bytes]] = {part: [] for part in ALL}
        for user, record in batch:
            pairs[partition_of(user)] += [_field(user), record]
        commands = []
        for part in ALL:
            keys = [self.engine.key(part, name) for name in ("loader", "loading")]
            commands.append(("EVAL", FILL, len(keys), *keys, token, LOAD_SECONDS, *pairs[part]))
        if not all(self.engine.many(commands)):
            raise self._overtaken()

    def _overtaken(self) -> PalateError:
        return PalateError(
            f"another load into {self.engine.where} began meanwhile, or this one paused for {LOAD_SECONDS} s; wait "
            "until no other is under way, then try again"
        )

    def reopen(self) -> None:
        """Nothing: this process keeps no record in memory."""

    def close(self) -> None:
        """Gives the connections back; the store is unusable afterwards."""
        self.engine.close()

    def __enter__(self) -> "RedisStore":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _records(self, part: int, space: str) -> str:
        return self.engine.key(part, f"records:{space}")


def _field(user_id: str) -> bytes:
    return user_id.encode("utf-8", "surrogatepass")
