-- Stores a snapshot if it is of this life and history, and not older than the stored one,
-- which is kept beside it.
--
-- KEYS  state, log, snapshot, previous
-- ARGV  epoch, version, hash, snapshot
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'hash', 'snapshot', 'floor', 'snapshot_hash')
local version, made_at = tonumber(head[2] or '0'), tonumber(ARGV[2])
if head[1] ~= ARGV[1] or made_at > version then return 'ignored' end
if made_at == version and head[3] ~= ARGV[3] then return 'ignored' end
if made_at < version and made_at > tonumber(head[5] or '0') then
  local known = hash_at(KEYS[2], made_at)
  if known and known ~= ARGV[3] then return 'ignored' end
end
if head[4] then
  if made_at < tonumber(head[4]) then return 'ignored' end
  -- Below the floor no entry tells any more whose history it is.
  if made_at == tonumber(head[4]) and head[6] ~= ARGV[3] then return 'ignored' end
  if made_at > tonumber(head[4]) and redis.call('EXISTS', KEYS[3]) == 1 then
    redis.call('RENAME', KEYS[3], KEYS[4])
  end
end
redis.call('SET', KEYS[3], ARGV[4])
redis.call('HSET', KEYS[1], 'snapshot', digits(made_at), 'snapshot_hash', ARGV[3])
return 'stored'
