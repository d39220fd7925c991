-- Begins a new life by compare-and-set, unless the newest entry is a certain client's, and
-- lets everybody look.
--
-- KEYS  state, log
-- ARGV  old epoch ('' for none), new epoch, live channel, live message,
--       client ('' for none)
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'hash')
local epoch, version, hash = head[1] or '', head[2] or '0', head[3] or ZERO
local known = ARGV[5] ~= '' and record_of(KEYS[1], ARGV[5])
local ended = known and tonumber(known.version) == tonumber(version)
if epoch ~= ARGV[1] or ended then return {'other', epoch, version, hash} end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'version', version, 'hash', hash)
redis.call('SPUBLISH', ARGV[3], ARGV[4])
return {'advanced', ARGV[2], version, hash}
