-- Writes something that changes nothing, if the log still holds this history: whoever
-- waits for replicas after it waits for all that was written before.
--
-- KEYS  state, log
-- ARGV  epoch, version, hash
local head = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'hash')
local version = tonumber(head[2] or '0')
if head[1] ~= ARGV[1] or version < tonumber(ARGV[2]) then return 'lost' end
local known = head[3]
if version > tonumber(ARGV[2]) then known = hash_at(KEYS[2], tonumber(ARGV[2])) end
if known and known ~= ARGV[3] then return 'lost' end
redis.call('HSET', KEYS[1], 'version', head[2])
return 'held'
