-- Puts state and log together again after one of them was lost in part, if both are still
-- as they were seen. What does not belong to the surviving history is kept aside.
--
-- KEYS  state, log, damaged
-- ARGV  epoch, version, last id as they were seen ('' for what is missing); new epoch; surviving
--       version, hash, floor; snapshot version ('' for none), its hash; live channel, live
--       message; then client records to write: client, record ('' to remove)
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version')
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if (head[1] or '') ~= ARGV[1] or (head[2] or '') ~= ARGV[2] or (last and last[1] or '') ~= ARGV[3] then
  return 'changed'
end
local survived, floor = tonumber(ARGV[5]), tonumber(ARGV[7])
if last and last[1] ~= digits(survived) .. '-0' then
  redis.call('RENAME', KEYS[2], KEYS[3])
  local from = '(' .. digits(floor) .. '-0'
  local to = digits(survived) .. '-0'
  while survived > floor do
    local entries = redis.call('XRANGE', KEYS[3], from, to, 'COUNT', 128)
    for _, entry in ipairs(entries) do
      redis.call('XADD', KEYS[2], entry[1], 'e', entry[2][2], 'h', entry[2][4])
    end
    if #entries < 128 then break end
    from = '(' .. entries[#entries][1]
  end
end
redis.call('HSET', KEYS[1], 'epoch', ARGV[4], 'version', ARGV[5], 'hash', ARGV[6], 'floor', ARGV[7])
if ARGV[8] == '' then
  redis.call('HDEL', KEYS[1], 'snapshot', 'snapshot_hash')
else
  redis.call('HSET', KEYS[1], 'snapshot', ARGV[8], 'snapshot_hash', ARGV[9])
end
for at = 12, #ARGV, 2 do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', KEYS[1], 'c' .. ARGV[at])
  else
    redis.call('HSET', KEYS[1], 'c' .. ARGV[at], ARGV[at + 1])
  end
end
redis.call('SPUBLISH', ARGV[10], ARGV[11])
return 'recovered'
