-- Keeps leases up, and takes back those that have ended meanwhile: their connections live.
-- Answers how many those were.
--
-- KEYS  for each lease its user's leases
-- ARGV  ms after which a lease ends; the names of the leases
local ends, anew = digits(now_ms() + tonumber(ARGV[1])), 0
for at, key in ipairs(KEYS) do
  anew = anew + redis.call('ZADD', key, ends, ARGV[at + 1])
  redis.call('PEXPIRE', key, ARGV[1])
end
return anew
