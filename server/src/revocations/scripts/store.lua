-- Stores a revocation. Answers 'stored', when and what it is of; or 'full'.
--
-- KEYS  the revocations
-- ARGV  ms for which one is kept; how many at most; form; sign between fields;
--       when ('' for now), issued before ('' for now); the other fields
local now = now_us()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', digits(now - tonumber(ARGV[1]) * 1000))
local at, issued = ARGV[5], ARGV[6]
if at == '' then at = digits(math.floor(now / 1000)) end
if issued == '' then issued = digits(math.floor(now / 1000000)) end
local line = table.concat({ARGV[3], at, issued, ARGV[7]}, ARGV[4])
if not redis.call('ZSCORE', KEYS[1], line) then
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return {'full'} end
  local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
  if last and tonumber(last) >= now then now = tonumber(last) + 1 end
  redis.call('ZADD', KEYS[1], digits(now), line)
end
return {'stored', at, issued}
