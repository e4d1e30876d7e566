"""Shares of the listeners by leases in Redis, so that workers on several machines share the work."""

import time
from collections.abc import Callable
from secrets import token_hex

from palate.core.errors import Unavailable
from palate.core.partitions import PARTITIONS
from palate.fresh.shares import LOOK_SECONDS
from palate.listening.engine import RedisEngine

LEASE_SECONDS = 5.0  # how long the partitions of a worker that was killed wait for another

# keys: workers (token -> when its lease ends, ms), owners (partition -> token); then: token, milliseconds, partitions.
# Gives the partitions of the token, ascending. Who does not renew loses its seat, and with it its partitions.
_SHARE = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
local all = tonumber(ARGV[3])
local most, mine, free = math.ceil(all / redis.call('ZCARD', KEYS[1])), {}, {}
for part = 0, all - 1 do
  local owner = redis.call('HGET', KEYS[2], part)
  if owner == ARGV[1] then
    if #mine < most then mine[#mine + 1] = part else redis.call('HDEL', KEYS[2], part) end
  elseif not owner or not redis.call('ZSCORE', KEYS[1], owner) then
    free[#free + 1] = part
  end
end
for _, part in ipairs(free) do
  if #mine >= most then break end
  redis.call('HSET', KEYS[2], part, ARGV[1])
  mine[#mine + 1] = part
end
table.sort(mine)
return mine
"""

_LEAVE = """
redis.call('ZREM', KEYS[1], ARGV[1])
for part = 0, ARGV[2] - 1 do
  if redis.call('HGET', KEYS[2], part) == ARGV[1] then redis.call('HDEL', KEYS[2], part) end
end
return 1
"""


class Leases:
    """What Shares does with locks. A share says who should work, not who may: what is written is a compare and set."""

    def __init__(self, engine: RedisEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock, self._look_at = engine, clock, float("-inf")
        self._token = token_hex(8)
        self._mine: tuple[int, ...] = ()

    def mine(self) -> tuple[int, ...]:
        """The partitions to fold now, ascending; the lease is renewed every LOOK_SECONDS. PalateError without a server.

        More workers than partitions leave some with none.
        """
        if self._clock() >= self._look_at:
            told = self._engine.one(
                "EVAL", _SHARE, 2, *self._keys(), self._token, int(LEASE_SECONDS * 1000), PARTITIONS
            )
            self._mine, self._look_at = tuple(told), self._clock() + LOOK_SECONDS
        return self._mine

    def close(self) -> None:
        """Gives everything back; a server that cannot be reached finds out when the lease ends."""
        try:
            self._engine.one("EVAL", _LEAVE, 2, *self._keys(), self._token, PARTITIONS)
        except Unavailable:
            return
        finally:
            self._engine.close()

    def _keys(self) -> tuple[str, str]:
        return self._engine.common("workers"), self._engine.common("owners")
