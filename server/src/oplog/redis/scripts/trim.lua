-- Forgets entries up to a version, but never above the snapshot, and clients who were
-- last seen too long ago and have no entry left. The last entry stays: it shows that
-- state and log belong together.
--
-- KEYS  state, log
-- ARGV  before; version of the snapshot that was read back; time now in ms ('' for this server's)
local head = redis.call('HMGET', KEYS[1], 'version', 'floor', 'snapshot')
local version, floor = tonumber(head[1] or '0'), tonumber(head[2] or '0')
local snapshot = tonumber(head[3] or '0')
local wanted = math.min(tonumber(ARGV[1]), tonumber(ARGV[2]), snapshot)
if wanted > floor then
  floor = wanted
  redis.call('XTRIM', KEYS[2], 'MINID', '=', digits(math.min(floor + 1, version)) .. '-0')
  redis.call('HSET', KEYS[1], 'floor', digits(floor))
end
local now, cursor = now_ms(ARGV[3]), '0'
repeat
  local found = redis.call('HSCAN', KEYS[1], cursor, 'MATCH', 'c*', 'COUNT', 256)
  cursor = found[1]
  for at = 1, #found[2], 2 do
    local field = found[2][at]
    local known = record_of(KEYS[1], string.sub(field, 2))
    if known and forgettable(known, now, floor) then redis.call('HDEL', KEYS[1], field) end
  end
until cursor == '0'
return digits(floor)
