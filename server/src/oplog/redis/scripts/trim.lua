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
  -- What is trimmed keeps its bytes until the whole block of entries around it is gone. Where few are
  -- left, as of a deleted document, they get a block of their own.
  local left = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 9)
  if #left < 9 then
    redis.call('DEL', KEYS[2])
    for _, entry in ipairs(left) do redis.call('XADD', KEYS[2], entry[1], unpack(entry[2])) end
  end
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
