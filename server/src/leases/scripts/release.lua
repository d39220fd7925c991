-- Gives leases back.
--
-- KEYS  for each lease its user's leases
-- ARGV  the names of the leases
for at, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[at]) end
return 0
