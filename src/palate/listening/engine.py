"""Which engine holds the log's new end and the listeners' records: this machine's files, or a Redis server.

Every key of a partition of listeners has one hash tag, `{palate:07}:...`, so on Redis Cluster all of it is in one slot
and one script can change it atomically.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from palate.core.errors import BadSettings, MissingExtra, PalateError, Unavailable
from palate.core.partitions import ALL

Command = tuple[Any, ...]

OLDEST_SERVER = 7  # the first whose consumer groups say how far behind they are
TIMEOUT_SECONDS = 5.0
TRIES, FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 3, 0.05, 0.5


@dataclass(frozen=True)
class EngineSettings:
    """Where new listens and the listeners' records are kept (docs/rooms/engines.md).

    kind          embedded: in files of the home. redis: in a Redis server, which needs the extra `palate[redis]`
    url           of the server, or of one node of the cluster; `rediss://` for TLS, `redis://:password@host:port/0`
    cluster       whether it is a Redis Cluster
    prefix        what every key begins with; homes that share a server need one each
    durable       refuse a server that could lose what it has accepted (it needs `appendfsync always`)
    remember_days for how long at least a repeat of an event is recognised
    """

    SECTION: ClassVar[str] = "engine"
    kind: Literal["embedded", "redis"] = "embedded"
    url: str = "redis://127.0.0.1:6379/0"
    cluster: bool = False
    prefix: str = "palate"
    durable: bool = True
    remember_days: float = 7.0

    def __post_init__(self) -> None:
        if not self.prefix or set(self.prefix) & set("{}"):
            raise ValueError(f"prefix = {self.prefix!r} cannot begin a key; give some text without braces")
        if not self.remember_days > 0:
            raise ValueError(f"remember_days = {self.remember_days:g} must be above 0")


class RedisEngine:
    """A connection to one server or cluster; threads may share it. Errors leave as PalateError, never as redis's.

    Opening it needs no server yet, unless `check` is called, or the cluster's nodes have to be found.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self.settings = settings
        parts = urlsplit(settings.url)
        self.where = f"{parts.hostname}:{parts.port or 6379}"  # without the password
        try:
            import redis
        except ModuleNotFoundError as error:
            raise MissingExtra("redis", "redis") from error
        self._errors: Any = redis.exceptions
        with self._explained():
            self._client: Any = _cluster(settings.url) if settings.cluster else _server(settings.url)

    def key(self, partition: int, name: str) -> str:
        """The name of a key of one partition."""
        return f"{{{self.settings.prefix}:{partition:02d}}}:{name}"

    def common(self, name: str) -> str:
        """The name of a key that is of no partition."""
        return f"{{{self.settings.prefix}}}:{name}"

    def one(self, *command: Any) -> Any:
        """What one command gives."""
        with self._explained():
            return self._client.execute_command(*command)

    def many(self, commands: Sequence[Command]) -> list[Any]:
        """What each of several commands gives, sent together; PalateError when any of them fails."""
        if not commands:
            return []
        with self._explained():
            pipeline = self._client.pipeline(transaction=False)
            for command in commands:
                pipeline.execute_command(*command)
            return list(pipeline.execute())

    def together(self, commands: Sequence[Command]) -> list[Any]:
        """The same, and nobody sees some of them done and others not; on a cluster that holds for each partition."""
        if self.settings.cluster:
            return self.many(commands)
        with self._explained():
            pipeline = self._client.pipeline(transaction=True)
            for command in commands:
                pipeline.execute_command(*command)
            return list(pipeline.execute())

    def each(self, command: Callable[[int], Command]) -> list[Any]:
        """What one command gives for each partition, in their order."""
        return self.many([command(partition) for partition in ALL])

    def everywhere(self, *command: Any) -> list[Any]:
        """What one command gives on the server, or on each primary of the cluster."""
        with self._explained():
            if not self.settings.cluster:
                return [self._client.execute_command(*command)]
            nodes = self._client.get_primaries()
            return [self._client.execute_command(*command, target_nodes=node) for node in nodes]

    def check(self) -> None:
        """Raises PalateError for a server that is too old, and BadSettings for one that may lose accepted events."""
        for told in self.everywhere("INFO", "server"):
            if int(str(told["redis_version"]).partition(".")[0]) < OLDEST_SERVER:
                raise PalateError(
                    f"the Redis server at {self.where} is {told['redis_version']}; use {OLDEST_SERVER}.0 or newer"
                )
        if not self.settings.durable:
            return
        remedy = "set it in redis.conf, or durable = false under [engine] in palate.toml to accept the loss"
        for name, wanted in (("appendonly", "yes"), ("appendfsync", "always")):
            try:
                found = [told[name] for told in self.everywhere("CONFIG GET", name)]
            except (PalateError, KeyError) as error:
                raise BadSettings(f"the Redis server at {self.where} does not tell its {name}; {remedy}") from error
            if any(one != wanted for one in found):
                raise BadSettings(
                    f"the Redis server at {self.where} has {name} {found[0]}, and what it accepts is on disk only with "
                    f"{name} {wanted}; {remedy}"
                )

    def close(self) -> None:
        """Gives the connections back."""
        with self._explained():
            self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        kinds = self._errors
        try:
            yield
        except (kinds.ConnectionError, kinds.TimeoutError, kinds.ClusterDownError, kinds.SlotNotCoveredError) as error:
            raise Unavailable(
                f"the Redis server at {self.where} cannot be reached ({error}); start it, or correct [engine] in "
                "palate.toml"
            ) from error
        except kinds.OutOfMemoryError as error:
            raise PalateError(
                f"the Redis server at {self.where} is full ({error}); raise maxmemory or add nodes"
            ) from error
        except kinds.RedisError as error:
            raise PalateError(f"the Redis server at {self.where} refuses ({error}); see the server's log") from error
        except ValueError as error:  # an address that is none
            raise BadSettings(f"[engine] url {self.settings.url!r} cannot be used: {error}") from error


def _server(url: str) -> Any:
    import redis
    from redis.backoff import ExponentialBackoff
    from redis.retry import Retry

    # Trying again is safe: an append that was done is found to be a repeat, a commit that was done is not done again.
    again: Any = Retry(ExponentialBackoff(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS), TRIES)
    faults: Any = [redis.exceptions.ConnectionError, redis.exceptions.TimeoutError]
    return redis.Redis.from_url(
        url, protocol=2, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=again,
        retry_on_error=faults,
    )  # fmt: skip


def _cluster(url: str) -> Any:
    from redis.cluster import RedisCluster

    return RedisCluster.from_url(
        url, protocol=2, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )
