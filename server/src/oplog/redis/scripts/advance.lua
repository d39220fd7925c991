-- Begins a new life by compare-and-set, and lets everybody look.
--
-- KEYS  state, log
-- ARGV  old epoch ('' for none), new epoch, live channel, live message
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'hash')
local epoch, version, hash = head[1] or '', head[2] or '0', head[3] or ZERO
if epoch ~= ARGV[1] then return {'other', epoch, version, hash} end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'version', version, 'hash', hash)
redis.call('SPUBLISH', ARGV[3], ARGV[4])
return {'advanced', ARGV[2], version, hash}
