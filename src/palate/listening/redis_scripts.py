"""What a Redis server does in one step, in Lua; every key of one call is of one partition, so of one slot.

They are sent with each call. Then nothing has to be loaded again after a restart or when a cluster's node is replaced;
the server recognises a text that it has compiled before.
"""

from palate.core.partitions import PARTITIONS

# keys: log, end, erased, seen before, seen now, seen next; then: erased, partition, seconds to keep, (key, entry)...
# Gives {erased} when it is another than the caller's; else {erased, end, then the offset of each, 0 for a repeat}.
APPEND = f"""
local erased = redis.call('GET', KEYS[3]) or '0'
if erased ~= ARGV[1] then return {{erased}} end
local part, count = tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[2]) or '0')
local told, before = {{erased, 0}}, count
for at = 4, #ARGV, 2 do
  local key, offset = ARGV[at], 0
  if redis.call('SISMEMBER', KEYS[4], key) == 0 and redis.call('SISMEMBER', KEYS[6], key) == 0
      and redis.call('SADD', KEYS[5], key) == 1 then
    count = count + 1
    offset = count * {PARTITIONS} + part
    redis.call('XADD', KEYS[1], string.format('%.0f-0', offset), 'e', ARGV[at + 1])
  end
  told[#told + 1] = offset
end
if count > before then
  redis.call('SET', KEYS[2], string.format('%.0f', count))
  redis.call('EXPIRE', KEYS[5], ARGV[3])
end
if count > 0 then told[2] = count * {PARTITIONS} + part end
return told
"""

# keys: log, end, trimmed; then: after, count. Gives {trimmed, end, id, entry, id, entry, ...}, no entries when some of
# them may have been trimmed.
READ = """
local told = {redis.call('GET', KEYS[3]) or '0', redis.call('GET', KEYS[2]) or '0'}
if tonumber(ARGV[1]) < tonumber(told[1]) then return told end
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1] .. '-0', '+', 'COUNT', ARGV[2])) do
  told[#told + 1] = entry[1]
  told[#told + 1] = entry[2][2]
end
return told
"""

# keys: log, trimmed; then: upto.
TRIM = """
if tonumber(ARGV[1]) > tonumber(redis.call('GET', KEYS[2]) or '0') then
  redis.call('SET', KEYS[2], ARGV[1])
  redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f-0', tonumber(ARGV[1]) + 1))
end
return 1
"""

# keys: log, a name for the new one; then: ids. XDEL alone leaves the bytes of an entry in its block, in memory and on
# disk, until the whole block goes; so what stays is written into a new stream, with the groups of the old one.
ERASE = """
local function named(flat)
  local told = {}
  for at = 1, #flat, 2 do told[flat[at]] = flat[at + 1] end
  return told
end
for _, id in ipairs(ARGV) do redis.call('XDEL', KEYS[1], id) end
local stream = named(redis.call('XINFO', 'STREAM', KEYS[1]))
redis.call('DEL', KEYS[2])
if stream['length'] == 0 then return 0 end
local from = '-'
while true do
  local entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1000)
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do redis.call('XADD', KEYS[2], entry[1], 'e', entry[2][2]) end
  from = '(' .. entries[#entries][1]
end
redis.call('XSETID', KEYS[2], stream['last-generated-id'], 'ENTRIESADDED', stream['entries-added'])
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = named(flat)
  redis.call('XGROUP', 'CREATE', KEYS[2], group['name'], group['last-delivered-id'],
    'ENTRIESREAD', group['entries-read'] or 0)
end
redis.call('RENAME', KEYS[2], KEYS[1])
return 1
"""

# keys: offsets, epoch, records, log; then: space, since, upto, epoch, place of upto, (user, record)...
# Gives 1 when they were written.
COMMIT = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '0') ~= ARGV[2] then return 0 end
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for at = 6, #ARGV, 2 do redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1]) end
local id = ARGV[3] .. '-0'
local moved = redis.pcall('XGROUP', 'SETID', KEYS[4], ARGV[1], id, 'ENTRIESREAD', ARGV[5])
if type(moved) == 'table' and moved.err then
  redis.pcall('XGROUP', 'CREATE', KEYS[4], ARGV[1], id, 'MKSTREAM', 'ENTRIESREAD', ARGV[5])
end
return 1
"""

# keys: offsets, epoch, loading; then: what a space's records are called before its name, user. Gives how many went.
DELETE = """
local count = 0
for _, space in ipairs(redis.call('HKEYS', KEYS[1])) do
  count = count + redis.call('HDEL', ARGV[1] .. space, ARGV[2])
end
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('INCR', KEYS[2])
return count
"""

# keys: loader, loading; then: token, seconds, (user, record)... Gives 0 when the load is another's now, or has lapsed.
FILL = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for at = 3, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1
"""

# keys: loader, loading, records, offsets, epoch, log; then: token, space, offset, place of the offset.
PUBLISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[3])
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('PERSIST', KEYS[2])
  redis.call('RENAME', KEYS[2], KEYS[3])
end
redis.call('HSET', KEYS[4], ARGV[2], ARGV[3])
redis.call('INCR', KEYS[5])
redis.call('DEL', KEYS[1])
redis.pcall('XGROUP', 'DESTROY', KEYS[6], ARGV[2])
redis.pcall('XGROUP', 'CREATE', KEYS[6], ARGV[2], ARGV[3] .. '-0', 'MKSTREAM', 'ENTRIESREAD', ARGV[4])
return 1
"""

# keys: records, offsets, epoch, log; then: space.
DROP = """
if redis.call('HDEL', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('UNLINK', KEYS[1])
redis.call('INCR', KEYS[3])
redis.pcall('XGROUP', 'DESTROY', KEYS[4], ARGV[1])
return 1
"""
