-- All revocations are one sorted set: each is a line, by the time in microseconds at which it
-- was stored, by the clock of Redis; of two none has the same.
local function digits(number) return string.format('%.0f', number) end

local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

