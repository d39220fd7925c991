-- Tells what was stored behind the line that the caller has read last; everything, from the
-- beginning, if that line is not where it was: then this is another history. Answers 'more' or
-- 'all', the time now in ms, and lines with their times.
--
-- KEYS  the revocations
-- ARGV  the last line ('' for none), its time; how many lines at most
local kind, from = 'all', '-inf'
if ARGV[1] ~= '' then
  local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if at and tonumber(at) == tonumber(ARGV[2]) then kind, from = 'more', '(' .. ARGV[2] end
end
local answer = {kind, digits(math.floor(now_us() / 1000))}
local lines = redis.call('ZRANGE', KEYS[1], from, '+inf', 'BYSCORE', 'LIMIT', 0, tonumber(ARGV[3]), 'WITHSCORES')
for at = 1, #lines, 2 do
  answer[#answer + 1] = lines[at]
  answer[#answer + 1] = digits(tonumber(lines[at + 1]))
end
return answer
