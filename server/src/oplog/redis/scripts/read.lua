-- Reads entries after a version.
--
-- KEYS  state, log
-- ARGV  after, bytes
local floor = redis.call('HGET', KEYS[1], 'floor') or '0'
if tonumber(ARGV[1]) < tonumber(floor) then return {'below', floor} end
return {'entries', page(KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2]))}
