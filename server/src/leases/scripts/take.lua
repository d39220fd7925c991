-- Takes a lease if the user has fewer than the limit. Answers 'taken', or 'full' and in how
-- many ms the first of them ends. Asked twice it takes one.
--
-- KEYS  the user's leases
-- ARGV  limit; ms after which a lease ends; name of the lease
local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', digits(now))
if not redis.call('ZSCORE', KEYS[1], ARGV[3]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return {'full', digits(tonumber(first[2] or now) - now)}
end
redis.call('ZADD', KEYS[1], digits(now + tonumber(ARGV[2])), ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'taken'}
