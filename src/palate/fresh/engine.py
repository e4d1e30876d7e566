"""What a home's engine opens: the new end of its log, and its listeners' records. Nobody else chooses."""

from palate.core.home import Home
from palate.core.partitions import PARTITIONS
from palate.core.settings import read_settings
from palate.fresh.leases import Leases
from palate.fresh.shares import Shares
from palate.listening.archived import BEFORE
from palate.listening.backlog import EventLog
from palate.listening.engine import EngineSettings, RedisEngine
from palate.listening.log import ListeningLog
from palate.listening.redis_log import RedisLog
from palate.store.record_store import RecordStore
from palate.store.records import OnlineStore
from palate.store.redis_records import RedisStore


def open_log(home: Home) -> EventLog:
    """The log to append to and to fold from. In Redis, what it holds reaches the home's own log a little later.

    PalateError when a server cannot be reached, BadSettings when it does not promise what palate.toml asks for.
    """
    settings = _settings(home)
    if settings.kind == "embedded":
        return ListeningLog(home.log)
    engine = RedisEngine(settings)
    engine.check()
    log = RedisLog(engine, ListeningLog(home.log))
    # From here on a space at offset 0 lacks what the home held before its streams began (fresh/archive.py).
    log.trim((BEFORE,) * PARTITIONS)
    return log


def open_store(home: Home, readonly: bool = False) -> RecordStore:
    """The listeners' records. Embedded and `readonly`: NotTrained when there are none yet."""
    settings = _settings(home)
    if settings.kind == "embedded":
        return OnlineStore(home.online / "records", readonly)
    return RedisStore(RedisEngine(settings))


def embedded(home: Home) -> bool:
    """Whether log and records are files of the home."""
    return _settings(home).kind == "embedded"


def has_records(home: Home) -> bool:
    """Whether there may be records, so that who only looks need not make a store."""
    return not embedded(home) or (home.online / "records" / "data.mdb").is_file()


def open_shares(home: Home) -> Shares | Leases:
    """How the home's workers share its listeners: by locks on this machine, or by leases that all machines see."""
    settings = _settings(home)
    return Shares(home.online / "fold") if settings.kind == "embedded" else Leases(RedisEngine(settings))


def _settings(home: Home) -> EngineSettings:
    return read_settings(home.settings).section(EngineSettings)
